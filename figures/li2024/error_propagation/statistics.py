"""What is left of added errors, and whether errors of gains add up, read from stored arrays."""

import numpy as np

from figures.common.stages import Arrays


def log_ratio_of_left(data: Arrays, where: str) -> np.ndarray:
    """ln(left, trained/theory), mean over times, levels and modes, (networks,)."""
    trained, theory = (np.abs(data[f"left_{which}_{where}"]) for which in ("trained", "theory"))
    return np.log(trained / theory).mean(axis=(1, 2, 3))


def left_from_one(data: Arrays, where: str, mode: int, time: int = -1) -> np.ndarray:
    """ln of what trained networks leave of an error that is added where σ/α = 1, at one training time, (networks,)."""
    ratio = data["ratio_vp" if where == "vp" else "ratio_edm"]
    return np.log(np.abs(data[f"left_trained_{where}"][:, time, np.argmin(np.abs(np.log(ratio))), mode]))


def slope_of_shifts(data: Arrays, where: str) -> np.ndarray:
    """Σ measured · predicted/Σ predicted² over modes, (networks,): one where errors of gains add up as predicted."""
    measured, predicted = (data[f"shift_{which}_{where}"] for which in ("measured", "predicted"))
    return np.sum(measured * predicted, axis=1) / np.sum(predicted**2, axis=1)
