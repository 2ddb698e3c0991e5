"""Estimates: a value with its standard error and its interval."""

import sys
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import ArrayLike
from scipy.stats import binomtest
from scipy.stats import t as student_t


class Estimate(NamedTuple):
    """A mean over independent repetitions and its standard error, arrays of one shape."""

    value: np.ndarray
    stderr: np.ndarray
    repetitions: int

    def at(self, index: Any) -> "Estimate":
        """One or some of the values."""
        return Estimate(self.value[index], self.stderr[index], self.repetitions)

    @property
    def half_width(self) -> np.ndarray:
        """Half of every value's 95 % interval, by Student's t with one degree of freedom less than repetitions."""
        return student_t.ppf(0.975, self.repetitions - 1) * self.stderr

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of a single value, see `half_width`.

        Everything where there is no standard error: a part of the data may leave the value undefined.
        """
        if np.isnan(self.stderr):
            return float("-inf"), float("inf")
        return float(self.value - self.half_width), float(self.value + self.half_width)


def mean_over(samples: np.ndarray, axis: int = 0) -> Estimate:
    """Mean over independent repetitions and its standard error s/√n. Raises ValueError for fewer than two."""
    samples = np.asarray(samples, dtype=float)
    count = samples.shape[axis]
    if count < 2:
        raise ValueError(f"a standard error needs at least two repetitions; got {count}")
    return Estimate(samples.mean(axis=axis), samples.std(axis=axis, ddof=1) / np.sqrt(count), count)


def exact(value: ArrayLike) -> Estimate:
    """A number that has no sampling error: as if it had been repeated endlessly."""
    return Estimate(np.asarray(value, dtype=float), np.asarray(0.0), sys.maxsize)


def weighted_sum(weights: ArrayLike, estimate: Estimate) -> Estimate:
    """Σ w v over all entries of an estimate, independent of each other; weights of their shape, or one for all."""
    weights = np.broadcast_to(np.asarray(weights), np.shape(estimate.value))
    stderr = np.sqrt(np.sum((weights * estimate.stderr) ** 2))
    return Estimate(np.sum(weights * estimate.value), stderr, estimate.repetitions)


def difference(first: Estimate, second: Estimate) -> Estimate:
    """First minus second, independent of each other.

    Its interval takes the fewer repetitions of the two, and so is never narrower than that of Welch and Satterthwaite,
    whose degrees of freedom lie between theirs and their sum.
    """
    repetitions = min(first.repetitions, second.repetitions)
    return Estimate(first.value - second.value, np.hypot(first.stderr, second.stderr), repetitions)


def share(outcomes: np.ndarray) -> tuple[float, tuple[float, float]]:
    """Share of independent outcomes that are true, with Wilson's 95 % interval; NaN in [0, 1] where there are none."""
    if outcomes.size == 0:
        return float("nan"), (0.0, 1.0)
    interval = binomtest(int(np.sum(outcomes)), outcomes.size).proportion_ci(method="wilson")
    return float(np.mean(outcomes)), (float(interval.low), float(interval.high))
