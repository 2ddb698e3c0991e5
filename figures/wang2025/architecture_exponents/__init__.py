"""What sets the exponent of the spectral law in trained networks: architecture, optimiser, level."""
