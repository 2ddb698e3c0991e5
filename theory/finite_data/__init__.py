"""Finite data: deterministic equivalents, learning curves, covariances of weights over training draws."""
