"""How far guidance narrows the modes of a class, read from stored arrays."""

import numpy as np

from figures.common.stages import Arrays
from sims.measurements.modes import first_crossing

ALONE, GUIDED, ALL = range(3)  # samplers
_LEAST = 1e-9  # of a narrowing, whose logarithm is asked for


def narrowing(data: Arrays, which: str, where: str) -> np.ndarray:
    """ln(λ̃ of the class alone/λ̃ guided), (networks, snapshots, modes)."""
    generated = np.log(data[f"generated_{which}_{where}"])
    return generated[:, ALONE] - generated[:, GUIDED]


def overshoot(data: Arrays, which: str, where: str) -> np.ndarray:
    """The largest narrowing in training over theory's when both networks have learned, (networks, modes)."""
    return narrowing(data, which, where).max(axis=1) / narrowing(data, "theory", where)[:, -1]


def at_end(data: Arrays, where: str) -> np.ndarray:
    """w ln(1 + m²/λ), of perfect denoisers whose modes commute, (networks, modes)."""
    return data["strength"] * np.log1p(data[f"between_{where}"] / data[f"variance_{where}"])


def log_peak(data: Arrays, which: str, where: str) -> np.ndarray:
    """ln of the largest narrowing in training, mean over modes, (networks,)."""
    return np.log(np.maximum(narrowing(data, which, where).max(axis=1), _LEAST)).mean(axis=1)


def begins(data: Arrays, which: str, where: str) -> np.ndarray:
    """When the narrowing first is what it is in the end, (networks, modes); NaN if never."""
    curves = np.moveaxis(np.maximum(narrowing(data, which, where), _LEAST), 1, 0)
    return first_crossing(data["times"], curves, np.broadcast_to(at_end(data, where), curves.shape[1:]))


def exponent(data: Arrays, which: str, where: str) -> np.ndarray:
    """-d ln τ/d ln(λ + m²) of when it begins, over all modes, (networks,)."""
    times = begins(data, which, where)
    variance = np.broadcast_to(data[f"variance_{where}"] + data[f"between_{where}"], times.shape)
    pairs = zip(np.log(variance), np.log(times), strict=True)
    return np.array([-np.polyfit(x, y, 1)[0] if np.isfinite(y).all() else np.nan for x, y in pairs])
