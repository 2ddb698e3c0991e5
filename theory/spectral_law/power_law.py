"""Power laws of emergence times, fitted in logarithms."""

from types import ModuleType
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from theory.definitions.arrays import Scalar, is_traced
from theory.definitions.checks import check_real, nan_unless

_SMALLEST_RANGE = 1e-6  # of ln λ


class PowerLaw(NamedTuple):
    """τ* = prefactor · λ^-exponent, fitted in logarithms."""

    exponent: Scalar
    stderr: Scalar  # standard error of the exponent
    prefactor: Scalar
    r_squared: Scalar


def fit_power_law(variance: ArrayLike, emergence: ArrayLike, stderr: ArrayLike | None = None) -> PowerLaw:
    """Least squares of ln τ* = ln prefactor - exponent · ln λ over the modes that emerge.

    Modes with infinite time or zero variance are left out. One line is fitted through all others: modes of the rising
    and of the falling branch (`rises`) follow different laws and want fits of their own. The standard error of the
    exponent is that of the slope: from the scatter about the line, or, where the standard errors `stderr` of τ* are
    given, by weighted least squares from those (modes with an infinite one are left out).

    Python floats, in double precision; arrays where something is traced. Raises ValueError for shapes that differ, NaN,
    variances below zero, times or standard errors that are not positive, fewer than three usable modes, and variances
    that differ by less than a millionth, from which no exponent follows; what is traced gives NaN then.
    """
    traced = is_traced(variance, emergence, stderr)
    for name, values in (("variances", variance), ("emergence times", emergence), ("standard errors", stderr)):
        if values is not None and not is_traced(values):
            check_real(name, values)
    library = jnp if traced else np
    variance, emergence = library.asarray(variance, dtype=float), library.asarray(emergence, dtype=float)
    if variance.shape != emergence.shape or variance.ndim != 1:
        raise ValueError(
            f"variance and emergence time must be vectors of one length; got {variance.shape} and {emergence.shape}"
        )
    error = None if stderr is None else library.broadcast_to(library.asarray(stderr, dtype=float), emergence.shape)
    if traced:
        return _traced_fit(jnp.asarray(variance), jnp.asarray(emergence), None if error is None else jnp.asarray(error))
    if not (np.all(emergence > 0) and np.all(variance >= 0) and np.isfinite(variance).all()):
        raise ValueError(
            "emergence times must be positive (infinite where a mode does not emerge) and variances finite "
            f"and not negative; got a smallest time of {emergence.min(initial=np.inf)} and variances {variance}"
        )
    used = np.isfinite(emergence) & (variance > 0)
    if error is not None:
        if not np.all(error[used] > 0):
            raise ValueError(f"standard errors of emergence times must be positive; got {error[used].min()}")
        used &= np.isfinite(error)
    if used.sum() < 3:
        raise ValueError(f"modes that emerge must be three or more for a power law; got {used.sum()}")
    x, y = np.log(variance[used]), np.log(emergence[used])
    weight = np.ones_like(x) if error is None else (emergence[used] / error[used]) ** 2
    if not np.ptp(x) > _SMALLEST_RANGE:
        raise ValueError(f"variances must differ by more than a millionth for a power law; got {variance[used]}")
    law = _line(x, y, weight, x.size, error is not None, np)
    return PowerLaw(*(float(number) for number in law))


def _traced_fit(variance: Array, emergence: Array, error: Array | None) -> PowerLaw:
    """The same where no one knows which modes are used: the others have no weight."""
    used = jnp.isfinite(emergence) & (variance > 0)
    valid = jnp.all(emergence > 0) & jnp.all(variance >= 0) & jnp.isfinite(variance).all()
    if error is not None:
        valid, used = valid & jnp.all((error > 0) | ~used), used & jnp.isfinite(error)
    x, y = (jnp.log(jnp.where(used, value, 1.0)) for value in (variance, emergence))
    relative = jnp.ones_like(y) if error is None else jnp.where(used, emergence, 1.0) / jnp.where(used, error, 1.0)
    count = jnp.sum(used)
    spread = jnp.max(jnp.where(used, x, -jnp.inf)) - jnp.min(jnp.where(used, x, jnp.inf))
    law = _line(x, y, jnp.where(used, relative**2, 0.0), count, error is not None, jnp)
    return PowerLaw(*(nan_unless(valid & (count >= 3) & (spread > _SMALLEST_RANGE), number) for number in law))


def _line(x, y, weight, count, errors_known: bool, library: ModuleType) -> tuple:
    """Exponent, its standard error, prefactor and R² of the weighted line y = ln prefactor - exponent x."""
    total_weight = weight.sum()
    x_mean, y_mean = (weight * x).sum() / total_weight, (weight * y).sum() / total_weight
    spread = (weight * (x - x_mean) ** 2).sum()
    slope = (weight * (x - x_mean) * (y - y_mean)).sum() / spread
    residual = (weight * (y - y_mean - slope * (x - x_mean)) ** 2).sum()
    noise = 1.0 if errors_known else residual / (count - 2)
    total = (weight * (y - y_mean) ** 2).sum()
    fitted = library.where(total > 0, 1 - residual / library.where(total > 0, total, 1.0), 1.0)
    return -slope, library.sqrt(noise / spread), library.exp(y_mean - slope * x_mean), fitted
