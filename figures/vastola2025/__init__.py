"""Figures of Vastola 2025: the covariance of what is learned over training sets, and what it generates."""
