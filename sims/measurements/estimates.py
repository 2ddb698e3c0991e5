"""Estimates: a value with its standard error and its interval."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import ArrayLike
from scipy.stats import chi2
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

    @property
    def centre(self) -> float:
        """A single value."""
        return float(self.value)

    def minus(self, reference: ArrayLike) -> "Estimate":
        """The estimate less a number without error."""
        return self._replace(value=self.value - np.asarray(reference))

    def p_at_most(self, threshold: float) -> float:
        """One-sided p-value, by Student's t, of a single true value of at most `threshold`; 1 without an error."""
        return _tail((self.value - threshold), self.stderr, self.repetitions)

    def p_at_least(self, threshold: float) -> float:
        """One-sided p-value, by Student's t, of a single true value of at least `threshold`; 1 without an error."""
        return _tail((threshold - self.value), self.stderr, self.repetitions)

    def pooled(self, others: "list[Estimate]") -> "Estimate":
        """Mean of this run's value and of other runs', with the error of their spread, not of their own errors."""
        return mean_over(np.stack([each.value for each in (self, *others)]))


def heterogeneity(estimates: Sequence[Estimate]) -> tuple[float, float]:
    """Cochran's Q = Σ (v_i - v̄)²/s_i², v̄ weighted by 1/s_i², of single values, and its p-value by χ² of n - 1.

    A small p says that runs differ by more than their own errors. NaN where an error is zero or missing.
    """
    values, errors = (np.array([float(getattr(e, part)) for e in estimates]) for part in ("value", "stderr"))
    if not (errors > 0).all():
        return float("nan"), float("nan")
    weights = errors**-2
    statistic = float(np.sum(weights * (values - np.average(values, weights=weights)) ** 2))
    return statistic, float(chi2.sf(statistic, len(values) - 1))


def _tail(excess: np.ndarray, stderr: np.ndarray, repetitions: int) -> float:
    """P(T ≥ excess/stderr)."""
    if np.isnan(excess) or np.isnan(stderr):
        return 1.0
    if stderr == 0:
        return 0.0 if excess > 0 else 1.0
    return float(student_t.sf(excess / stderr, repetitions - 1))


def mean_over(samples: np.ndarray, axis: int = 0) -> Estimate:
    """Mean over independent repetitions and its standard error s/√n. Raises ValueError for fewer than two."""
    samples = np.asarray(samples, dtype=float)
    count = samples.shape[axis]
    if count < 2:
        raise ValueError(f"a standard error needs at least two repetitions; got {count}")
    return Estimate(samples.mean(axis=axis), samples.std(axis=axis, ddof=1) / np.sqrt(count), count)


def known_numbers(samples: np.ndarray) -> np.ndarray:
    """The samples. Raises ValueError where some are NaN or complex: a model that diverged is no share of anything."""
    samples = np.asarray(samples)
    if np.iscomplexobj(samples):
        raise ValueError("samples must be real; got complex numbers")
    lost = int(np.isnan(samples).sum())
    if lost:
        raise ValueError(f"samples must be numbers; got {lost} of {samples.size} that are NaN")
    return samples


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
