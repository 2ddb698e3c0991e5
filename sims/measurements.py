"""What is measured on samples and trained models, each number with its standard error."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Array, Float
from scipy.stats import t as student_t
from scipy.stats import wasserstein_distance


class Estimate(NamedTuple):
    """A mean over independent repetitions and its standard error, arrays of one shape."""

    value: np.ndarray
    stderr: np.ndarray
    repetitions: int

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of a single value, from Student's t with one degree of freedom less than repetitions.

        Everything where there is no standard error: a part of the data may leave the value undefined.
        """
        if np.isnan(self.stderr):
            return float("-inf"), float("inf")
        half_width = student_t.ppf(0.975, self.repetitions - 1) * self.stderr
        return float(self.value - half_width), float(self.value + half_width)


def mean_over(samples: np.ndarray, axis: int = 0) -> Estimate:
    """Mean over independent repetitions and its standard error s/√n. Raises ValueError for fewer than two."""
    samples = np.asarray(samples, dtype=float)
    count = samples.shape[axis]
    if count < 2:
        raise ValueError(f"a standard error needs at least two repetitions; got {count}")
    return Estimate(samples.mean(axis=axis), samples.std(axis=axis, ddof=1) / np.sqrt(count), count)


def mode_variances(
    samples: Float[Array, "*batch n modes"],
) -> Float[np.ndarray, "*batch modes"]:
    """Sample variance (n - 1 in the denominator) of every mode, for samples in mode coordinates."""
    return np.var(np.asarray(samples, dtype=float), axis=-2, ddof=1)


def mode_means(samples: Float[Array, "*batch n modes"]) -> Float[np.ndarray, "*batch modes"]:
    """Sample mean of every mode, for samples in mode coordinates; `mean_over` seeds gives its standard error."""
    return np.mean(np.asarray(samples, dtype=float), axis=-2)


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
    against (...).
    """
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


def gap_mass(samples: Float[np.ndarray, "models n"], low: float, high: float) -> Estimate:
    """Share of samples with low < |x| < high, averaged over models with the standard error; raises as `gap_shares`."""
    return mean_over(gap_shares(samples, low, high))


def gap_shares(samples: Float[np.ndarray, "*models n"], low: float, high: float) -> Float[np.ndarray, "*models"]:
    """Share of every model's samples with low < |x| < high. Raises ValueError unless low < high."""
    if not low < high:
        raise ValueError(f"a gap needs low < high; got low={low}, high={high}")
    distance = np.abs(np.asarray(samples))
    return np.mean((distance > low) & (distance < high), axis=-1)


def histograms(
    samples: Float[np.ndarray, "models n"], edges: Float[np.ndarray, " edges"]
) -> Float[np.ndarray, "models bins"]:
    """Density of every model's samples in the bins; samples outside count towards the normalisation."""
    widths = np.diff(edges)
    counts = np.stack([np.histogram(row, bins=edges)[0] for row in np.asarray(samples)])
    return counts / (np.asarray(samples).shape[-1] * widths)


def joint_histogram(
    samples: Float[np.ndarray, "n 2"], edges: Float[np.ndarray, " edges"]
) -> Float[np.ndarray, "bins bins"]:
    """Joint density on a square grid, indexed [x bin, y bin]; samples outside count towards the normalisation."""
    counts, _, _ = np.histogram2d(samples[:, 0], samples[:, 1], bins=(edges, edges))
    return counts / (len(samples) * np.outer(np.diff(edges), np.diff(edges)))


def wasserstein1(samples: Float[np.ndarray, "models n"], reference: Float[np.ndarray, " m"]) -> Estimate:
    """Wasserstein-1 distance of every model's samples to the points of `reference`, averaged over models."""
    return mean_over(np.asarray([wasserstein_distance(row, reference) for row in np.asarray(samples)]))
