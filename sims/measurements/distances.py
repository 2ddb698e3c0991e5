"""Wasserstein-1 distances between distributions on a line, of single models and of averages over models.

An average learned distribution pools the samples of all models; models are the independent repetitions.
"""

import numpy as np
from jaxtyping import Float
from scipy.stats import wasserstein_distance

from sims.measurements.estimates import Estimate, mean_over


def wasserstein1(samples: Float[np.ndarray, "models n"], reference: Float[np.ndarray, " m"]) -> Estimate:
    """Wasserstein-1 distance of every model's samples to the points of `reference`, averaged over models."""
    return mean_over(np.asarray([wasserstein_distance(row, reference) for row in np.asarray(samples)]))


def cumulative(
    samples: Float[np.ndarray, "models n"], grid: Float[np.ndarray, " grid"]
) -> Float[np.ndarray, "models grid"]:
    """Share of every model's samples at or below each grid point."""
    ordered = np.sort(np.asarray(samples), axis=-1)
    return np.stack([np.searchsorted(row, grid, side="right") for row in ordered]) / ordered.shape[-1]


def wasserstein1_between(
    first: Float[np.ndarray, "*batch grid"], second: Float[np.ndarray, "*batch grid"], grid: Float[np.ndarray, " grid"]
) -> Float[np.ndarray, "*batch"]:
    """W_1 = ∫ |F(x) - F'(x)| dx of distribution functions on one grid that holds all mass, by the trapezoidal rule.

    Between averages over samples it is positive by sampling noise alone: hold it against `wasserstein1_permutations`.
    """
    return np.trapezoid(np.abs(first - second), grid, axis=-1)


def wasserstein1_permutations(
    first: Float[np.ndarray, "models grid"],
    second: Float[np.ndarray, "models grid"],
    grid: Float[np.ndarray, " grid"],
    *,
    repetitions: int,
    random: np.random.Generator,
) -> Float[np.ndarray, " repetitions"]:
    """W_1 between the averages of two groups of models under random exchange of their labels: its null law."""
    pooled, size = np.concatenate([first, second]), len(first)
    total = pooled.sum(axis=0)
    distances = np.empty(repetitions)
    for index in range(repetitions):
        part = pooled[random.permutation(len(pooled))[:size]].sum(axis=0)
        distances[index] = wasserstein1_between(part / size, (total - part) / (len(pooled) - size), grid)
    return distances
