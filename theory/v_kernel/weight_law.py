"""The law of trained weights over draws of the training set: its mean, and a factor of its covariance."""

import equinox as eqx
import jax.numpy as jnp
from jax.core import Tracer
from jaxtyping import Array, Bool, Float

from theory.v_kernel.feature_regression import where_kept

Number = float | Array

Weights = Float[Array, "dim F"]

WeightCovariance = Float[Array, "dim F dim F"]


class _Modes(eqx.Module):
    """The eigenmodes of Σ (of A^½ΣA^½ for a kernel with prior A): eigenvalues, basis of the features, filter."""

    eigenvalues: Float[Array, " F"]
    basis: Float[Array, "F F"]
    kept: Bool[Array, " F"]  # more than round-off; the others are excited by no sample and stay untrained
    response: Float[Array, " F"]  # what a mode of the gradient becomes in the weights: R, or (1 - e^{-lτ})/l

    def degrees_of_freedom(self) -> Float[Array, ""]:
        """df₂ = Σ_k (l_k response_k)²."""
        return jnp.sum((self.eigenvalues * self.response) ** 2)

    def resolvent(self) -> Float[Array, "F F"]:
        """The response as a matrix acting on gradients."""
        return (self.basis * self.response[None]) @ self.basis.T


@eqx.filter_jit
def _mean_weights(modes: _Modes, cross: Weights) -> Weights:
    """E[w yφᵀ] through the response of every mode."""
    return cross @ modes.resolvent()


@eqx.filter_jit
def _weight_factor(
    modes: _Modes, noise: WeightCovariance, design: WeightCovariance | None, draws: Array
) -> Float[Array, "dim F dim*F"]:
    """L with L Lᵀ = (response · noise · response + design)/draws, `noise` of the features, `design` of the modes.

    Decomposed in units of √l ω, what each mode adds to the output, so that round-off stays small against the largest
    of those. Negative eigenvalues are round-off.
    """
    dimension, number = noise.shape[:2]
    response = modes.basis * modes.response[None]
    covariance = jnp.einsum("fk,ifjg,gl->ikjl", response, noise, response, optimize="optimal")
    covariance = (covariance if design is None else covariance + design) / draws
    root = where_kept(modes.kept, jnp.sqrt(modes.eigenvalues))
    scaled = (covariance * root[None, :, None, None] * root[None, None, None, :]).reshape(dimension * number, -1)
    values, vectors = jnp.linalg.eigh((scaled + scaled.T) / 2)
    factor = (vectors * jnp.sqrt(jnp.maximum(values, 0.0))[None]).reshape(dimension, number, -1)
    inverse = where_kept(modes.kept, 1 / jnp.where(modes.kept, root, 1.0))
    return jnp.einsum("fk,ikr->ifr", modes.basis * inverse[None], factor)


def _check_choice(name: str, choice: str, choices: tuple[str, ...]) -> None:
    if choice not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}; got {choice!r}")


def _check_draws(draws: Number, number: int, *, more_than_features: bool) -> None:
    if isinstance(draws, Tracer):
        return
    if not draws >= 1:
        raise ValueError(f"a kernel needs at least one training draw; got {draws}")
    if more_than_features and not draws > number:
        raise ValueError(f"this order needs more draws than the {number} features; got {draws}")
