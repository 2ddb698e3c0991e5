"""Figures that test both papers."""
