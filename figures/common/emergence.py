"""When modes emerge in trained networks, read from what they generate at the snapshots."""

import numpy as np

from sims.measurements.modes import first_crossing


def measured_emergence(times: np.ndarray, curves: np.ndarray, level: np.ndarray) -> np.ndarray:
    """When the curves of every seed, (seeds, snapshots, modes), pass their level (modes,): (seeds, modes).

    NaN where it is not reached.
    """
    return first_crossing(times, np.moveaxis(curves, 1, 0), level[None])
