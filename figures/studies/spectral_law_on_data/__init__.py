"""The spectral law on a data set: linear denoisers trained on samples by SGD."""
