"""What smoothing the score of twelve points of a circle generates, beside smoothing their density."""
