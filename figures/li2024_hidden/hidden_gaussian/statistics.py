"""Nats that the linear part misses and that the rest has, and when, read from stored arrays."""

import numpy as np

from figures.common.stages import Arrays
from sims.measurements.linear_distillation import nats_over_levels
from sims.measurements.modes import first_crossing

_LEAST = 1e-9  # nats: of what is zero or less before training


def nats(data: Arrays, which: str, where: str) -> np.ndarray:
    """∫ missed or beyond σ^-3 dσ of every mode, (networks, records, modes), or without records."""
    errors = np.moveaxis(data[f"{which}_{where}"], -2, -1)
    return nats_over_levels(errors, data["levels"])


def course(data: Arrays, which: str, where: str) -> np.ndarray:
    """The same of all modes together, (networks, records)."""
    return nats(data, which, where).sum(axis=-1)


def when_linear_is_half(data: Arrays, where: str) -> np.ndarray:
    """Step at which half of what the linear part missed at first is there, (networks,)."""
    missed = course(data, "missed", where)
    return _crossing(data, where, missed, missed[:, 0] / 2)


def when_nonlinear_is_half(data: Arrays, where: str) -> np.ndarray:
    """Step at which half of what the rest has at the end is there, (networks,)."""
    beyond = course(data, "beyond", where)
    return _crossing(data, where, beyond, beyond[:, -1] / 2)


def _crossing(data: Arrays, where: str, values: np.ndarray, level: np.ndarray) -> np.ndarray:
    """From the first step on: logarithms know no step zero."""
    return first_crossing(
        data[f"steps_{where}"][1:], np.maximum(np.moveaxis(values, 1, 0)[1:], _LEAST), np.maximum(level, _LEAST)
    )


def when_modes_are_half(data: Arrays) -> np.ndarray:
    """Of the box, the step at which half of a mode's linear nats is there, (networks, modes)."""
    missed = nats(data, "missed", "box")
    return _crossing(data, "box", missed, missed[:, 0] / 2)


def when_modes_are_half_by_law(data: Arrays) -> np.ndarray:
    """The same of one linear layer, in ητ, (modes,)."""
    start = data["law_nats"][0]
    return first_crossing(data["law_times"], data["law_nats"], start / 2)


def slope_on_law(data: Arrays) -> np.ndarray:
    """Of ln of the modes' half times on theory's, (networks,)."""
    y, x = np.log(when_modes_are_half(data)), np.log(when_modes_are_half_by_law(data))
    x = x - x.mean()
    return y @ x / (x @ x)


def missed_meanwhile(data: Arrays, where: str) -> np.ndarray:
    """ln of the linear nats that are missing when half of the nonlinear ones are there, over half of those missing
    before training, (networks,)."""
    missed = course(data, "missed", where)
    records = np.log(data[f"steps_{where}"][1:])
    then = np.log(when_nonlinear_is_half(data, where))
    found = [np.interp(at, records, np.log(row[1:])) for at, row in zip(then, missed, strict=True)]
    return np.asarray(found) - np.log(missed[:, 0] / 2)


def distance_to_filter(data: Arrays, where: str) -> np.ndarray:
    """Root mean square over coordinates and noise levels of D_L - D_G at the end of training, (networks,)."""
    return np.sqrt(data[f"missed_{where}"][:, -1].mean(axis=(1, 2)))


def share_of_ideal(data: Arrays) -> np.ndarray:
    """Of the box at the end, nonlinear nats over those of the ideal denoiser, (networks, modes)."""
    return nats(data, "beyond", "box")[:, -1] / data["nats_box"]
