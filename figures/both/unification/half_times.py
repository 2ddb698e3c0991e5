"""When the variance of weights over training sets switches on."""

import numpy as np

from sims.measurements.modes import first_crossing


def half_times(times: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """When the variance of the elements that feed mode l into the weakest mode passes half its final value."""
    row = variance[:, -1]
    return first_crossing(times, row, row[-1] / 2)
