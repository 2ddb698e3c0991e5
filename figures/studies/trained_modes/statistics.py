"""How far trained networks are from their theory: numbers read from stored arrays."""

import numpy as np

from sims.measurements.agreement import Agreement, agreement


def deviation_of_variances(measured: np.ndarray, predicted: np.ndarray) -> Agreement:
    """Of ln λ̃, over all (time, mode) pairs; `measured` is (seeds, snapshots, modes), `predicted` (snapshots, modes)."""
    return agreement(np.log(measured / predicted))


def deviation_of_gains(measured: np.ndarray, predicted: np.ndarray) -> Agreement:
    """Of gains, numbers between zero and one, over all cells; (seeds, ..., modes) and (..., modes)."""
    return agreement(measured - predicted)
