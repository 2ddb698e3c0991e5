"""Figure 14 of Wang & Pehlevan 2025: the spectrum of the denoiser's Jacobian over training."""
