"""Densities of samples on a line and in the plane: histograms, and shares of samples in a gap."""

import numpy as np
from jaxtyping import Float

from sims.measurements.estimates import Estimate, known_numbers, mean_over


def gap_mass(samples: Float[np.ndarray, "models n"], low: float, high: float) -> Estimate:
    """Share of samples with low < |x| < high, averaged over models with the standard error; raises as `gap_shares`."""
    return mean_over(gap_shares(samples, low, high))


def gap_shares(samples: Float[np.ndarray, "*models n"], low: float, high: float) -> Float[np.ndarray, "*models"]:
    """Share of every model's samples with low < |x| < high. Raises ValueError unless low < high, and for NaN."""
    if not low < high:
        raise ValueError(f"a gap needs low < high; got low={low}, high={high}")
    distance = np.abs(known_numbers(samples))
    return np.mean((distance > low) & (distance < high), axis=-1)


def histograms(
    samples: Float[np.ndarray, "models n"], edges: Float[np.ndarray, " edges"]
) -> Float[np.ndarray, "models bins"]:
    """Density of every model's samples in the bins; samples outside count towards the normalisation.

    Raises ValueError for NaN.
    """
    widths = np.diff(edges)
    counts = np.stack([np.histogram(row, bins=edges)[0] for row in known_numbers(samples)])
    return counts / (np.asarray(samples).shape[-1] * widths)


def joint_histogram(
    samples: Float[np.ndarray, "n 2"], edges: Float[np.ndarray, " edges"]
) -> Float[np.ndarray, "bins bins"]:
    """Joint density on a square grid, indexed [x bin, y bin]; samples outside count towards the normalisation.

    Raises ValueError for NaN, and samples of another dimension.
    """
    samples = known_numbers(samples)
    if samples.ndim != 2 or samples.shape[1] != 2:
        raise ValueError(f"samples must have shape (n, 2); got {samples.shape}")
    counts, _, _ = np.histogram2d(samples[:, 0], samples[:, 1], bins=(edges, edges))
    return counts / (len(samples) * np.outer(np.diff(edges), np.diff(edges)))
