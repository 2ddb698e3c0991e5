"""Variances that gains predict beside those that are generated, and the linear share."""

import numpy as np
from jaxtyping import Float

from figures.common.stages import Arrays
from figures.studies.photograph_networks.kind_statistics import difference
from figures.studies.trained_networks.statistics import Reading
from figures.wang2025.generation_from_gains.experiment import CNN, LINEAR, MLP

WORDS = {LINEAR: "linear network", MLP: "MLP-UNet", CNN: "CNN, one level"}


def log_ratio(data: Arrays, kind: str, record: int = -1) -> Float[np.ndarray, "models modes"]:
    """ln of what gains predict over what is generated."""
    reading = Reading(data, kind)
    return np.log(reading["predicted"][:, record] / reading["generated"][:, record])


def share(data: Arrays, kind: str, record: int = -1) -> Float[np.ndarray, " models"]:
    """Of the variance of samples, the part that is linear in the mode's own noise: mean over modes."""
    return Reading(data, kind)["linear_share"][:, record].mean(axis=-1)


def exponent_of_gains(data: Arrays, kind: str) -> Float[np.ndarray, " models"]:
    """α of falling modes by predicted variances less that by generated ones, over the modes that emerge in both.

    Each goes from its own start to the same target, at the geometric mean of the two. Records of both are the same, and
    between them emergence is interpolated: few records are a coarse answer.
    """
    predicted = {**data, f"{kind}_generated": Reading(data, kind)["predicted"]}
    return difference(Reading(predicted, kind), Reading(data, kind))
