"""Estimates: a value with its standard error and its interval."""

from typing import NamedTuple

import numpy as np
from scipy.stats import t as student_t


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
