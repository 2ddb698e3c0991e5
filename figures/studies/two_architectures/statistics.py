"""Emergence times of the trained networks, their exponents, and which networks follow theory."""

import numpy as np

from figures.common.emergence import measured_emergence
from figures.common.power_laws import FittedExponent, fitted_exponent
from figures.common.stages import Arrays
from figures.studies.trained_modes.statistics import deviation_of_variances
from sims.measurements.agreement import Agreement


def deviation_from_recursion(data: Arrays, name: str, theory: str) -> Agreement:
    """Of the generated variances of these networks from theory with the same steps."""
    return deviation_of_variances(data[f"variance_trained_{name}"], data[f"variance_finite_steps_{theory}"])


def emergence_of(data: Arrays, name: str) -> np.ndarray:
    """Emergence times of one architecture, (seeds, modes); NaN where not reached."""
    return measured_emergence(data["times"], data[f"variance_trained_{name}"], data[f"level_{name}"])


def exponent_of(data: Arrays, name: str) -> FittedExponent:
    """Exponents of one architecture over its rising modes."""
    emergence, theory = emergence_of(data, name), data[f"emergence_theory_{name}"]
    return fitted_exponent(data["variance"], emergence, theory, rising_modes(data, name))


def rising_modes(data: Arrays, name: str) -> np.ndarray:
    """Modes whose target is well above (e times) their initial variance; falling ones follow another branch."""
    initial = data[f"level_{name}"] ** 2 / data["variance"]  # the level is the geometric mean of the two
    return data["variance"] > np.e * initial
