"""Emergence times of the trained networks and their exponents, by depth."""

import numpy as np

from figures.common.emergence import measured_emergence
from figures.common.power_laws import FittedExponent, fitted_exponent
from figures.common.stages import Arrays


def emergence_of(data: Arrays, depth: int) -> np.ndarray:
    return measured_emergence(data["times"], data[f"variance_trained_{depth}"], data[f"level_{depth}"])


def fit_of(data: Arrays, depth: int) -> FittedExponent:
    return fitted_exponent(data["variance"], emergence_of(data, depth), data[f"emergence_theory_{depth}"])
