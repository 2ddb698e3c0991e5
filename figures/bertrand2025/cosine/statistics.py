"""Where curves over the noise level cross, and what they are at a time."""

import numpy as np

from figures.bertrand2025.cosine.experiment import DATA_SETS, data_names
from figures.common.stages import Arrays
from sims.measurements.estimates import Estimate, mean_over
from sims.measurements.target_agreement import falling_crossing


def times(data: Arrays) -> np.ndarray:
    """t of the noise levels ρ = (1 - t)/t."""
    return 1 / (1 + data["levels"])


def names(data: Arrays) -> list[str]:
    """Of the data sets."""
    return data_names(int(dimension) for dimension in data["dimension"][len(DATA_SETS) :])


def at_time(data: Arrays, kind: str, name: str, time: float) -> Estimate:
    """Mean over replicates of a curve at time t, interpolated in ln ρ."""
    level = np.log((1 - time) / time)
    curves = data[f"{kind}_{names(data).index(name)}"]
    return mean_over(np.array([np.interp(level, np.log(data["levels"]), curve) for curve in curves]))


def log_half_level(data: Arrays, name: str) -> Estimate:
    """ln of the noise level at which the drawn point has half of the posterior, over that of collapse.

    NaN where a curve does not cross a half.
    """
    place, logs = names(data).index(name), np.log(data["levels"])
    found = [falling_crossing(logs, curve, 0.5) for curve in data[f"own_{place}"]]
    return mean_over(np.array(found) - np.log(data["collapse"][place]))
