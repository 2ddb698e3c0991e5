"""White V-kernels: the covariance of a generated path's noise when the score is drawn afresh at every instant."""

import abc

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from theory.definitions.features import Z
from theory.exact_scores.point_masses import Points
from theory.v_kernel.kernels import AbstractVKernel


class AbstractWhiteKernel(AbstractVKernel):
    """V(x, t; x', t') = B(x, t) δ(t - t'): noise without memory. A subclass supplies B, a density per unit of time."""

    @abc.abstractmethod
    def diffusion(self, x: Points, time: ArrayLike) -> Float[Array, "*batch dim dim"]:
        """B(x, t), symmetric and positive semi-definite, in units of x² per unit of t."""

    def __call__(self, z: Z, z_prime: Z) -> Float[Array, "*batch dim dim"]:
        """The coefficient of δ(t - t') for pairs of places: B(z) where z = z', zero elsewhere.

        Different paths draw their noise independently of each other, so that x ≠ x' gives zero at equal times too, and
        the matrix of any set of places is positive semi-definite.
        """
        (x, time), (x_prime, time_prime) = z, z_prime
        same = jnp.all(x == x_prime, axis=-1) & (time == time_prime)
        return jnp.where(same[..., None, None], self.diffusion(x, time), 0.0)

    def diffusion_root(self, x: Points, time: ArrayLike) -> Float[Array, "*batch dim dim"]:
        """The symmetric square root of B(x, t), what multiplies dW in the effective SDE."""
        diffusion = self.diffusion(x, time)
        if diffusion.shape[-1] == 1:
            return jnp.sqrt(diffusion)
        values, basis = jnp.linalg.eigh(diffusion)
        root = jnp.sqrt(jnp.maximum(values, 0.0))  # below zero by round-off only
        return (basis * root[..., None, :]) @ jnp.swapaxes(basis, -1, -2)
