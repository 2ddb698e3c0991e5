"""Deviations and emergence times of the trained networks, read from the stored arrays."""

import numpy as np

from figures.common.emergence import measured_emergence
from figures.common.power_laws import FittedExponent, fitted_exponent
from figures.common.stages import Arrays
from sims.measurements.estimates import mean_over
from theory.definitions.processes import EDM


def gain_deviations(data: Arrays) -> np.ndarray:
    """(measured - theory)/standard error of every gain, (snapshots, levels, modes), theory with the same steps.

    The mean weight under SGD on fresh noise follows gradient descent on the expected loss exactly.
    """
    measured = mean_over(data["gain_trained"])
    # At the first times of small noise levels the gain has hardly moved: its error is float32 round-off.
    round_off = 8 * np.finfo(np.float32).eps * np.maximum(np.abs(data["gain_finite_steps"]), 0.1)
    return (measured.value - data["gain_finite_steps"]) / np.hypot(measured.stderr, round_off)


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
