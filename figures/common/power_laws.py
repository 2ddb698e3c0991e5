"""Exponents α of τ* ∝ λ^-α: of trained networks with their standard error over seeds, and of the closed form."""

from typing import NamedTuple

import numpy as np

from sims.measurements.estimates import Estimate, mean_over
from theory.spectral_law.power_law import PowerLaw, fit_power_law

_FEWEST_MODES = 3


class FittedExponent(NamedTuple):
    """Exponent of the trained networks and power law of the closed form, fitted over the same modes."""

    trained: Estimate
    closed_form: PowerLaw

    @property
    def defined(self) -> bool:
        """Whether there were modes enough for a fit; all numbers are NaN where not."""
        return bool(np.isfinite(self.trained.value))


def fitted_exponent(
    variance: np.ndarray, emergence: np.ndarray, theory: np.ndarray, among: np.ndarray | None = None
) -> FittedExponent:
    """Fits over the modes that emerge in every seed of `emergence` (seeds, modes) and in `theory` (modes,).

    `among` (modes,) leaves only the modes where it is true.
    """
    seen = np.isfinite(emergence).all(axis=0) & np.isfinite(theory)
    if among is not None:
        seen &= among
    if seen.sum() < _FEWEST_MODES:
        nothing = np.asarray(np.nan)
        return FittedExponent(Estimate(nothing, nothing, 1), PowerLaw(np.nan, np.nan, np.nan, np.nan))
    return FittedExponent(exponents(variance[seen], emergence[:, seen]), fit_power_law(variance[seen], theory[seen]))


def exponents(variance: np.ndarray, emergence: np.ndarray) -> Estimate:
    """Exponent of τ* ∝ λ^-α fitted for every seed of (seeds, modes), as mean and standard error over seeds."""
    return mean_over(np.array([fit_power_law(variance, row).exponent for row in emergence]))
