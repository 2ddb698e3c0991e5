"""Local exponents of emergence times, read from stored arrays."""

import numpy as np
from jaxtyping import Float

from figures.common.stages import Arrays
from figures.schedules.exponents.experiment import SETTINGS
from sims.measurements.agreement import Agreement, agreement


def names(data: Arrays) -> list[str]:
    """Of the settings that were computed."""
    return [list(SETTINGS)[place] for place in data["settings"]]


def exponents(data: Arrays, which: str, where: str) -> Float[np.ndarray, "settings networks gaps"]:
    """-Δ ln τ*/Δ ln λ of neighbouring modes, "trained" or in "theory"."""
    return -np.diff(np.log(data[f"{which}_{where}"]), axis=-1) / np.diff(np.log(data[f"variance_{where}"]), axis=-1)


def deviation_of_exponents(data: Arrays, where: str, setting: int) -> Agreement:
    """Of the exponents of trained networks from theory's differences at the same variances, over all gaps."""
    return agreement(exponents(data, "trained", where)[setting] - exponents(data, "theory", where)[setting])


def log_ratio_of_times(data: Arrays, where: str) -> Float[np.ndarray, " networks"]:
    """Mean over settings and modes of ln(τ* trained/theory)."""
    return np.log(data[f"trained_{where}"] / data[f"theory_{where}"]).mean(axis=(0, 2))


def mean_exponent(
    data: Arrays, where: str, setting: int, smallest: float, largest: float
) -> Float[np.ndarray, " networks"]:
    """Of trained networks, over the gaps between variances of which the means all lie in [smallest, largest]."""
    variance = data[f"variance_{where}"].mean(axis=0)
    inside = (variance >= smallest * (1 - 1e-9)) & (variance <= largest * (1 + 1e-9))
    gaps = inside[1:] & inside[:-1]
    return exponents(data, "trained", where)[setting][:, gaps].mean(axis=-1)
