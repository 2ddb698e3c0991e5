"""Exponents of emergence times, over the modes that emerge in every seed."""

from typing import NamedTuple

import numpy as np

from sims.measurements.estimates import Estimate, mean_over
from theory.spectral_law.power_law import fit_power_law


class FittedExponent(NamedTuple):
    """Exponent of trained networks with its 95 % interval, and that of the closed form; NaN for fewer than 3 modes."""

    measured: float
    interval: tuple[float, float]
    expected: float


def fitted_exponent(variance: np.ndarray, emergence: np.ndarray, theory: np.ndarray) -> FittedExponent:
    """Exponents over the modes that emerge in every seed of `emergence` (seeds, modes) and in `theory` (modes,)."""
    seen = np.isfinite(emergence).all(axis=0) & np.isfinite(theory)
    if seen.sum() < 3:
        return FittedExponent(np.nan, (np.nan, np.nan), np.nan)
    fitted = exponents(variance[seen], emergence[:, seen])
    return FittedExponent(float(fitted.value), fitted.interval, fit_power_law(variance[seen], theory[seen]).exponent)


def exponents(variance: np.ndarray, emergence: np.ndarray) -> Estimate:
    """Exponent of τ* ∝ λ^-α fitted for every seed of (seeds, modes), as mean and standard error over seeds."""
    return mean_over(np.array([fit_power_law(variance, row).exponent for row in emergence]))
