"""Exponents of wide networks, near the start and far from it."""
