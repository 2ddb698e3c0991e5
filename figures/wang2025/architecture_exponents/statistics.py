"""Exponents of falling modes by kind of network and level, beside the closed form's."""

from figures.common.stages import Arrays
from figures.studies.trained_networks.statistics import Level, ModelExponents, Reading
from figures.wang2025.architecture_exponents.experiment import NAMES

LEVELS: tuple[Level, ...] = ("geometric", "harmonic")


def readings(data: Arrays) -> dict[str, Reading]:
    """What is stored of every kind of network, by its name."""
    return {NAMES[kind]: Reading(data, f"kind_{place}") for place, kind in enumerate(data["kinds"])}


def exponents(reading: Reading, level: Level = "geometric") -> tuple[ModelExponents, ModelExponents]:
    """α of falling modes, trained and of the closed form, over the modes that emerge in both.

    Photographs of 8 × 8 pixels have one rising mode or two: no exponent.
    """
    return reading.closed_form_exponents("falling", level)
