"""The noise level at which the posterior collapses onto one of N points, against N and dimension."""
