"""Exponents of falling modes by how far they have to fall."""

from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float

from figures.common.stages import Arrays
from figures.studies.trained_networks.statistics import GRAY_ZONE, Level, ModelExponents, Reading, exponents_of

FARTHEST_NEAR = 8.0  # times below the start: the lowest variances of Figure 9's data
Distance = Literal["near", "far", "any"]
_RANGES: dict[Distance, tuple[float, float]] = {
    "near": (GRAY_ZONE, FARTHEST_NEAR),
    "far": (FARTHEST_NEAR, np.inf),
    "any": (GRAY_ZONE, np.inf),
}


class Readings(NamedTuple):
    """What the four kinds of training have left."""

    narrow: Reading  # variances over Figure 9's range, by Adam
    adam: Reading  # over a wider range
    sgd: Reading  # the same
    no_output: Reading  # as `adam`, from an output of zero


class Beside(NamedTuple):
    """Exponents over the same modes."""

    trained: ModelExponents
    theory: ModelExponents

    @property
    def excess(self) -> Float[np.ndarray, " models"]:
        """α of the networks less that of the closed form; NaN for a model of too few modes."""
        return self.trained.per_model - self.theory.per_model


def readings(data: Arrays) -> Readings:
    return Readings(*(Reading(data, f"case_{index}") for index in range(len(Readings._fields))))


def fall(reading: Reading) -> Float[np.ndarray, "models modes"]:
    """How many times λ lies below the start: the geometric mean over modes of what the untrained network generates."""
    return np.exp(np.log(reading.initial).mean(axis=1, keepdims=True)) / reading["variance"]


def exponents(reading: Reading, distance: Distance = "any", level: Level = "geometric") -> Beside:
    """Of falling modes outside their own gray zone that lie so far below the start and emerge in both."""
    trained, theory = reading.emergence(level), reading.closed_form(level)
    lowest, highest = _RANGES[distance]
    within = (fall(reading) > lowest) & (fall(reading) <= highest)
    used = within & reading.on("falling") & reading.clear() & np.isfinite(trained) & np.isfinite(theory)
    return Beside(*(exponents_of(reading["variance"], times, used) for times in (trained, theory)))
