"""One-layer and tied two-layer denoisers beside their theory: weights, generated variance, emergence."""
