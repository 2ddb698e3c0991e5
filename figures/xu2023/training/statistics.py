"""Errors of one objective relative to those of another, model by model."""

import numpy as np

from figures.common.stages import Arrays
from sims.measurements.estimates import Estimate, mean_over

_LATE = 0.5  # of all steps: the records that a late error is the mean of


def mean_errors(data: Arrays, name: str) -> np.ndarray:
    """(models, records): the mean over noise levels, which are uniform in ln σ."""
    return data[f"error_{name}"].mean(axis=-1)


def log_ratio(data: Arrays, name: str, rival: str) -> Estimate:
    """ln of an objective's late error over a rival's."""
    return mean_over(np.log(_late(mean_errors(data, name), data) / _late(mean_errors(data, rival), data)))


def log_ratio_at(data: Arrays, name: str, rival: str, levels: np.ndarray) -> Estimate:
    """The same at some noise levels, the mean over them."""
    first, second = (_late(np.moveaxis(data[f"error_{each}"], 1, -1), data)[:, levels] for each in (name, rival))
    return mean_over(np.log(first / second).mean(axis=1))


def variance_ratio(data: Arrays) -> np.ndarray:
    """V_STF/V_DSM by theory, at every noise level."""
    return data["variance"][1] / data["variance"][0]


def _late(errors: np.ndarray, data: Arrays) -> np.ndarray:
    steps = data["steps"]
    return errors[..., steps >= _LATE * steps[-1]].mean(axis=-1)
