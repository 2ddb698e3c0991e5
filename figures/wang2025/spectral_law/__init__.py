"""The spectral law on a data set of the user's own."""
