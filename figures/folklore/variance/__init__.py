"""Is it true that diffusion models do not suffer from gradient variance: a widely read page's claims, measured."""
