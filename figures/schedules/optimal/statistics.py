"""Gains over EDM's schedule, predicted and of trained networks."""

import numpy as np
from jaxtyping import Float

from figures.common.stages import Arrays
from figures.schedules.optimal.experiment import SCHEDULES, TRIED
from sims.measurements.estimates import Estimate, mean_over

EDM, IDEAL, OWN = range(len(TRIED))
OPTIMAL = len(SCHEDULES) - 1
LEARNED = ("a quarter", "half", "all")  # of the modes


def names(data: Arrays) -> tuple[str, str]:
    """Of the sets of data."""
    return "Gaussian", "your data" if bool(data["users"]) else "photographs"


def excess(data: Arrays, row: int, time: int, tried: int, other: int = EDM) -> Float[np.ndarray, " models"]:
    """KL of samples from one of the schedules less that from another, of every model in nats; negative is better."""
    return data["trained"][row, :, time, tried] - data["trained"][row, :, time, other]


def realised(data: Arrays, row: int, time: int, tried: int) -> Estimate:
    """Gain over EDM's schedule in nats."""
    return mean_over(-excess(data, row, time, tried))


def predicted(data: Arrays, row: int, time: int, tried: int) -> float:
    """The same in theory, of the spectra of the training samples, in the mean."""
    found = data["predicted"][row, :, time]
    return float(np.mean(found[:, EDM] - found[:, tried]))


def kept_of_prediction(data: Arrays, row: int, time: int, tried: int) -> Float[np.ndarray, " models"]:
    """Gain of every model, realised over predicted."""
    found = data["predicted"][row, :, time]
    return -excess(data, row, time, tried) / (found[:, EDM] - found[:, tried])
