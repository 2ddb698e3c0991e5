"""How far trained networks agree with their theory: numbers read from stored arrays."""

import numpy as np

from sims.measurements.estimates import mean_over
from sims.measurements.modes import variance_over_seeds


def share_of_variances(measured: np.ndarray, predicted: np.ndarray) -> float:
    """Share of (time, mode) pairs whose ln λ̃, averaged over seeds, lies within 4 standard errors of the prediction.

    `measured` is (seeds, snapshots, modes) and `predicted` (snapshots, modes).
    """
    estimate = variance_over_seeds(measured)
    deviation = np.log(estimate.value / predicted) / (estimate.stderr / estimate.value)
    return float(np.mean(np.abs(deviation) < 4))


def share_of_gains(measured: np.ndarray, predicted: np.ndarray, training_samples: int) -> float:
    """The same for gains, (seeds, ..., modes) and (..., modes).

    The theory is that of infinitely many training samples P. Products of two sampling fluctuations move gains by d/P
    on average, which no number of seeds removes: differences below that count as agreement.
    """
    estimate = mean_over(measured)
    resolution = predicted.shape[-1] / training_samples
    return float(np.mean(np.abs(estimate.value - predicted) < np.maximum(4 * estimate.stderr, resolution)))
