"""Power laws of emergence times, fitted in logarithms."""

from typing import NamedTuple

import numpy as np
from jaxtyping import ArrayLike


class PowerLaw(NamedTuple):
    """τ* = prefactor · λ^-exponent, fitted in logarithms."""

    exponent: float
    stderr: float  # standard error of the exponent
    prefactor: float
    r_squared: float


def fit_power_law(variance: ArrayLike, emergence: ArrayLike, stderr: ArrayLike | None = None) -> PowerLaw:
    """Least squares of ln τ* = ln prefactor - exponent · ln λ over the modes that emerge.

    Modes with infinite time or zero variance are left out. The standard error of the exponent is that of the
    slope: from the scatter about the line, or, where the standard errors `stderr` of τ* are given, by weighted
    least squares from those.

    Raises ValueError for shapes that differ or fewer than three usable modes.
    """
    variance, emergence = np.asarray(variance, dtype=float), np.asarray(emergence, dtype=float)
    if variance.shape != emergence.shape or variance.ndim != 1:
        raise ValueError(
            f"variance and emergence time must be vectors of one length; got {variance.shape} and {emergence.shape}"
        )
    used = np.isfinite(emergence) & (emergence > 0) & (variance > 0)
    if stderr is not None:
        used &= np.isfinite(stderr) & (np.asarray(stderr) > 0)
    if used.sum() < 3:
        raise ValueError(f"modes that emerge must be three or more for a power law; got {used.sum()}")
    x, y = np.log(variance[used]), np.log(emergence[used])
    weight = np.ones_like(x) if stderr is None else (emergence[used] / np.asarray(stderr, dtype=float)[used]) ** 2
    x_mean, y_mean = np.average(x, weights=weight), np.average(y, weights=weight)
    spread = np.sum(weight * (x - x_mean) ** 2)
    if not spread > 0:
        raise ValueError(f"variances must differ for a power law; got {variance[used]}")
    slope = np.sum(weight * (x - x_mean) * (y - y_mean)) / spread
    residual = np.sum(weight * (y - y_mean - slope * (x - x_mean)) ** 2)
    noise = residual / (x.size - 2) if stderr is None else 1.0
    total = np.sum(weight * (y - y_mean) ** 2)
    return PowerLaw(
        exponent=float(-slope),
        stderr=float(np.sqrt(noise / spread)),
        prefactor=float(np.exp(y_mean - slope * x_mean)),
        r_squared=float(1 - residual / total) if total > 0 else 1.0,
    )
