"""Variances of patches from variances along the modes of whole images, all positions of a patch together."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from figures.studies.trained_networks.experiment import DataModes
from sims.measurements.patch_statistics import patches


class PooledModes(NamedTuple):
    """G and c of v_k = Σ_i G_ki s_i + c_k, see `pooled_modes`."""

    gain: Float[np.ndarray, "patch_modes modes"]
    of_mean: Float[np.ndarray, " patch_modes"]

    def __call__(self, variance: Float[np.ndarray, "*batch modes"]) -> Float[np.ndarray, "*batch patch_modes"]:
        """Variances along the patch modes of images with these variances along the data's modes."""
        return variance @ self.gain.T + self.of_mean


def pooled_modes(
    modes: DataModes,
    basis: Float[np.ndarray, "values patch_modes"],
    shape: tuple[int, int, int],
    size: int,
    stride: int,
) -> PooledModes:
    """How images of covariance Σ_i s_i u_i u_iᵀ about the data's mean vary along the patch directions b_k.

    With P_q what cuts out the patch at position q: G_ki = mean_q (b_kᵀ P_q u_i)², and c_k is the variance over q of
    b_kᵀ P_q μ. Exact for the data themselves, and for samples only as far as they have the data's mean and modes.
    """
    of_modes = patches(modes.basis.T.reshape(-1, *shape), size, stride) @ basis
    of_mean = patches(modes.mean.reshape(1, *shape), size, stride)[0] @ basis
    return PooledModes((of_modes**2).mean(axis=1).T, of_mean.var(axis=0))
