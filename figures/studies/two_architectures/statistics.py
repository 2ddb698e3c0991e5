"""Emergence times of the trained networks, their exponents, and which networks follow theory."""

import numpy as np

from figures.common.emergence import measured_emergence
from figures.common.power_laws import exponents
from figures.common.stages import Arrays
from figures.studies.trained_modes.statistics import share_of_variances
from sims.measurements.estimates import Estimate
from theory.spectral_law.power_law import fit_power_law


def share_within(data: Arrays, name: str, theory: str) -> float:
    """Share of (snapshot, mode) pairs that follow theory with the same steps."""
    return share_of_variances(data[f"variance_trained_{name}"], data[f"variance_finite_steps_{theory}"])


def emergence_of(data: Arrays, name: str) -> np.ndarray:
    """Emergence times of one architecture, (seeds, modes); NaN where not reached."""
    return measured_emergence(data["times"], data[f"variance_trained_{name}"], data[f"level_{name}"])


def exponent_of(data: Arrays, name: str) -> tuple[Estimate, float]:
    """Exponent fitted to the trained networks, and to the closed form, over the modes that rise in every seed."""
    emergence, variance = emergence_of(data, name), data["variance"]
    seen = np.isfinite(emergence).all(axis=0) & rising_modes(data, name)
    theory = fit_power_law(variance[seen], data[f"emergence_theory_{name}"][seen]).exponent
    return exponents(variance[seen], emergence[:, seen]), theory


def rising_modes(data: Arrays, name: str) -> np.ndarray:
    """Modes whose target is well above (e times) their initial variance; falling ones follow another branch."""
    initial = data[f"level_{name}"] ** 2 / data["variance"]  # the level is the geometric mean of the two
    return data["variance"] > np.e * initial
