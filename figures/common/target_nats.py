"""What the variance of a target adds up to, ∫σV dσ in nats, and ratios of variances."""

import numpy as np
from jaxtyping import Float

from sims.measurements.estimates import Estimate, mean_over


def target_nats(
    levels: Float[np.ndarray, " levels"],
    measured: Float[np.ndarray, "replicates references levels"],
    posterior: Float[np.ndarray, "replicates levels"],
) -> list[Estimate]:
    """The area under every σ²V in ln σ, of no references (the first) and of some.

    What the draws of DSM's target differ by from their mean given x, `posterior`, is known, and its mean is zero: what
    areas share with it is taken off, by least squares over the replicates.
    """
    area, known = _area(levels, measured), _area(levels, posterior)
    chance = area[:, 0] - known
    return [mean_over(known), *(controlled(each, chance) for each in area[:, 1:].T)]


def _area(levels: np.ndarray, curves: np.ndarray) -> np.ndarray:
    """By the trapezoidal rule in ln σ; beyond the largest level σ²V falls as σ^-2."""
    return np.trapezoid(curves, np.log(levels), axis=-1) + curves[..., -1] / 2


def controlled(values: np.ndarray, control: np.ndarray) -> Estimate:
    """Mean of the values where the control has its true mean, zero: the constant of a line, and its standard error."""
    design = np.stack([np.ones_like(control), control], axis=1)
    constant, slope = np.linalg.lstsq(design, values)[0]
    degrees = len(values) - 2
    scatter = np.sum((values - constant - slope * control) ** 2) / degrees
    error = np.sqrt(scatter * np.linalg.inv(design.T @ design)[0, 0])
    return Estimate(np.asarray(constant), np.asarray(error), degrees + 1)


def ratio_of_means(above: np.ndarray, below: np.ndarray) -> Estimate:
    """Ratio of two means over the same replicates, with the jackknife's error."""
    count = len(above)
    left_out = (above.sum() - above) / (below.sum() - below)
    return mean_over(count * above.mean() / below.mean() - (count - 1) * left_out)
