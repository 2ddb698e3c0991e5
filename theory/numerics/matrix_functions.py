"""Functions of a symmetric matrix acting on vectors, with derivatives that are right where eigenvalues coincide."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

# (eigenvalues (m,), parameters) -> functions of them, (functions, ..., m).
Response = Callable[[Array, PyTree], Array]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(10)
# Lobatto's rule of six nodes. It has both ends, where e^-cx falls before the first node of Gauss's.
_CHECK_NODES = np.sqrt([1.0, (7 + 2 * np.sqrt(7)) / 21, (7 - 2 * np.sqrt(7)) / 21])
_CHECK_NODES = np.concatenate([-_CHECK_NODES, _CHECK_NODES])
_CHECK_WEIGHTS = np.tile([1 / 15, (14 - np.sqrt(7)) / 30, (14 + np.sqrt(7)) / 30], 2)


@eqx.filter_custom_jvp
def matrix_functions_action(
    matrix: Float[Array, "d d"], vectors: Float[Array, "functions d"], response: Response, parameters: PyTree
) -> Float[Array, "*batch d"]:
    """Σ_n h_n(A) b_n for a positive semi-definite A and vectors b_n, with h = `response(eigenvalues, parameters)`.

    Eigenvectors have no derivative where eigenvalues coincide (white noise, the symmetries of an image), but functions
    of the matrix do. The derivative with respect to A is that of Daleckii & Krein,

        dh(A) = V [(Vᵀ dA V) ∘ H] Vᵀ,   H_ij = [h(ν_i) - h(ν_j)]/(ν_i - ν_j),   H_ii = h'(ν_i);

    it holds for first derivatives only. `response` is a pure function of its arguments and reads every quantity that
    may be differentiated from `parameters`. Eigenvalues below zero are round-off and count as zero.
    """
    eigenvalues, basis = _eigen(matrix)
    return _combine(response(eigenvalues, parameters), basis, vectors)


@matrix_functions_action.def_jvp
def _matrix_functions_action_jvp(primals: tuple, tangents: tuple) -> tuple[Array, Array]:
    matrix, vectors, response, parameters = primals
    matrix_tangent, vectors_tangent, _, parameters_tangent = tangents
    eigenvalues, basis = _eigen(matrix)
    value, tangent = eqx.filter_jvp(
        lambda b, p: _combine(response(eigenvalues, p), basis, b),
        (vectors, parameters),
        (vectors_tangent, parameters_tangent),
    )
    if tangent is None:
        tangent = jnp.zeros_like(value)
    if matrix_tangent is not None:
        slopes = divided_differences(lambda x: response(x, parameters), eigenvalues)
        rotated = basis.T @ matrix_tangent @ basis
        tangent = tangent + jnp.einsum("n...ij,ij,nj,oi->...o", slopes, rotated, vectors @ basis, basis)
    return value, tangent


def _eigen(matrix: Float[Array, "d d"]) -> tuple[Float[Array, " d"], Float[Array, "d d"]]:
    eigenvalues, basis = jnp.linalg.eigh(matrix)
    return jnp.maximum(eigenvalues, 0.0), basis


def _combine(
    values: Float[Array, "functions *batch d"], basis: Float[Array, "d d"], vectors: Float[Array, "functions d"]
) -> Float[Array, "*batch d"]:
    return jnp.einsum("n...j,nj,oj->...o", values, vectors @ basis, basis)


def divided_differences(
    function: Callable[[Array], Array], x: Float[Array, " d"]
) -> Float[Array, "functions *batch d d"]:
    """[f(x_i) - f(x_j)]/(x_i - x_j), and f'(x_i) for i = j, for f: (m,) -> (..., m) elementwise in the last axis.

    The quotient loses ~ε|f|/|x_i - x_j| to cancellation. The mean slope ∫_0^1 f'(x_j + s(x_i - x_j)) ds by Gauss's rule
    loses nothing, but is exact only as long as f is smooth between the two; what it misses is judged by its difference
    to a rule of lower order. Each pair takes whichever has the smaller bound, so no scale of f need be known.
    """
    value = function(x)
    left, right = value[..., :, None], value[..., None, :]
    distance = x[:, None] - x[None, :]
    apart = distance != 0
    safe = jnp.where(apart, distance, 1.0).reshape((1,) * (value.ndim - 1) + distance.shape)
    lost = 8 * jnp.finfo(x.dtype).eps * jnp.maximum(jnp.abs(left), jnp.abs(right)) / jnp.abs(safe)

    def mean_slope(nodes: np.ndarray, weights: np.ndarray) -> Array:
        points = x[None, :, None] * _column(1 + nodes, x) / 2 + x[None, None, :] * _column(1 - nodes, x) / 2
        flat = points.reshape(-1)
        _, slope = jax.jvp(function, (flat,), (jnp.ones_like(flat),))
        return jnp.einsum("...qij,q->...ij", slope.reshape(*slope.shape[:-1], *points.shape), weights / 2)

    smooth = mean_slope(_NODES, _WEIGHTS)
    missed = jnp.abs(smooth - mean_slope(_CHECK_NODES, _CHECK_WEIGHTS))
    apart = apart.reshape(safe.shape)
    return jnp.where(apart & (missed > lost), (left - right) / safe, smooth)


def _column(values: np.ndarray, like: Array) -> Array:
    return jnp.asarray(values, like.dtype)[:, None, None]


def diagonal_matrix(diagonal: Float[Array, "*batch modes"]) -> Float[Array, "*batch modes modes"]:
    """(..., d) -> (..., d, d)."""
    size = diagonal.shape[-1]
    return diagonal[..., None] * jnp.broadcast_to(jnp.eye(size, dtype=diagonal.dtype), (*diagonal.shape, size))
