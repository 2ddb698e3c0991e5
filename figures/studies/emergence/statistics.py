"""Emergence times of the trained networks, read from the stored arrays."""

import numpy as np

from figures.common.emergence import measured_emergence
from figures.common.power_laws import FittedExponent, fitted_exponent
from figures.common.stages import Arrays
from sims.measurements.modes import first_crossing

# A mode whose initial variance is within this factor of its target has nothing to learn and no emergence to speak of.
_DISTINCT = np.e
# Crossings next to the first or the last snapshot are not measured well.
_INSIDE = 2.0


def emergence_by_gain(data: Arrays, architecture: str, mean: str) -> np.ndarray:
    """Emergence time of every network, (initial gain, seed, mode); NaN where not reached or nothing to learn."""
    levels = data[f"level_{mean}_{architecture}"]
    curves = data[f"variance_trained_{architecture}"]
    emergence = np.stack([measured_emergence(data["times"], *each) for each in zip(curves, levels, strict=True)])
    return np.where(_has_to_learn(data, architecture)[:, None], emergence, np.nan)


def _has_to_learn(data: Arrays, architecture: str) -> np.ndarray:
    """Which modes have a target that is clear of their initial variance, (initial gain, mode)."""
    geometric, target = data[f"level_geometric_{architecture}"], data["trained_variance"]
    return np.maximum(geometric / target, target / geometric) ** 2 > _DISTINCT


def expected_modes(data: Arrays, architecture: str, mean: str) -> np.ndarray:
    """Which modes emerge within the snapshots according to theory, (initial gain, mode): chosen before they train."""
    theory = data[f"emergence_of_trained_{mean}_{architecture}"]
    first, last = data["times"][[0, -1]]
    return _has_to_learn(data, architecture) & (theory > _INSIDE * first) & (theory < last / _INSIDE)


def deviation_of_times(data: Arrays, architecture: str, mean: str) -> np.ndarray:
    """ln(τ* trained/τ* of theory with the same steps) of every seed over all modes that should emerge, (seeds, cells).

    Both are read from the same snapshots.
    """
    trained = np.log(emergence_by_gain(data, architecture, mean))  # (initial gain, seed, mode)
    ratio = trained - np.log(_with_finite_steps(data, architecture, mean))[:, None]
    return np.moveaxis(ratio, 1, 0)[:, expected_modes(data, architecture, mean)]


def shift_by_finite_steps(data: Arrays, architecture: str, mean: str) -> float:
    """Largest |ln(τ* of theory with finite steps/τ* closed form)| of the modes that should emerge."""
    closed_form = data[f"emergence_of_trained_{mean}_{architecture}"]
    shift = np.log(_with_finite_steps(data, architecture, mean) / closed_form)
    return float(np.abs(shift[expected_modes(data, architecture, mean)]).max())


def _with_finite_steps(data: Arrays, architecture: str, mean: str) -> np.ndarray:
    """Emergence times of theory with the steps of training and sampling, (initial gain, mode)."""
    curves, levels = data[f"variance_finite_steps_{architecture}"], data[f"level_{mean}_{architecture}"]
    times = data["times"]
    return np.stack([first_crossing(times, *each) for each in zip(curves, levels, strict=True)])


def exponent_of_branch(data: Arrays, architecture: str, gain: float, mean: str, branch: str) -> FittedExponent:
    """Exponents of one branch, "rising" or "falling", from one initial gain, over the modes that should emerge."""
    index = int(np.flatnonzero(data[f"initial_gain_{architecture}"] == gain)[0])
    on_branch = data[f"trained_rises_{architecture}"][index] == (branch == "rising")
    among = on_branch & expected_modes(data, architecture, mean)[index]
    times = emergence_by_gain(data, architecture, mean)[index]
    theory = data[f"emergence_of_trained_{mean}_{architecture}"][index]
    return fitted_exponent(data["trained_variance"], times, theory, among)
