"""Jacobians of denoisers, ∂D_i/∂x_j: their eigenvalues, and what they do to the data's modes."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float

from sims.measurements.denoisers import Denoiser, checked_points
from sims.measurements.finite import finite
from theory.definitions.checks import whole_arguments


@whole_arguments("block")
def denoiser_jacobians(
    denoiser: Denoiser, points: Float[ArrayLike, "n d"], time: ArrayLike, *, block: int = 64
) -> Float[np.ndarray, "n d d"]:
    """∂D_i(x, t)/∂x_j at every point, by reverse mode, `block` rows i at a time: memory is that of `block` networks.

    Raises ValueError for points that are no rows, and for a block below one.
    """
    points = checked_points(points)
    time = jnp.asarray(time, points.dtype)
    return np.stack([np.asarray(_jacobian(denoiser, point, time, min(block, point.size))) for point in points])


@eqx.filter_jit
def _jacobian(denoiser: Denoiser, point: Array, time: Array, block: int) -> Float[Array, "d d"]:
    _, pull_back = jax.vjp(lambda x: denoiser(x[None], time)[0], point)
    return jax.lax.map(lambda row: pull_back(row)[0], jnp.eye(point.size, dtype=point.dtype), batch_size=block)


def jacobian_eigenvalues(jacobians: Float[np.ndarray, "*batch d d"]) -> Complex[np.ndarray, "*batch d"]:
    """Eigenvalues by decreasing real part; complex, since no symmetry is imposed on a network.

    A denoiser that is the gradient of something has symmetric Jacobians, so imaginary parts measure that it is not.
    Raises ValueError for Jacobians that are not finite, and for complex ones.
    """
    values = np.linalg.eigvals(finite("Jacobians", jacobians)).astype(complex)
    return np.take_along_axis(values, np.argsort(-np.real(values), axis=-1, kind="stable"), axis=-1)


def jacobians_in_modes(
    jacobians: Float[np.ndarray, "*batch d d"], basis: Float[np.ndarray, "d modes"]
) -> Float[np.ndarray, "*batch modes modes"]:
    """Uᵀ J U: the diagonal is the local gain of every mode, the rest how the denoiser mixes them.

    Raises ValueError for numbers that are not finite, and for complex ones.
    """
    basis = finite("modes", basis)
    return basis.T @ finite("Jacobians", jacobians) @ basis
