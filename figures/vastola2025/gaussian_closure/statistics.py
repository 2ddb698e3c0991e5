"""What claims and panels of `gaussian_closure` read from its arrays: kinds of model, p-values, shares."""

import numpy as np
from scipy.stats import binomtest

from figures.common.stages import Arrays
from figures.common.style import fraction

LEVEL = 0.05


def names_of_kinds(data: Arrays) -> list[str]:
    """What the ensembles are called, in the order of `p_values_of`."""
    linear = [f"linear, F/P = {fraction(ratio)}" for ratio in data["feature_ratio"]]
    return [*linear, f"random features, F/P = {fraction(float(data['random_feature_ratio']))}", "MLP"]


def p_values_of(data: Arrays) -> np.ndarray:
    return np.concatenate([data["p_value"], data["p_value_mlp"][None]])


def rejected_share(rejected: np.ndarray) -> tuple[float, tuple[float, float]]:
    """Share of points rejected with Wilson's 95 % interval: given the ensemble, points are independent draws."""
    interval = binomtest(int(rejected.sum()), rejected.size).proportion_ci(method="wilson")
    return float(rejected.mean()), (float(interval.low), float(interval.high))
