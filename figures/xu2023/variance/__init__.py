"""The variance of the regression target over the noise level, with and without references."""
