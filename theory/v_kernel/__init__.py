"""The covariance of learned scores over training draws: V-kernels of features, least squares and gradient flow."""
