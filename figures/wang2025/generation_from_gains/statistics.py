"""Variances that gains predict beside those that are generated, and the linear share."""

import numpy as np
from jaxtyping import Float

from figures.common.stages import Arrays
from figures.studies.trained_networks.statistics import Reading, exponents_of


def log_ratio(data: Arrays, kind: str, record: int = -1) -> Float[np.ndarray, "models modes"]:
    """ln of what gains predict over what is generated."""
    reading = Reading(data, kind)
    return np.log(reading["predicted"][:, record] / reading["generated"][:, record])


def share(data: Arrays, kind: str, record: int = -1) -> Float[np.ndarray, " models"]:
    """Of the variance of samples, the part that is linear in the mode's own noise: mean over modes."""
    return Reading(data, kind)["linear_share"][:, record].mean(axis=-1)


def exponent_of_gains(data: Arrays, kind: str) -> Float[np.ndarray, " models"]:
    """α of falling modes by predicted variances less that by generated ones, over the modes that emerge in both.

    Both go from where the untrained network generates to the same target, at the geometric mean.
    """
    generated = Reading(data, kind)
    predicted = Reading({**data, f"{kind}_generated": generated["predicted"]}, kind)
    pair = generated, predicted
    used = np.all([each.on("falling") & each.clear() & np.isfinite(each.emergence()) for each in pair], axis=0)
    ours, theirs = (exponents_of(each["variance"], each.emergence(), used).per_model for each in pair)
    return theirs - ours
