"""Emergence times of the trained networks, read from the stored arrays."""

import numpy as np

from figures.common.emergence import measured_emergence
from figures.common.power_laws import FittedExponent, fitted_exponent
from figures.common.stages import Arrays

# A mode whose initial variance is within this factor of its target has nothing to learn and no emergence to speak of.
_DISTINCT = np.e


def emergence_by_gain(data: Arrays, mean: str) -> np.ndarray:
    """Emergence time of every network, (initial gain, seed, mode); NaN where not reached or nothing to learn."""
    emergence = np.stack(
        [
            measured_emergence(data["times"], curves, level)
            for curves, level in zip(data["variance_trained"], data[f"level_{mean}"], strict=True)
        ]
    )
    geometric = data["level_geometric"]
    contrast = np.maximum(geometric / data["trained_variance"], data["trained_variance"] / geometric) ** 2
    return np.where((contrast > _DISTINCT)[:, None], emergence, np.nan)


def exponent_of_branch(data: Arrays, gain: float, mean: str, branch: str) -> FittedExponent:
    """Exponents of one branch, "rising" or "falling", from one initial gain."""
    index = int(np.flatnonzero(data["initial_gain"] == gain)[0])
    on_branch = data["trained_rises"][index] == (branch == "rising")
    times, theory = emergence_by_gain(data, mean)[index], data[f"emergence_of_trained_{mean}"][index]
    return fitted_exponent(data["trained_variance"], times, theory, on_branch)
