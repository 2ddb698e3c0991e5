"""One linear denoiser over training sets: its mean is the spectral law, its covariance the V-kernel."""
