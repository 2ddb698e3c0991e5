"""Functions of an estimate, with their errors to first order."""

import numpy as np

from sims.measurements.estimates import Estimate


def logarithm(estimate: Estimate) -> Estimate:
    """ln of a single positive value; NaN of any other."""
    if not estimate.value > 0:
        return estimate._replace(value=np.array(np.nan), stderr=np.array(np.nan))
    return estimate._replace(value=np.log(estimate.value), stderr=estimate.stderr / estimate.value)


def scaled(estimate: Estimate, factor: float) -> Estimate:
    """The estimate times a number without error, which is positive."""
    return estimate._replace(value=estimate.value * factor, stderr=estimate.stderr * factor)
