"""When modes emerge in trained networks."""

import numpy as np

from sims.measurements.modes import first_crossing


def measured_emergence(times: np.ndarray, variances: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Emergence time of every seed and mode, (seeds, modes), from (seeds, snapshots, modes); NaN where not reached."""
    return first_crossing(times, np.moveaxis(variances, 1, 0), level[None])
