"""Exponents of the trained networks, by weighting."""

import numpy as np

from figures.common.power_laws import exponents
from figures.common.stages import Arrays
from sims.measurements.estimates import Estimate


def fitted_exponents(data: Arrays, mean: str) -> list[Estimate | None]:
    """Exponent of the trained networks for every power; None where fewer than three modes emerged in every seed."""
    result = []
    for emergence in data[f"emergence_{mean}"][: data["exponents"].size]:
        seen = np.isfinite(emergence).all(axis=0)
        result.append(exponents(data["variance"][seen], emergence[:, seen]) if seen.sum() >= 3 else None)
    return result
