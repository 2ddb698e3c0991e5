"""What claims and panels of `learned_distribution` read from its arrays: distances, validity, gap masses."""

import numpy as np
from jaxtyping import Float

from figures.common.stages import Arrays
from figures.vastola2025.learned_distribution.distances import BLOCKS
from sims.measurements.estimates import Estimate
from sims.measurements.resampling import jackknife_error

LIMIT = 1.5  # of W_1(predicted, trained)/W_1(trained, trained'), up to which the prediction is called valid


def distance_ratio(data: Arrays, index: int, over: str, which: str = "") -> Estimate:
    """W_1(predicted, trained) over another distance, with its jackknife error; `which` ends the names of both."""
    return _left_out_estimate(
        data[f"wasserstein1_predicted{which}"][index] / data[f"wasserstein1_{over}{which}"][index]
    )


def validity(data: Arrays) -> list[str]:
    """Is the prediction no farther from a trained ensemble than one and a half times another one is, at 95 %?"""
    intervals = [distance_ratio(data, index, "trained").interval for index in range(data["feature_ratio"].size)]
    return ["valid" if high <= LIMIT else "invalid" if low > LIMIT else "undecided" for low, high in intervals]


def gap_mass_of(data: Arrays, index: int | slice, name: str) -> Estimate:
    """Gap mass of an ensemble of models at one F/P; there are as many surrogates as trained models."""
    models = int(data["predicted_models" if name.startswith("predicted") else "trained_models"])
    return Estimate(data[f"gap_mass_{name}"][index], data[f"gap_mass_stderr_{name}"][index], models)


def _left_out_estimate(values: Float[np.ndarray, " replicates"]) -> Estimate:
    """The first value, with the standard error that those without one block give."""
    return Estimate(values[0], jackknife_error(values[1:]), BLOCKS)
