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
    usable = usable_modes(data, networks)
    return fitted_exponent(data["variance"], emergence(data, networks), data["emergence_theory"], usable)


def usable_modes(data: Arrays, networks: str = "variance_trained") -> np.ndarray:
    """Modes above the resolution of the sampler (λ > 4σ_0²) that emerge in every seed."""
    resolved = data["variance"] > 4 * EDM().sigma_min ** 2
    return resolved & np.isfinite(emergence(data, networks)).all(axis=0)
