"""DDIM of linear denoisers, one per noise level, down to clean data."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from sims.sampling.solvers import euler
from theory.definitions.arrays import jit


@jit
def ddim_map(
    total_maps: Float[Array, "steps dim dim"], noise_levels: Float[Array, " levels"]
) -> Float[Array, "dim dim"]:
    """A with x_0 = A x_T for denoisers D(x) = W_i x of a variance-exploding process: Euler's method in σ.

    From the first of the `noise_levels` to the last, zero, where no denoiser is needed: one map for each of the others.
    Raises ValueError unless there is.
    """
    if total_maps.shape[0] + 1 != noise_levels.shape[0]:
        raise ValueError(
            f"maps must be one for every level but the last; got {total_maps.shape[0]} for {noise_levels.shape[0]}"
        )

    def drift(index: Array, level: Array, x: Array) -> Array:
        return (x - x @ total_maps[index].T) / level

    return euler(drift, jnp.eye(total_maps.shape[-1], dtype=total_maps.dtype), noise_levels).T
