"""Power laws of emergence times, fitted in logarithms."""

from typing import NamedTuple

import numpy as np
from jaxtyping import ArrayLike

_SMALLEST_RANGE = 1e-6  # of ln λ


class PowerLaw(NamedTuple):
    """τ* = prefactor · λ^-exponent, fitted in logarithms."""

    exponent: float
    stderr: float  # standard error of the exponent
    prefactor: float
    r_squared: float


def fit_power_law(variance: ArrayLike, emergence: ArrayLike, stderr: ArrayLike | None = None) -> PowerLaw:
    """Least squares of ln τ* = ln prefactor - exponent · ln λ over the modes that emerge.

    Modes with infinite time or zero variance are left out. One line is fitted through all others: modes of the rising
    and of the falling branch (`rises`) follow different laws and want fits of their own. The standard error of the
    exponent is that of the slope: from the scatter about the line, or, where the standard errors `stderr` of τ* are
    given, by weighted least squares from those (modes with an infinite one are left out).

    Raises ValueError for shapes that differ, NaN, variances below zero, times or standard errors that are not positive,
    fewer than three usable modes, and variances that differ by less than a millionth, from which no exponent follows.
    """
    variance, emergence = np.asarray(variance, dtype=float), np.asarray(emergence, dtype=float)
    if variance.shape != emergence.shape or variance.ndim != 1:
        raise ValueError(
            f"variance and emergence time must be vectors of one length; got {variance.shape} and {emergence.shape}"
        )
    if not (np.all(emergence > 0) and np.all(variance >= 0) and np.isfinite(variance).all()):
        raise ValueError(
            "emergence times must be positive (infinite where a mode does not emerge) and variances finite "
            f"and not negative; got a smallest time of {emergence.min(initial=np.inf)} and variances {variance}"
        )
    used = np.isfinite(emergence) & (variance > 0)
    if stderr is not None:
        stderr = np.broadcast_to(np.asarray(stderr, dtype=float), emergence.shape)
        if not np.all(stderr[used] > 0):
            raise ValueError(f"standard errors of emergence times must be positive; got {stderr[used].min()}")
        used &= np.isfinite(stderr)
    if used.sum() < 3:
        raise ValueError(f"modes that emerge must be three or more for a power law; got {used.sum()}")
    x, y = np.log(variance[used]), np.log(emergence[used])
    weight = np.ones_like(x) if stderr is None else (emergence[used] / stderr[used]) ** 2
    x_mean, y_mean = np.average(x, weights=weight), np.average(y, weights=weight)
    spread = np.sum(weight * (x - x_mean) ** 2)
    if not np.ptp(x) > _SMALLEST_RANGE:
        raise ValueError(f"variances must differ by more than a millionth for a power law; got {variance[used]}")
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
