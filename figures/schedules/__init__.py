"""Figures on which noise levels to sample at."""
