"""What claims and panels of `gaussian_closure` read from its arrays: kinds of model, p-values, distances."""

import numpy as np

from figures.common.stages import Arrays
from figures.common.style import fraction
from figures.vastola2025.gaussian_closure.experiment import GRID
from sims.measurements.agreement import Agreement, agreement
from sims.measurements.distances import squared_distance

LEVEL = 0.05
# Either moves a density by less than six per cent of its largest value, to first order (Gram and Charlier).
SHAPES = {"skewness": 0.25, "kurtosis": 0.5}
DISTANCE = 0.01  # 1.4 % of the mass moved by half a unit, the width of a gap


def names_of_kinds(data: Arrays) -> list[str]:
    """What the ensembles are called, in the order of `p_values_of`."""
    linear = [f"linear, F/P = {fraction(ratio)}" for ratio in data["feature_ratio"]]
    return [*linear, f"random features, F/P = {fraction(float(data['random_feature_ratio']))}", "MLP"]


def p_values_of(data: Arrays) -> np.ndarray:
    return np.concatenate([data["p_value"], data["p_value_mlp"][None]])


def shape_of(data: Arrays, name: str) -> list[Agreement]:
    """Of every kind: skewness or excess kurtosis over models, root mean square over points; zero for a Gaussian.

    Of heavy tails a group of models sees a part only: there the number grows with the size of the groups.
    """
    return [agreement(groups) for groups in (*data[name], data[f"{name}_mlp"])]


def closure_distance(data: Arrays, row: int) -> Agreement:
    """Root of ∫ (F - F')² dx between what the trained and the Gaussian ensemble generate.

    The Gaussian ensemble has the trained one's moments, errors included, which makes the square too small by the n-th
    part of a model's own scatter, n the number of models.
    """
    return squared_distance(data["cumulative"][row], data["cumulative_surrogate"][row], GRID)
