"""Figures after Biroli et al. 2024, on when diffusion collapses onto one data point."""
