"""Modes of a linear regression: the spectrum of E[w φφᵀ], and how training answers a gradient along each mode."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.core import Tracer
from jaxtyping import Array, Bool, Float

_MOST_LOST = 2e-3


def moment_spectrum(matrix: Float[Array, "F F"]) -> tuple[Array, Array, Array]:
    """Eigenvalues and eigenvectors of a covariance, and which of them are more than round-off."""
    values, vectors = jnp.linalg.eigh(matrix)
    values = jnp.maximum(values, 0.0)
    return values, vectors, values > values.size * jnp.finfo(values.dtype).eps * values[-1]


def trusted(matrix: Float[Array, "F F"], largest_response: Callable[[Array], Array]) -> Array:
    """1 where the precision of E[w φφᵀ] = `matrix` gives V to one per cent, else NaN.

    `largest_response` is that of the smallest eigenvalue, 1/(l + ξ) say. Round-off in the gradient of the largest mode
    comes out multiplied by it: 2e-3 of that product left V right to 4e-3 for all features tried. In double precision
    the products that matter are far smaller. Raises ValueError in place of NaN where there are values to see.
    """
    if matrix.dtype == jnp.float64:
        return jnp.ones((), matrix.dtype)
    values = jnp.linalg.eigvalsh(matrix)
    lost = jnp.finfo(matrix.dtype).eps * values[-1] * largest_response(jnp.maximum(values[0], 0.0))
    if not isinstance(lost, Tracer) and not lost <= _MOST_LOST:
        raise ValueError(
            "features as alike as these need a larger ridge, less training time, or 64-bit numbers, "
            f"jax.config.update('jax_enable_x64', True) before any array is made; got {matrix.dtype}"
        )
    return jnp.where(lost <= _MOST_LOST, 1.0, jnp.nan).astype(matrix.dtype)


def where_kept(kept: Array, values: Array) -> Array:
    """Zero for modes that are round-off: no sample excites them."""
    return jnp.where(jnp.broadcast_to(kept, values.shape), values, 0.0)


def resolvent_modes(matrix: Float[Array, "F F"], ridge: Array, kept_modes: tuple[Array, Array, Array]) -> "Modes":
    """Modes that respond by R = (Σ + κ)⁻¹, κ = `ridge`; `kept_modes` is the `moment_spectrum` of Σ = `matrix`.

    Eigenvectors have no derivative where eigenvalues coincide, but R has: dR = -R dΣ R - R dκ R. In the basis at hand,
    held fixed, its elements off the diagonal are -r_k (dΣ)_kl r_l. First derivatives only.
    """
    eigenvalues, basis, kept = kept_modes
    basis = jax.lax.stop_gradient(basis)
    response = where_kept(kept, 1 / jnp.where(kept, eigenvalues + ridge, 1.0))
    fixed = jax.lax.stop_gradient(response)
    # Zero in value: what is left of Σ in its own basis once its value is taken away is its derivative.
    turned = basis.T @ matrix @ basis
    turned = (turned - jax.lax.stop_gradient(turned)) * (1 - jnp.eye(fixed.size, dtype=fixed.dtype))
    filtered = basis * response[None] - basis @ (fixed[:, None] * turned * fixed[None])
    return Modes(eigenvalues, basis, kept, response, filtered)


@jax.custom_jvp
def positive_factor(matrix: Float[Array, "n n"]) -> Float[Array, "n n"]:
    """L = V √ν with L Lᵀ the positive semi-definite `matrix`; eigenvalues ν below zero are round-off.

    Derivatives are those of a factor that need not be made of eigenvectors any more: only L Lᵀ has any, and they are
    right also where eigenvalues coincide or vanish. First derivatives only.
    """
    values, vectors = jnp.linalg.eigh((matrix + matrix.T) / 2)
    return vectors * jnp.sqrt(jnp.maximum(values, 0.0))[None]


@positive_factor.defjvp
def _positive_factor_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    # dL Lᵀ + L dLᵀ = dC is solved by dL = (dC - P dC P/2) V ν^-½ on the range of C, P its projector.
    factor = positive_factor(*primals)
    values = jnp.sum(factor**2, axis=0)
    present = values > values.size * jnp.finfo(values.dtype).eps * jnp.max(values)
    vectors = factor * where_kept(present, 1 / jnp.sqrt(jnp.where(present, values, 1.0)))[None]
    pushed = (tangents[0] + tangents[0].T) / 2 @ vectors
    pushed = pushed - vectors @ (vectors.T @ pushed) / 2
    return factor, pushed * where_kept(present, 1 / jnp.sqrt(jnp.where(present, values, 1.0)))[None]


class Modes(eqx.Module):
    """The eigenmodes of Σ (of A^½ΣA^½ for a kernel with prior A): eigenvalues, basis of the features, filter."""

    eigenvalues: Float[Array, " F"]
    basis: Float[Array, "F F"]
    kept: Bool[Array, " F"]  # more than round-off; the others are excited by no sample and stay untrained
    response: Float[Array, " F"]  # what a mode of the gradient becomes in the weights: R, or (1 - e^{-lτ})/l
    filtered: Float[Array, "F F"]  # basis · diag(response), with the derivatives that the response as a matrix has

    def degrees_of_freedom(self) -> Float[Array, ""]:
        """df₂ = Σ_k (l_k response_k)²."""
        return jnp.sum((self.eigenvalues * self.response) ** 2)

    def resolvent(self) -> Float[Array, "F F"]:
        """The response as a matrix acting on gradients."""
        return self.filtered @ self.basis.T
