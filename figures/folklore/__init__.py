"""Figures that measure what is widely said of diffusion models, beside what papers state."""
