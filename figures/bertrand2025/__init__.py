"""Figures after Bertrand et al. 2025, on targets of flow matching and generalisation."""
