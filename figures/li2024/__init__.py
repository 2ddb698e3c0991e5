"""Li & van der Schaar 2024, On Error Propagation of Diffusion Models: the question, for linear denoisers."""
