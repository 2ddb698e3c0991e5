"""Denoising as a mean shift, where it rests, and the thickness of flat data in training."""
