"""Best starts, what the start costs, and agreement with theory, read from stored arrays."""

import numpy as np
from jaxtyping import Float
from scipy.interpolate import CubicSpline

from figures.common.stages import Arrays
from sims.measurements.agreement import Agreement, agreement

_FINE = 4001  # places of a spline at which it is looked at


def middle_mode(data: Arrays, where: str) -> int:
    """The mode for which levels below the start are the best ones."""
    return data[f"variance_{where}"].shape[1] // 2


def third(data: Arrays, where: str) -> int:
    """The time a third of the way through training, in logarithms: the second of four."""
    return (data[f"times_{where}"].shape[1] - 1) // 3


def log_lowest(places: np.ndarray, values: np.ndarray) -> float:
    """ln of the place where a curve is lowest, by a cubic spline in ln of the place."""
    logs = np.log(places)
    fine = np.linspace(logs[0], logs[-1], _FINE)
    return float(fine[np.argmin(CubicSpline(logs, values)(fine))])


def log_best_start(data: Arrays, which: str, where: str, steps: int, time: int) -> Float[np.ndarray, " networks"]:
    """ln σ_T of the least KL at a training time, in units of √λ of the middle mode, "trained" or in "theory"."""
    curves = data[f"divergence_{which}_{steps}_{where}"][:, time]
    return np.array([log_lowest(*each) for each in zip(_units(data, where, len(curves)), curves, strict=True)])


def log_best_start_of_mode(data: Arrays, where: str, steps: int) -> Float[np.ndarray, " networks"]:
    """The same at the end of training for the largest variance of the middle mode alone; no start gives too much."""
    curves = -_log_ratio(data, where, steps)
    return np.array([log_lowest(*each) for each in zip(_units(data, where, len(curves)), curves, strict=True)])


def log_variance_at(data: Arrays, where: str, steps: int, start: float) -> Float[np.ndarray, " networks"]:
    """ln λ̃/λ of the middle mode of trained networks, from σ_T = `start` √λ."""
    return _at(data, where, _log_ratio(data, where, steps), start)


def steps_of_mismatch(data: Arrays, where: str, steps: int, start: float) -> Float[np.ndarray, " networks"]:
    """What N(0, σ_T²) in place of N(0, Σ + σ_T²) costs the middle mode in ln λ̃, over what a step costs in the mean."""
    mode = middle_mode(data, where)
    matched = data[f"log_matched_{steps}_{where}"][..., mode] - np.log(data[f"variance_{where}"][:, mode])[:, None]
    with_start, without = (_at(data, where, each, start) for each in (_log_ratio(data, where, steps), matched))
    return (with_start - without) / (without / steps)


def deviation_of_variances(data: Arrays, where: str) -> Agreement:
    """Of ln(λ̃ trained/theory), all steps, times, starts and modes."""
    found = [data[f"log_trained_{steps}_{where}"] - data[f"log_theory_{steps}_{where}"] for steps in data["steps"]]
    return agreement(np.stack(found, axis=1))


def deviation_of_slopes(data: Arrays, where: str) -> Agreement:
    """Of ∂ ln λ̃/∂ ln σ_T of trained networks from 2ψ(σ_T, τ), all times, levels and modes."""
    return agreement(data[f"slope_trained_{where}"] - data[f"slope_theory_{where}"])


def log_start_of_least_nats(data: Arrays, end: str) -> Float[np.ndarray, " networks"]:
    """ln σ_T where every network of few samples loses least."""
    return np.array([log_lowest(data[f"nats_levels_{end}"], each) for each in data[f"nats_trained_{end}"]])


def excess_nats(data: Arrays, end: str, factor: float) -> Float[np.ndarray, " networks"]:
    """Nats lost from `factor` times theory's best start, over those from that start."""
    logs, best = np.log(data[f"nats_levels_{end}"]), np.log(data[f"best_start_{end}"])
    curves = CubicSpline(logs, data[f"nats_trained_{end}"], axis=1)
    return curves(best + np.log(factor)) - curves(best)


def _units(data: Arrays, where: str, networks: int) -> np.ndarray:
    starts, variance = data[f"starts_{where}"], data[f"variance_{where}"][:, middle_mode(data, where)]
    units = starts / np.sqrt(variance)[:, None]
    return np.broadcast_to(units, (networks, units.shape[1]))


def _log_ratio(data: Arrays, where: str, steps: int) -> Float[np.ndarray, "networks starts"]:
    mode = middle_mode(data, where)
    return data[f"log_trained_{steps}_{where}"][:, -1, :, mode] - np.log(data[f"variance_{where}"][:, mode])[:, None]


def _at(data: Arrays, where: str, curves: np.ndarray, start: float) -> np.ndarray:
    pairs = zip(_units(data, where, len(curves)), curves, strict=True)
    return np.array([float(CubicSpline(np.log(places), curve)(np.log(start))) for places, curve in pairs])
