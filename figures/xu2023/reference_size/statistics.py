"""Ratios of measured variances with their errors over replicates."""

import numpy as np

from figures.common.stages import Arrays
from sims.measurements.estimates import Estimate
from sims.measurements.resampling import jackknife


def cluster_ratio(data: Arrays, index: int, level: int) -> Estimate:
    """V_STF/V_DSM of the clusters, for the number of references and the noise level of these places."""
    return _ratio(data["clusters_measured"][:, [0, index], level])


def gaussian_ratio(data: Arrays, index: int, information: int) -> Estimate:
    """V_STF/V_DSM of the Gaussian, of the number of references at `index` + 1."""
    return _ratio(data["gaussian_measured"][:, index, :, information])


def point_ratio(data: Arrays, index: int, level: int) -> Estimate:
    """V_STF/V_DSM of the points."""
    return _ratio(data["points_measured"][:, [0, index], level])


def _ratio(pairs: np.ndarray) -> Estimate:
    """Second over first, of their means over replicates."""
    return jackknife(lambda mean: mean[1] / mean[0], pairs)
