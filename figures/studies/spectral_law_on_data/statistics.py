"""Emergence times of the trained networks, read from the stored arrays."""

import numpy as np

from figures.common.emergence import measured_emergence
from figures.common.power_laws import FittedExponent, fitted_exponent
from figures.common.stages import Arrays
from theory.definitions.processes import EDM


def emergence(data: Arrays, networks: str = "variance_trained") -> np.ndarray:
    """Measured emergence time of every seed and mode, (seeds, modes); NaN where not reached."""
    return measured_emergence(data["times"], data[networks], data["level"])


def exponent(data: Arrays, networks: str = "variance_trained") -> FittedExponent:
    """Exponents of one set of networks and of the closed form over the usable modes."""
    return fitted_exponent(data["variance"], emergence(data, networks), data["emergence_theory"], usable_modes(data))


def usable_modes(data: Arrays) -> np.ndarray:
    """Modes of the rising branch that emerge, in theory, well within the run."""
    first, last = data["times"][0], data["times"][-1]
    return rising_modes(data) & (data["emergence_theory"] > first) & (data["emergence_theory"] < last / 2)


def rising_modes(data: Arrays) -> np.ndarray:
    """Modes above the resolution of the sampler (λ > 4σ_0²) that are generated with too little variance at first.

    The others fall to their variance, by another law: no power law holds for both branches together.
    """
    resolved = data["variance"] > 4 * EDM().sigma_min ** 2
    return resolved & (data["level"] < data["variance"])  # √(λ̃(0) λ) < λ
