"""White V-kernels, the covariance of a generated path's noise when every instant draws afresh; the naive one."""

import abc

import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Float

from theory.definitions.processes import AbstractProcess
from theory.exact_scores.point_masses import PointMasses, Points
from theory.v_kernel.kernels import AbstractVKernel
from theory.v_kernel.population import Z


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


class NaiveVKernel(AbstractWhiteKernel):
    """V = κ D_t C(x, t) D_t δ(t - t'), s_avg = s: the proxy score drawn afresh at each step (Vastola 2025, Prop. 4.1).

    The sampler ŝ = s + √(κ/Δt) [s̃(x, t; x_0) - s], x_0 ~ p(x_0 | x, t), has this kernel as Δt → 0. κ is a time, in the
    process's own units: the same κ is a different noise for another schedule. Raises ValueError for κ < 0.
    """

    data: PointMasses
    process: AbstractProcess
    kappa: Float[Array, ""]

    def __init__(self, data: PointMasses, process: AbstractProcess, kappa: ArrayLike) -> None:
        if not isinstance(kappa, Tracer) and not 0 <= np.asarray(kappa) < np.inf:
            raise ValueError(f"kappa must be non-negative and finite; got {kappa}")
        self.data = data
        self.process = process
        self.kappa = jnp.asarray(kappa, dtype=float)

    def diffusion(self, x: Points, time: ArrayLike) -> Float[Array, "*batch dim dim"]:
        """κ D_t C(x, t) D_t with C the covariance of the proxy score (Vastola 2025, Eq. 9)."""
        x = jnp.asarray(x)
        rate = self.process.diffusion_coefficient(jnp.asarray(time, dtype=x.dtype))
        factor = jnp.broadcast_to(self.kappa.astype(x.dtype) * rate**2, x.shape[:-1])
        return factor[..., None, None] * self.data.proxy_covariance(x, time, self.process)

    def mean_drift(self, x: Points, time: ArrayLike) -> Points:
        """dx/dt of the probability-flow ODE of the exact score, which is the average score s_avg here."""
        x = jnp.asarray(x)
        time = jnp.asarray(time, dtype=x.dtype)
        return self.process.probability_flow(x, self.data.score(x, time, self.process), time)
