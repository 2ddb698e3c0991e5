"""Modes of a linear regression: the spectrum of E[w φφᵀ], and how training answers a gradient along each mode."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float


def moment_spectrum(matrix: Float[Array, "F F"]) -> tuple[Array, Array, Array]:
    """Eigenvalues and eigenvectors of a covariance, and which of them are more than round-off."""
    values, vectors = jnp.linalg.eigh(matrix)
    values = jnp.maximum(values, 0.0)
    return values, vectors, values > values.size * jnp.finfo(values.dtype).eps * values[-1]


def where_kept(kept: Array, values: Array) -> Array:
    """Zero for modes that are round-off: no sample excites them."""
    return jnp.where(jnp.broadcast_to(kept, values.shape), values, 0.0)


class Modes(eqx.Module):
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
