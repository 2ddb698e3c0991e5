"""Standard errors over models of what is not a mean: by the jackknife, and of ratios."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from scipy.stats import t as student_t

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


def ratio_of_means(numerator: np.ndarray, denominator: np.ndarray) -> tuple[float, tuple[float, float]]:
    """Ratio of two means over paired models with Fieller's 95 % interval: all r with |ȳ - r x̄| ≤ t·stderr(y - r x).

    Unbounded where the denominator's mean is not distinguishable from zero: then no ratio is excluded that a report
    of two finite numbers could state. NaN for a denominator of mean zero.
    """
    count, mean = len(numerator), np.array([numerator.mean(), denominator.mean()])
    if mean[1] == 0:
        return float("nan"), (float("-inf"), float("inf"))
    squared = student_t.ppf(0.975, count - 1) ** 2 / count
    covariance = squared * np.cov(numerator, denominator)
    # a r² - 2 b r + c ≤ 0
    a, b, c = mean[1] ** 2 - covariance[1, 1], mean.prod() - covariance[0, 1], mean[0] ** 2 - covariance[0, 0]
    if a <= 0:
        return float(mean[0] / mean[1]), (float("-inf"), float("inf"))
    half_width = np.sqrt(max(b**2 - a * c, 0.0)) / a
    return float(mean[0] / mean[1]), (float(b / a - half_width), float(b / a + half_width))
