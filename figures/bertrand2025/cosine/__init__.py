"""When the stochastic target of flow matching is the exact one, in low and in high dimension."""
