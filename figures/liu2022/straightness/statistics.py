"""Straightness in units of its end, and what few steps lose, read from stored arrays."""

import numpy as np

from figures.common.stages import Arrays

EARLY, MIDDLE, FEW, MANY = 0.1, 4.0, 8, 64  # training times, and numbers of steps


def end_of_theory(data: Arrays, where: str) -> np.ndarray:
    """(2 - π/2) √λ, (networks or 1, modes)."""
    return (2 - np.pi / 2) * np.sqrt(data[f"variance_{where}"])


def straightness_in_units(data: Arrays, which: str, where: str) -> np.ndarray:
    """S over (2 - π/2) √λ, (networks or 1, snapshots, modes)."""
    return data[f"straight_{which}_{where}"] / end_of_theory(data, where)[:, None]


def by_steps(data: Arrays, which: str, where: str, count: int) -> np.ndarray:
    """ln λ̃ by so many steps, (networks or 1, snapshots, modes)."""
    return np.log(data[f"euler_{which}_{where}"][:, :, list(data["steps"]).index(count)])


def deviations_at_end(data: Arrays, where: str) -> np.ndarray:
    """ln of λ̃ trained over theory at the end, for all numbers of steps but one, (networks, counts, modes)."""
    trained, theory = (np.log(data[f"euler_{which}_{where}"][:, -1, 1:]) for which in ("trained", "theory"))
    return trained - theory


def loss(data: Arrays, where: str, count: int) -> np.ndarray:
    """ln λ̃ of trained networks by fine steps less that by so many, (networks, snapshots, modes)."""
    return np.log(data[f"fine_trained_{where}"]) - by_steps(data, "trained", where, count)


def log_ratio_to_law(data: Arrays, where: str, count: int) -> np.ndarray:
    """ln of N · loss over 1 + (π/4)(√λ + 1/√λ) at the end of training, (networks, modes)."""
    root = np.sqrt(data[f"variance_{where}"])
    return np.log(count * loss(data, where, count)[:, -1] / (1 + np.pi / 4 * (root + 1 / root)))


def early_over_late(data: Arrays, where: str) -> np.ndarray:
    """ln of the loss of few steps, mean over modes, early in training over that at its end, (networks,)."""
    lost = loss(data, where, FEW if FEW in data["steps"] else int(data["steps"][-1])).mean(axis=2)
    return np.log(lost[:, _nearest(data, EARLY)] / lost[:, -1])


def bends_of_smallest(data: Arrays, where: str) -> np.ndarray:
    """S over (2 - π/2) √λ of the mode of the least variance in the middle of training, (networks,)."""
    return straightness_in_units(data, "trained", where)[:, _nearest(data, MIDDLE), -1]


def _nearest(data: Arrays, time: float) -> int:
    return int(np.argmin(np.abs(np.log(data["times"] / time))))
