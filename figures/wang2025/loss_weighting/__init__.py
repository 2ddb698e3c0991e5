"""The loss weighting sets the exponent of the spectral law."""
