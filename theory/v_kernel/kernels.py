"""V-kernels: how learned scores at two places and times vary together over draws of the training set.

V(z; z') = D_t Cov[ŝ(z), ŝ(z')] D_t' with z = (x, t), the covariance taken over independent sets of P training triples
(Vastola 2025, Sec. 3). Models linear in features have one whose rank is finite (`theory.v_kernel.feature_kernels`); a
score that is drawn afresh at every instant has a white one (`theory.v_kernel.white_kernels`).
"""

import abc
from functools import singledispatch

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.definitions.features import Z


class AbstractVKernel(eqx.Module):
    """A covariance of learned scores over training draws, times the diffusion coefficient at both ends."""

    @abc.abstractmethod
    def __call__(self, z: Z, z_prime: Z) -> Float[Array, "*batch dim dim"]:
        """V(z; z') = D_t Cov[ŝ(z), ŝ(z')] D_t' for x (..., D) and t (...,); batch axes broadcast."""


@singledispatch
def kernel_matrix(kernel: AbstractVKernel, z: Z) -> Float[Array, "n dim n dim"]:
    """V between all pairs of n points, for x (n, D) and t (n,). A kind of kernel with a quicker way registers it."""
    x, time = z
    pairs = kernel((x[:, None], time[:, None]), (x[None], time[None]))
    return jnp.swapaxes(pairs, 1, 2)
