"""Emergence times of the trained networks, read from the stored arrays."""

import numpy as np

from figures.common.stages import Arrays
from sims.measurements.modes import first_crossing

# A mode whose initial variance is within this factor of its target has nothing to learn and no emergence to speak of.
_DISTINCT = np.e


def emergence_by_gain(data: Arrays, mean: str) -> np.ndarray:
    """Emergence time of every network, (initial gain, seed, mode); NaN where not reached or nothing to learn."""
    emergence = np.stack(
        [
            first_crossing(data["times"], np.moveaxis(curves, 1, 0), level[None])
            for curves, level in zip(data["variance_trained"], data[f"level_{mean}"], strict=True)
        ]
    )
    geometric = data["level_geometric"]
    contrast = np.maximum(geometric / data["trained_variance"], data["trained_variance"] / geometric) ** 2
    return np.where((contrast > _DISTINCT)[:, None], emergence, np.nan)
