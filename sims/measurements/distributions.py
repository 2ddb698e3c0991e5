"""Distances of average distributions that ensembles of models learn.

An average learned distribution pools the samples of all models; models are the independent repetitions, so every
standard error is over models. Statistics of the pooled distribution that are not means take the jackknife.
"""

import numpy as np
from jaxtyping import Float

from sims.measurements.estimates import Estimate
from sims.measurements.resampling import jackknife


def cumulative(
    samples: Float[np.ndarray, "models n"], grid: Float[np.ndarray, " grid"]
) -> Float[np.ndarray, "models grid"]:
    """Share of every model's samples at or below each grid point."""
    ordered = np.sort(np.asarray(samples), axis=-1)
    return np.stack([np.searchsorted(row, grid, side="right") for row in ordered]) / ordered.shape[-1]


def wasserstein1_of_average(
    cumulatives: Float[np.ndarray, "models grid"],
    reference: Float[np.ndarray, " grid"],
    grid: Float[np.ndarray, " grid"],
) -> Estimate:
    """W_1 = ∫ |F̄(x) - F_ref(x)| dx between the average distribution and a reference, by the trapezoidal rule.

    All distribution functions on one grid that holds all mass. The plain estimate: sampling noise alone makes it
    positive, so hold it against `wasserstein1_permutations`.
    """
    return jackknife(lambda average: float(np.trapezoid(np.abs(average - reference), grid)), cumulatives)


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
        distances[index] = np.trapezoid(np.abs(part / size - (total - part) / (len(pooled) - size)), grid)
    return distances


def kl_of_average(probabilities: Float[np.ndarray, "models bins"], reference: Float[np.ndarray, " bins"]) -> Estimate:
    """KL(average ‖ reference) = Σ q̄ ln(q̄/p) over bins, in nats; infinite where q̄ has mass and p has none.

    `probabilities` are every model's shares of samples in the bins, `reference` the masses of the reference density.
    Each row sums to one, counting what lies outside as bins of its own. Raises ValueError otherwise, and for fewer than
    two models.
    """
    totals = np.sum(probabilities, axis=-1)
    if not np.allclose(totals, 1):
        raise ValueError(
            f"each model's shares of samples must sum to one; got sums from {totals.min()} to {totals.max()}"
        )

    def divergence(average: np.ndarray) -> float:
        held = average > 0
        if np.any(reference[held] <= 0):
            return float("inf")
        return float(np.sum(average[held] * np.log(average[held] / reference[held])))

    return jackknife(divergence, probabilities)


# --- Is the estimator Gaussian? ---
