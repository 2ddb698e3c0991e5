"""The best noise levels to sample at, predicted and tried on trained networks."""
