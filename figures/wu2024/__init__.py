"""Wu et al. 2024, Theoretical Insights for Diffusion Guidance: A Case Study for Gaussian Mixture Models."""
