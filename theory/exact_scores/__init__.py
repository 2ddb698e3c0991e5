"""Data whose posterior is known: scores, and the covariance of the proxy score."""
