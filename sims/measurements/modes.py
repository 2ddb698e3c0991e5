"""Moments of samples mode by mode, and when a mode crosses a level."""

import numpy as np
from jaxtyping import Array, Float

from sims.measurements.estimates import Estimate, mean_over


def mode_covariances(samples: Float[Array, "*batch n modes"]) -> Float[np.ndarray, "*batch modes modes"]:
    """Sample covariance (n - 1 in the denominator) of the modes, for samples in mode coordinates."""
    coordinates = np.asarray(samples, dtype=float)
    centred = coordinates - coordinates.mean(axis=-2, keepdims=True)
    return np.swapaxes(centred, -1, -2) @ centred / (coordinates.shape[-2] - 1)


def variance_over_seeds(variances: Float[np.ndarray, "seeds *batch"]) -> Estimate:
    """Geometric mean over independently trained networks of a generated variance, and its standard error.

    The logarithm is what the probability-flow ODE integrates, so its distribution over networks is close to normal
    when the variance itself is skewed.
    """
    logarithm = mean_over(np.log(variances))
    value = np.exp(logarithm.value)
    return Estimate(value, value * logarithm.stderr, logarithm.repetitions)


def first_crossing(
    times: Float[np.ndarray, " times"], values: Float[np.ndarray, "times *batch"], level: np.ndarray
) -> np.ndarray:
    """First time at which each curve crosses its level, by linear interpolation in log-log; NaN if never.

    The direction is that from the first value towards the level: `values` is (times, ...), `level` broadcasts
    against (...). Raises ValueError for times that are not positive and increasing.
    """
    if not (np.all(np.asarray(times) > 0) and np.all(np.diff(times) > 0)):
        raise ValueError(f"times must be positive and increase; got {times}")
    excess = np.log(values) - np.log(level)
    excess = excess * -np.sign(excess[:1])
    crossed = excess >= 0
    index = np.maximum(np.argmax(crossed, axis=0), 1)
    after = np.take_along_axis(excess, index[None], axis=0)[0]
    before = np.take_along_axis(excess, index[None] - 1, axis=0)[0]
    log_times = np.log(times)
    gap = after - before
    fraction = np.where(gap > 0, -before / np.where(gap > 0, gap, 1.0), 0.0)
    fraction = np.where(crossed.any(axis=0), fraction, np.nan)
    return np.exp(log_times[index - 1] + fraction * (log_times[index] - log_times[index - 1]))
