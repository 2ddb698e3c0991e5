"""Odds of the leading mode, their peak, and powers of the covariance, read from stored arrays."""

import numpy as np

from figures.common.stages import Arrays
from sims.measurements.modes import first_crossing
from theory.definitions.processes import EDM


def overshoot(data: Arrays, which: str, where: str) -> np.ndarray:
    """ln of the odds λ̃_1/Σ_{k>1} λ̃_k over those of the data, (networks or 1, snapshots)."""
    generated, own = data[f"generated_{which}_{where}"], data[f"variance_{where}"]
    return _log_odds(generated) - _log_odds(own)[:, None]


def _log_odds(variance: np.ndarray) -> np.ndarray:
    return np.log(variance[..., 0] / variance[..., 1:].sum(axis=-1))


def peaks(data: Arrays, where: str) -> tuple[np.ndarray, np.ndarray]:
    """ln τ and height of the largest overshoot of every trained network, (networks,): of a parabola through three."""
    curve, log_times = overshoot(data, "trained", where), np.log(data["times"])
    top = np.clip(np.argmax(curve, axis=1), 1, curve.shape[1] - 2)
    before, at, after = (np.take_along_axis(curve, (top + shift)[:, None], 1)[:, 0] for shift in (-1, 0, 1))
    bend = before - 2 * at + after
    shift = (before - after) / (2 * np.where(bend < 0, bend, -np.inf))  # none where three lie on a line
    return log_times[top] + shift * (log_times[1] - log_times[0]), at - (before - after) * shift / 4


def emergence(data: Arrays, where: str, mode: int) -> np.ndarray:
    """ln τ at which trained networks generate √(σ_0² λ) of a mode, half of its way in logarithms, (networks,)."""
    generated = np.moveaxis(data[f"generated_trained_{where}"][..., mode], 1, 0)
    level = EDM().sigma_min * np.sqrt(data[f"variance_{where}"][:, mode])
    return np.log(first_crossing(data["times"], generated, np.broadcast_to(level, generated.shape[1:])))


def powers(data: Arrays, which: str, where: str, mode: int = 1) -> np.ndarray:
    """ln √(λ̃_1/λ̃_k)/ln(λ_1/λ_k) by every number of steps, (networks or 1, counts): one for one power iteration."""
    few, own = data[f"few_{which}_{where}"], data[f"variance_{where}"]
    return np.log(few[..., 0] / few[..., mode]) / (2 * np.log(own[:, 0] / own[:, mode])[:, None])


def deviations_of_ratios(data: Arrays, where: str) -> np.ndarray:
    """ln of √(λ̃_1/λ̃_k), trained over theory, (networks, counts, modes - 1)."""
    trained, theory = (np.log(data[f"few_{which}_{where}"]) for which in ("trained", "theory"))
    difference = trained - theory
    return (difference[..., :1] - difference[..., 1:]) / 2
