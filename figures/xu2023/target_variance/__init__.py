"""What references would take from the variance of the target, on a data set of the user's own."""
