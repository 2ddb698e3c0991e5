"""Standard errors over models of what is not a mean: by the jackknife, and of ratios."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from sims.measurements.estimates import Estimate, mean_over


def jackknife(statistic: Callable[[np.ndarray], float], summaries: Float[np.ndarray, "models *shape"]) -> Estimate:
    """f(mean over models of a summary) with its delete-one standard error √((n-1)/n Σ (f_(-i) - f̄)²).

    For functions f that are smooth where they are evaluated. Raises ValueError for fewer than two models.
    """
    count = len(summaries)
    if count < 2:
        raise ValueError(f"a standard error needs at least two models; got {count}")
    mean = summaries.mean(axis=0)
    without = np.array([statistic(mean + (mean - each) / (count - 1)) for each in summaries])
    return Estimate(np.asarray(statistic(mean)), jackknife_error(without), count)


def jackknife_error(without: Float[np.ndarray, "n *shape"]) -> Float[np.ndarray, "*shape"]:
    """Standard error √((n-1)/n Σ (f_(-i) - f̄)²) of what was computed with each of n parts left out."""
    count = len(without)
    return np.sqrt((count - 1) / count * np.sum((without - without.mean(axis=0)) ** 2, axis=0))


def variance_over_members(weights: Float[np.ndarray, "members *batch"]) -> Estimate:
    """Sample variance over the members of an ensemble and its jackknife standard error, element by element."""
    return mean_over(_variance_pseudo_values(weights))


def pooled_variance_ratio(
    weights: Float[np.ndarray, "members *batch rows columns"], predicted: Float[np.ndarray, "*batch rows columns"]
) -> Estimate:
    """Measured over predicted variance, averaged over matrix elements with equal weight; (*batch) each.

    The standard error is the jackknife's over members, so that correlations between elements are counted.
    """
    return mean_over(np.mean(_variance_pseudo_values(weights) / predicted, axis=(-2, -1)))


def _variance_pseudo_values(weights: np.ndarray) -> np.ndarray:
    """n v - (n - 1) v₋ᵢ with v₋ᵢ the variance without member i: their mean is the sample variance v itself."""
    weights = np.asarray(weights, dtype=float)
    count = len(weights)
    if count < 3:
        raise ValueError(f"a jackknife of a variance needs three members or more; got {count}")
    squares = (weights - weights.mean(axis=0)) ** 2
    variance = squares.sum(axis=0) / (count - 1)
    without = ((count - 1) * variance - squares * count / (count - 1)) / (count - 2)
    return count * variance - (count - 1) * without
