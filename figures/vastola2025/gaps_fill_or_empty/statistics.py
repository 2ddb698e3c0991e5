"""What claims and panels of `gaps_fill_or_empty` read from its arrays: gap mass due to variance, and of windows."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from figures.common.stages import Arrays
from figures.vastola2025.gaps_fill_or_empty.experiment import GROUPS
from sims.measurements.estimates import Estimate, mean_over
from sims.measurements.resampling import jackknife_error


def trained_effect(data: Arrays) -> Float[np.ndarray, "replicates *cells"]:
    """Gap mass of trained models less that of the mean of their weights, by cell of the map.

    Entry 0 is for all models, entry 1 + g leaves group g out, of masses and of weights alike.
    """
    return _left_out(data["trained"]) - np.moveaxis(data["trained_average"], -1, 0)


def predicted_effect(data: Arrays) -> Float[np.ndarray, "replicates *cells"]:
    """The same from the prediction, whose average is known without error."""
    return _left_out(data["predicted"]) - data["average"]


def _left_out(masses: Float[np.ndarray, "*cells models"]) -> Float[np.ndarray, "replicates *cells"]:
    """Mean over all models, and the same without one group after the other."""
    groups = np.array_split(np.arange(masses.shape[-1]), GROUPS)
    return np.stack([masses.mean(axis=-1), *(np.delete(masses, group, axis=-1).mean(axis=-1) for group in groups)])


def over_the_map(effects: list[np.ndarray], number: Callable[..., float]) -> Estimate:
    """A number of one or more effects on the map, with its jackknife error over groups of models.

    The mean of the weights is a single model, whose gap mass jumps as weights change: the jackknife of such a number is
    rough, and the spread between seeds says more.
    """
    values = np.array([number(*each) for each in zip(*effects, strict=True)])
    return Estimate(np.asarray(values[0]), jackknife_error(values[1:]), GROUPS)


def window_mass(data: Arrays, kind: int, strength: int) -> Estimate:
    """Gap mass against the number of windows, for one kind of features and one way to keep the variance."""
    return mean_over(data["window_mass"][kind, strength], axis=-1)
