"""Emergence times of the trained filters and their exponents, by width."""

import numpy as np
from scipy.stats import spearmanr

from figures.common.emergence import measured_emergence
from figures.common.power_laws import FittedExponent, fitted_exponent
from figures.common.stages import Arrays
from figures.wang2025.patch_convolution.experiment import FULL
from sims.measurements.modes import first_crossing


def names_of(data: Arrays) -> list[str]:
    """What the arrays of each width end in, the full width last."""
    return [*map(str, data["widths"].tolist()), FULL]


def narrowest(data: Arrays) -> str:
    """The narrowest filter that sees a neighbour."""
    return next(name for name in names_of(data) if name != "1")


def emergence_times(data: Arrays, name: str) -> tuple[np.ndarray, np.ndarray]:
    """When generated variances pass the geometric mean of their own first and last values: theory, trained."""
    curve = data[f"variance_curve_{name}"]
    level = np.sqrt(curve[0] * curve[-1])
    theory = first_crossing(data[f"fine_times_{name}"], curve, level)
    return theory, measured_emergence(data[f"times_{name}"], data[f"variance_trained_{name}"], level)


def rising_modes(data: Arrays, name: str) -> np.ndarray:
    """Modes whose own final variance is well above (e times) their first."""
    curve = data[f"variance_curve_{name}"]
    return curve[-1] > np.e * curve[0]


def exponent(data: Arrays, name: str, first: int = 0) -> FittedExponent:
    """Exponent of emergence in the data's variance, over the modes that rise and emerge in every seed.

    `first` leaves out that many modes of largest variance.
    """
    theory, measured = emergence_times(data, name)
    rising = rising_modes(data, name)
    rising[:first] = False
    return fitted_exponent(data["variance"], measured, theory, rising)


def spread_of_times(data: Arrays, name: str) -> np.ndarray:
    """Standard deviation of ln τ* over the modes that emerge at this width and at full width, (seeds,)."""
    return np.log(_common_times(data, name)).std(axis=1)


def rank_correlation(data: Arrays, name: str) -> np.ndarray:
    """Spearman's, of 1/τ* and the data's variance over the same modes, (seeds,)."""
    variance = data["variance"][_common_modes(data)]
    return np.array([spearmanr(variance, 1 / times)[0] for times in _common_times(data, name)], dtype=float)


def _common_times(data: Arrays, name: str) -> np.ndarray:
    return emergence_times(data, name)[1][:, _common_modes(data)]


def _common_modes(data: Arrays) -> np.ndarray:
    """Modes that rise and emerge, in theory, with the narrowest filter that sees a neighbour and with the widest."""
    names = (narrowest(data), FULL)
    return np.all([rising_modes(data, name) & np.isfinite(emergence_times(data, name)[0]) for name in names], axis=0)
