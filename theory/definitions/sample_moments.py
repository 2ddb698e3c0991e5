"""Mean and covariance of samples, in double precision whatever the samples' own, and in blocks of rows."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Num

_BLOCK = 2**24  # numbers that are converted at a time


class SampleMoments(NamedTuple):
    """μ and Σ = (1/n) Σ_i (x_i - μ)(x_i - μ)ᵀ; Σ in units of its own, lest squares leave the range of numbers."""

    mean: Float[np.ndarray, " d"]
    scaled_covariance: Float[np.ndarray, "d d"]  # Σ/unit²
    unit: float  # a power of two: dividing by it rounds nothing


def sample_moments(x: Num[np.ndarray, "n d"]) -> SampleMoments:
    """Moments of real samples, (n, d), finite and n ≥ 2.

    Accumulated in float64: in float32 the mean of four million numbers near 100 is off by several standard deviations
    of one. Raises ValueError for numbers that are not finite, and if all rows are the same.
    """
    largest = max(float(np.max(np.abs(block))) for block in _blocks(x))
    if not np.isfinite(largest):
        bad = sum(int(np.count_nonzero(~np.isfinite(block))) for block in _blocks(x))
        raise ValueError(f"samples must be finite; got {bad} values that are not")
    size = _power_of_two(largest)
    mean = np.asarray(sum(np.sum(block / size, axis=0) for block in _blocks(x))) / len(x)
    spread = max(float(np.max(np.abs(block / size - mean))) for block in _blocks(x))
    # The mean of equal numbers is off by round-off.
    if not spread > 16 * np.finfo(float).eps * largest / size:
        raise ValueError("samples must vary; got the same in every row")
    unit = _power_of_two(spread)
    covariance = np.zeros((x.shape[1],) * 2)
    for block in _blocks(x):
        centred = (block / size - mean) / unit
        covariance += centred.T @ centred
    return SampleMoments(mean * size, covariance / len(x), size * unit)


def _blocks(x: np.ndarray) -> Iterator[Float[np.ndarray, "rows d"]]:
    rows = max(1, _BLOCK // x.shape[1])
    for start in range(0, len(x), rows):
        yield np.asarray(x[start : start + rows], dtype=float)


def _power_of_two(number: float) -> float:
    """The largest that is not above `number`; 1 for zero."""
    return float(2.0 ** np.floor(np.log2(number))) if number > 0 else 1.0
