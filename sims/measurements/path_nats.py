"""Nats that linear denoisers lose by not being the best ones, from their trained maps."""

import numpy as np
from jaxtyping import Float
from scipy.integrate import simpson


def excess_path_nats(
    total_maps: Float[np.ndarray, "levels *batch dim dim"],
    covariance: Float[np.ndarray, "dim dim"],
    noise_levels: Float[np.ndarray, " levels"],
) -> Float[np.ndarray, "*batch dim"]:
    """∫ E((D - D*)_k)² σ^-3 dσ of every coordinate k, for denoisers D(x) = W x one per noise level.

    The data have zero mean and the `covariance` C, for which W* = C(C + σ²)^-1 is the best map, so that the expectation
    is the diagonal of (W - W*)(C + σ²)(W - W*)ᵀ. By Simpson's rule in ln σ. Raises ValueError unless the levels are an
    odd number, positive and equally spaced in ln σ, with a map for each.
    """
    levels, maps = np.asarray(noise_levels, float), np.asarray(total_maps, float)
    if levels.ndim != 1 or levels.size % 2 == 0 or not np.all(levels > 0):
        raise ValueError(f"noise levels must be an odd number of positive ones; got {levels}")
    steps = np.diff(np.log(levels))
    if not np.allclose(steps, steps[:1], rtol=1e-4):
        raise ValueError("noise levels must be equally spaced in their logarithm")
    if len(maps) != levels.size:
        raise ValueError(f"maps must be one per noise level; got {len(maps)} for {levels.size}")
    rates = np.stack([_missed(*each, np.asarray(covariance, float)) for each in zip(maps, levels, strict=True)])
    return np.abs(simpson(rates, x=np.log(levels), axis=0))  # levels may run either way


def _missed(maps: np.ndarray, level: float, covariance: np.ndarray) -> np.ndarray:
    """E((D - D*)_k)²/σ² at one noise level."""
    power = covariance + level**2 * np.eye(len(covariance))
    wrong = maps - np.linalg.solve(power, covariance).T
    return np.einsum("...km,ml,...kl->...k", wrong, power, wrong, optimize=True) / level**2
