"""Exponents of falling modes by optimiser and loss weight, and their slope in a."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from figures.common.stages import Arrays
from figures.studies.trained_networks.statistics import Reading
from figures.wang2025.weighting_in_networks.experiment import kind

NAMES = {"sgd": "SGD", "adam": "Adam"}


class Exponents(NamedTuple):
    """α of falling modes at the geometric mean, by model and a, over modes that emerge in both."""

    trained: Float[np.ndarray, "tilts models"]
    closed_form: Float[np.ndarray, "tilts models"]


def exponents(data: Arrays, optimiser: str) -> Exponents:
    """Of the networks that one optimiser has trained."""
    pairs = [
        Reading(data, kind(optimiser, index)).closed_form_exponents("falling") for index in range(len(data["tilt"]))
    ]
    return Exponents(*(np.stack([each.per_model for each in part]) for part in zip(*pairs, strict=True)))


def slope(tilt: Float[np.ndarray, " tilts"], alpha: Float[np.ndarray, "tilts models"]) -> Float[np.ndarray, " models"]:
    """dα/da of every model, by least squares; NaN where an exponent is missing."""
    centred = tilt - tilt.mean()
    return centred @ alpha / (centred @ centred)
