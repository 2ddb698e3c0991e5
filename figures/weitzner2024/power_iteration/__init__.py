"""Alignment with the leading mode in the middle of training, and amplitudes by the number of a sampler's steps."""
