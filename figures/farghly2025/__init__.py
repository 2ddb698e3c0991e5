"""Figures after Farghly et al. 2025, on smoothed scores."""
