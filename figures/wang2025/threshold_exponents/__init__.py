"""The threshold of emergence decides the exponent of the spectral law, and so does momentum."""
