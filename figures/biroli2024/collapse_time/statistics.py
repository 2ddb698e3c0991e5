"""Noise levels at which the drawn point has a given posterior weight."""

import numpy as np

from figures.common.stages import Arrays
from sims.measurements.estimates import Estimate, mean_over
from sims.measurements.target_agreement import falling_crossing


def log_levels(data: Arrays, weight: float, name: str = "") -> np.ndarray:
    """ln of the noise level of this mean weight over that of ln N nats; NaN where a curve does not cross.

    Of Gaussians (replicates, dimensions, counts), of a data set (replicates, counts).
    """
    logs = np.log(data["ratios"])
    curves = data[f"own_{name}" if name else "own"]
    return np.apply_along_axis(lambda curve: falling_crossing(logs, curve, weight), -1, curves)


def gaussian_level(data: Arrays, weight: float, dimension: int, count: int) -> Estimate:
    """The same for one dimension and number of points."""
    places = (int(np.flatnonzero(data[of] == one)[0]) for of, one in (("dimensions", dimension), ("counts", count)))
    return mean_over(log_levels(data, weight)[(slice(None), *places)])
