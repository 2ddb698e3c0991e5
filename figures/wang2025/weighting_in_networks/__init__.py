"""Whether the loss weight sets the exponent of nonlinear networks, by the optimiser."""
