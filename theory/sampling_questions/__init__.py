"""What the gain of a denoiser at some training time does to questions of sampling."""
