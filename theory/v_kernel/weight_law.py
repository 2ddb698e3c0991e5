"""The law of trained weights over draws of the training set: its mean, and a factor of its covariance."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.v_kernel.modes import Modes, positive_factor, where_kept

Number = float | Array

Weights = Float[Array, "dim F"]

WeightCovariance = Float[Array, "dim F dim F"]


@eqx.filter_jit
def mean_weights(modes: Modes, cross: Weights) -> Weights:
    """E[w yφᵀ] through the response of every mode."""
    return cross @ modes.resolvent()


@eqx.filter_jit
def weight_factor(
    modes: Modes, noise: WeightCovariance, design: WeightCovariance | None, draws: Array
) -> Float[Array, "dim F dim*F"]:
    """L with L Lᵀ = (response · noise · response + design)/draws, `noise` of the features, `design` of the modes.

    Decomposed in units of √l ω, what each mode adds to the output, so that round-off stays small against the largest
    of those. Negative eigenvalues are round-off.
    """
    dimension, number = noise.shape[:2]
    covariance = jnp.einsum("fk,ifjg,gl->ikjl", modes.filtered, noise, modes.filtered, optimize="optimal")
    covariance = (covariance if design is None else covariance + design) / draws
    root = where_kept(modes.kept, jnp.sqrt(modes.eigenvalues))
    scaled = (covariance * root[None, :, None, None] * root[None, None, None, :]).reshape(dimension * number, -1)
    factor = positive_factor(scaled).reshape(dimension, number, -1)
    inverse = where_kept(modes.kept, 1 / jnp.where(modes.kept, root, 1.0))
    return jnp.einsum("fk,ikr->ifr", modes.basis * inverse[None], factor)
