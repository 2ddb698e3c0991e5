"""Power laws of emergence times, fitted in logarithms."""

from types import ModuleType
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from theory.definitions.arrays import Scalar, is_traced
from theory.definitions.checks import nan_unless


class PowerLaw(NamedTuple):
    """τ* = prefactor · λ^-exponent, fitted in logarithms."""

    exponent: Scalar
    stderr: Scalar  # standard error of the exponent
    prefactor: Scalar
    r_squared: Scalar


def fit_power_law(variance: ArrayLike, emergence: ArrayLike, stderr: ArrayLike | None = None) -> PowerLaw:
    """Least squares of ln τ* = ln prefactor - exponent · ln λ over the modes that emerge.

    Modes with infinite time or zero variance are left out. The standard error of the exponent is that of the
    slope: from the scatter about the line, or, where the standard errors `stderr` of τ* are given, by weighted
    least squares from those.

    Python floats, in double precision; arrays where something is traced. Raises ValueError for shapes that differ or
    fewer than three usable modes (NaN if traced).
    """
    traced = is_traced(variance, emergence, stderr)
    library = jnp if traced else np
    variance, emergence = library.asarray(variance, dtype=float), library.asarray(emergence, dtype=float)
    if variance.shape != emergence.shape or variance.ndim != 1:
        raise ValueError(
            f"variance and emergence time must be vectors of one length; got {variance.shape} and {emergence.shape}"
        )
    error = None if stderr is None else library.asarray(stderr, dtype=float)
    used = library.isfinite(emergence) & (emergence > 0) & (variance > 0)
    if error is not None:
        used &= library.isfinite(error) & (error > 0)
    if traced:
        return _traced_fit(variance, emergence, error, used)
    if used.sum() < 3:
        raise ValueError(f"modes that emerge must be three or more for a power law; got {used.sum()}")
    x, y = np.log(variance[used]), np.log(emergence[used])
    if not np.ptp(x) > 0:
        raise ValueError(f"variances must differ for a power law; got {variance[used]}")
    weight = np.ones_like(x) if error is None else (emergence[used] / error[used]) ** 2
    law = _line(x, y, weight, x.size, error is not None, np)
    return PowerLaw(*(float(number) for number in law))


def _traced_fit(variance: Array, emergence: Array, error: Array | None, used: Array) -> PowerLaw:
    """The same where no one knows which modes are used: the others have no weight."""
    x, y = (jnp.log(jnp.where(used, value, 1.0)) for value in (variance, emergence))
    relative = jnp.ones_like(y) if error is None else jnp.where(used, emergence, 1.0) / jnp.where(used, error, 1.0)
    count = jnp.sum(used)
    low, high = jnp.min(jnp.where(used, x, jnp.inf)), jnp.max(jnp.where(used, x, -jnp.inf))
    law = _line(x, y, jnp.where(used, relative**2, 0.0), count, error is not None, jnp)
    return PowerLaw(*(nan_unless((count >= 3) & (high > low), number) for number in law))


def _line(x, y, weight, count, errors_known: bool, library: ModuleType) -> tuple:
    """Exponent, its standard error, prefactor and R² of the weighted least-squares line y = ln prefactor - exponent x."""
    total_weight = weight.sum()
    x_mean, y_mean = (weight * x).sum() / total_weight, (weight * y).sum() / total_weight
    spread = (weight * (x - x_mean) ** 2).sum()
    slope = (weight * (x - x_mean) * (y - y_mean)).sum() / spread
    residual = (weight * (y - y_mean - slope * (x - x_mean)) ** 2).sum()
    noise = 1.0 if errors_known else residual / (count - 2)
    total = (weight * (y - y_mean) ** 2).sum()
    fitted = library.where(total > 0, 1 - residual / library.where(total > 0, total, 1.0), 1.0)
    return -slope, library.sqrt(noise / spread), library.exp(y_mean - slope * x_mean), fitted
