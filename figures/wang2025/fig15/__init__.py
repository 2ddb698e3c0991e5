"""Figure 15 of Wang & Pehlevan 2025: how nearly the early denoiser is a linear convolution."""
