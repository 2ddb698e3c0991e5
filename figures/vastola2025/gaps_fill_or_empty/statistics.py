"""What claims and panels of `gaps_fill_or_empty` read from its arrays: gap mass due to variance, and of windows."""

from figures.common.stages import Arrays
from sims.measurements.estimates import Estimate


def effect_of_variance(data: Arrays, name: str) -> Estimate:
    """Gap mass of trained or predicted models less that of the average learned score alone, by cell of the map."""
    return Estimate(data[name] - data["average"], data[f"{name}_stderr"], int(data["models"]))


def window_mass(data: Arrays, kind: int, strength: int) -> Estimate:
    """Gap mass against the number of windows, for one kind of features and one way to keep the variance."""
    place = kind, strength
    return Estimate(data["window_mass"][place], data["window_mass_stderr"][place], int(data["window_models"]))
