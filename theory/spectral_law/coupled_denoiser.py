"""Denoisers that mix modes, or whose bias is still being learned: the whole map takes the place of the gains."""

import jax.numpy as jnp

from theory.definitions.arrays import Time
from theory.spectral_law.denoiser import AbstractDenoiser
from theory.spectral_law.moments import mode_covariance
from theory.spectral_law.regression import Modes


class AbstractCoupledDenoiser(AbstractDenoiser):
    """A denoiser whose maps at different noise levels do not commute, or whose bias is still being learned.

    A subclass supplies `weights`, `affine_map` and `training_window`; `theory.spectral_law.moments` carries the map
    through the flow.
    """

    @property
    def mixes_modes(self) -> bool:
        return True

    def gain(self, tau: Time, noise_level: Time) -> Modes:
        """u_kᵀ W u_k, the diagonal of the map; (...,) and (...,) -> (..., d)."""
        return jnp.diagonal(self.affine_map(tau, noise_level).matrix, axis1=-2, axis2=-1)

    def generated_variance(self, tau: Time) -> Modes:
        """Diagonal of the generated covariance in the eigenbasis; (...,) -> (..., d)."""
        return jnp.diagonal(mode_covariance(self, tau), axis1=-2, axis2=-1)
