"""The mean over training draws: regression, denoisers in training, what they generate, when modes emerge."""
