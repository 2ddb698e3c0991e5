"""Emergence times of the trained networks and their exponents, by depth."""

import numpy as np

from figures.common.emergence import measured_emergence
from figures.common.power_laws import FittedExponent, fitted_exponent
from figures.common.stages import Arrays


def emergence_of(data: Arrays, depth: int) -> np.ndarray:
    """Emergence times of the networks of one depth, (seeds, modes); NaN where not reached."""
    return measured_emergence(data["times"], data[f"variance_trained_{depth}"], data[f"level_{depth}"])


def exponent_of(data: Arrays, depth: int) -> FittedExponent:
    """Exponents of one depth, trained and closed form."""
    return fitted_exponent(data["variance"], emergence_of(data, depth), data[f"emergence_theory_{depth}"])
