"""Exponents of falling modes by kind of network and level, beside the closed form's."""

import numpy as np
from jaxtyping import Float

from figures.common.stages import Arrays
from figures.studies.trained_networks.statistics import Level, ModelExponents, Reading, exponents_of

LEVELS: tuple[Level, ...] = ("geometric", "harmonic")


def readings(data: Arrays, names: tuple[str, ...]) -> dict[str, Reading]:
    """What `train_side_by_side` has stored of every kind of network, by its name."""
    return {names[kind]: Reading(data, f"kind_{place}") for place, kind in enumerate(data["kinds"])}


def exponents(reading: Reading, level: Level = "geometric") -> tuple[ModelExponents, ModelExponents]:
    """α of falling modes, trained and of the closed form, over the modes that emerge in both.

    Photographs of 8 × 8 pixels have one rising mode or two: no exponent.
    """
    return reading.closed_form_exponents("falling", level)


def difference(first: Reading, second: Reading) -> Float[np.ndarray, " models"]:
    """α of falling modes of the first kind less that of the second, over the modes of each model that emerge in both.

    Kinds need not learn the same modes: a linear convolution has too few numbers for all.
    """
    pair = first, second
    used = np.all([each.on("falling") & each.clear() & np.isfinite(each.emergence()) for each in pair], axis=0)
    ours, theirs = (exponents_of(each["variance"], each.emergence(), used).per_model for each in pair)
    return ours - theirs
