"""Exponents α of τ* ∝ λ^-α: of trained networks with their standard error over seeds, and of the closed form."""

from typing import NamedTuple

import numpy as np
from scipy.stats import t as student_t

from sims.measurements.estimates import Estimate, mean_over
from sims.measurements.exponents import FEWEST_MODES, NARROWEST
from theory.spectral_law.power_law import PowerLaw, fit_power_law


class FittedExponent(NamedTuple):
    """Exponent of the trained networks and power law of the closed form, fitted over the same modes."""

    trained: Estimate
    closed_form: PowerLaw
    modes: int

    @property
    def defined(self) -> bool:
        """Whether there were modes enough for a fit; all numbers are NaN where not."""
        return bool(np.isfinite(self.trained.value))

    @property
    def closed_form_half_width(self) -> float:
        """Half of the 95 % interval of the closed form's exponent, from the scatter of its modes about the line."""
        return float(student_t.ppf(0.975, self.modes - 2) * self.closed_form.stderr)


def fitted_exponent(
    variance: np.ndarray, emergence: np.ndarray, theory: np.ndarray, among: np.ndarray | None = None
) -> FittedExponent:
    """Fits over the modes that emerge in every seed of `emergence` (seeds, modes) and in `theory` (modes,).

    `among` (modes,) leaves only the modes where it is true. Undefined for fewer than three modes, and where their
    variances are alike.
    """
    seen = np.isfinite(emergence).all(axis=0) & np.isfinite(theory)
    if among is not None:
        seen &= among
    if seen.sum() < FEWEST_MODES or variance[seen].max() < NARROWEST * variance[seen].min():
        nothing = np.asarray(np.nan)
        return FittedExponent(Estimate(nothing, nothing, 1), PowerLaw(np.nan, np.nan, np.nan, np.nan), int(seen.sum()))
    per_seed = np.array([fit_power_law(variance[seen], times).exponent for times in emergence[:, seen]])
    return FittedExponent(mean_over(per_seed), fit_power_law(variance[seen], theory[seen]), int(seen.sum()))
