"""Figures 16 to 20 of Wang & Pehlevan 2025: patches of what convolutional networks generate."""
