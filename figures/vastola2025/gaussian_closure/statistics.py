"""What claims and panels of `gaussian_closure` read from its arrays: kinds of model, p-values, distances."""

import numpy as np

from figures.common.stages import Arrays
from figures.common.style import fraction
from sims.measurements.estimates import Estimate

LEVEL = 0.05


def names_of_kinds(data: Arrays) -> list[str]:
    """What the ensembles are called, in the order of `p_values_of`."""
    linear = [f"linear, F/P = {fraction(ratio)}" for ratio in data["feature_ratio"]]
    return [*linear, f"random features, F/P = {fraction(float(data['random_feature_ratio']))}", "MLP"]


def p_values_of(data: Arrays) -> np.ndarray:
    return np.concatenate([data["p_value"], data["p_value_mlp"][None]])


def number_of_models(data: Arrays) -> int:
    """Of every ensemble: that of its independent training sets."""
    return data["gap"].shape[1]


def closure_distance(data: Arrays) -> Estimate:
    """W_1 between what the trained and the Gaussian ensemble generate, for every kind that is linear in its weights."""
    return Estimate(data["wasserstein1"], data["wasserstein1_stderr"], number_of_models(data))
