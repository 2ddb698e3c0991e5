"""What claims and panels of `learned_distribution` read from its arrays: distances, validity, gap masses."""

import numpy as np

from figures.common.stages import Arrays
from figures.vastola2025.learned_distribution.experiment import GRID, GROUPS
from sims.measurements.agreement import Agreement
from sims.measurements.distances import squared_distance
from sims.measurements.estimates import Estimate, mean_over
from sims.measurements.resampling import jackknife_error

# Root of ∫ (F - F')² dx up to which the prediction is called valid: 1.4 % of the mass moved by half a unit, the width
# of a gap.
LIMIT = 0.01


def distance_to_trained(data: Arrays, index: int, name: str, suffix: str = "") -> Agreement:
    """Of the average distribution of `name` from that of the trained models at one F/P."""
    trained, other = (data[f"cumulative_{each}{suffix}"][index] for each in ("trained", name))
    return squared_distance(trained, other, GRID)


def validity(data: Arrays) -> list[str]:
    """Is the prediction, at 95 %, closer to the trained average than the limit?"""
    intervals = [distance_to_trained(data, index, "predicted").interval for index in range(data["feature_ratio"].size)]
    return ["valid" if high <= LIMIT else "invalid" if low > LIMIT else "undecided" for low, high in intervals]


def gap_mass_of(data: Arrays, index: int | slice, name: str) -> Estimate:
    """Gap mass over the models of an ensemble at one F/P, or at all."""
    return mean_over(data[f"gap_mass_{name}"][index], axis=-1)


def filled_by_variance(data: Arrays, index: int) -> Estimate:
    """Gap mass of the trained models less that of the mean of their weights; groups of models left out for the error.

    Both are computed without the group, so that what they share is counted once.
    """
    mass, average = data["gap_mass_trained"][index], data["gap_mass_trained_average"][index]
    groups = np.array_split(mass, GROUPS)
    without = np.array([np.mean(np.concatenate(groups[:g] + groups[g + 1 :])) for g in range(GROUPS)])
    return Estimate(np.asarray(mass.mean() - average[0]), jackknife_error(without - average[1:]), GROUPS)
