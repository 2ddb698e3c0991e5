"""Emergence times of the trained filters and their exponents, by width."""

import numpy as np

from figures.common.power_laws import exponents
from figures.common.stages import Arrays
from figures.wang2025.patch_convolution.experiment import FULL
from sims.measurements.estimates import Estimate
from sims.measurements.modes import first_crossing
from theory.spectral_law.power_law import PowerLaw, fit_power_law


def names_of(data: Arrays) -> list[str]:
    return [*map(str, data["widths"].tolist()), FULL]


def narrowest(data: Arrays) -> str:
    """The narrowest filter that sees a neighbour."""
    return next(name for name in names_of(data) if name != "1")


def emergence_times(data: Arrays, name: str) -> tuple[np.ndarray, np.ndarray]:
    """When generated variances pass the geometric mean of their own first and last values: theory, trained."""
    curve = data[f"variance_curve_{name}"]
    level = np.sqrt(curve[0] * curve[-1])
    theory = first_crossing(data[f"fine_times_{name}"], curve, level)
    measured = first_crossing(data[f"times_{name}"], np.moveaxis(data[f"variance_trained_{name}"], 1, 0), level[None])
    return theory, measured


def exponent(data: Arrays, name: str, first: int = 0) -> tuple[PowerLaw, Estimate] | None:
    """Exponent of emergence in the data's variance, over the modes that rise and emerge in every seed.

    The law of the closed form, and trained filters. None for fewer than three modes. `first` leaves out that many modes
    of largest variance.
    """
    curve = data[f"variance_curve_{name}"]
    theory, measured = emergence_times(data, name)
    used = np.isfinite(measured).all(axis=0) & np.isfinite(theory) & (curve[-1] > np.e * curve[0])
    used[:first] = False
    if used.sum() < 3:
        return None
    variance = data["variance"][used]
    return fit_power_law(variance, theory[used]), exponents(variance, measured[:, used])
