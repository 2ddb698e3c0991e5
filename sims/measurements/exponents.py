"""The exponent α of τ* ∝ λ^-α over the modes of one run, by least squares in logarithms."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from sims.measurements.finite import finite
from theory.definitions.checks import check_not_negative

FEWEST_MODES = 3
NARROWEST = 1.5  # largest over smallest variance: between modes that are nearly alike no power can be told


class Exponent(NamedTuple):
    """α with its standard error from the scatter of modes about the line, or from their own errors where given.

    Modes of one run share its randomness: the error says how well a power law describes these modes, not how α would
    change in another run.
    """

    value: float
    stderr: float
    r_squared: float
    modes: int

    @property
    def defined(self) -> bool:
        """Whether there were modes enough for a fit; value, error and R² are NaN where not."""
        return bool(np.isfinite(self.value))


def fitted_exponent(
    variance: Float[np.ndarray, " modes"],
    emergence: Float[np.ndarray, " modes"],
    among: Bool[np.ndarray, " modes"] | None = None,
    log_stderr: Float[np.ndarray, " modes"] | None = None,
) -> Exponent:
    """Least squares of ln τ* = const - α ln λ over the modes whose τ* is finite and positive, of those in `among`.

    Weighted by 1/`log_stderr`² where standard errors of ln τ* are given; modes without a finite one are left out.
    Undefined for fewer than three modes, and where their variances differ by less than a factor of 1.5.
    Raises ValueError for shapes that differ, variances below zero, NaN or infinite, and errors that are zero or
    negative.
    """
    check_not_negative("variances", variance)
    variance, emergence = finite("variances", variance), np.asarray(emergence, dtype=float)
    shapes = {np.shape(array) for array in (variance, emergence, among, log_stderr) if array is not None}
    if len(shapes) > 1 or variance.ndim != 1:
        raise ValueError(f"variances, emergence times and what goes with them must be of one length; got {shapes}")
    used = (variance > 0) & (emergence > 0) & np.isfinite(emergence)
    if among is not None:
        used &= among
    weight = np.ones_like(variance)
    if log_stderr is not None:
        used &= np.isfinite(log_stderr)
        if not np.all(log_stderr[used] > 0):
            raise ValueError(f"standard errors of ln τ* must be positive; got {log_stderr[used].min()}")
        weight = 1 / np.where(used, log_stderr, 1.0) ** 2
    modes = int(used.sum())
    if modes < FEWEST_MODES or variance[used].max() < NARROWEST * variance[used].min():
        return Exponent(np.nan, np.nan, np.nan, modes)
    x, y, weight = np.log(variance[used]), np.log(emergence[used]), weight[used]
    x, y = x - np.average(x, weights=weight), y - np.average(y, weights=weight)
    spread, total = np.sum(weight * x**2), np.sum(weight * y**2)
    slope = np.sum(weight * x * y) / spread
    residual = np.sum(weight * (y - slope * x) ** 2)
    noise = residual / (modes - 2) if log_stderr is None else 1.0
    explained = 1 - residual / total if total > 0 else 1.0
    return Exponent(float(-slope), float(np.sqrt(noise / spread)), float(explained), modes)
