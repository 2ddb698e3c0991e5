"""Proposition 4.1 of Vastola 2025: the naive sampler, its stochastic equation, and perturbation theory in κ."""
