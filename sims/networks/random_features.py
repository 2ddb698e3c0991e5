"""Random features f(Wx/√d) of noisy points, averaged over the noise without sampling it."""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from theory.definitions.checks import whole_arguments

Activation = Callable[[Array], Array]

_TOGETHER = 128  # points
_NODES = 64
_POINT_ORDERS = 10
_POPULATION_ORDERS = 40  # two features of fresh data are correlated as their weights are: |c| < .9 in 10 dimensions


class FeatureAverages(NamedTuple):
    """Averages over points and noise, and what their series leave out."""

    second: Float[Array, "p p"]  # E[f fᵀ]
    cross: Float[Array, "p d"]  # E[f ξᵀ]
    left_out: Float[Array, ""]  # of E f²: an element i ≠ j lacks at most this times |c_ij|^orders


@whole_arguments("orders")
def feature_averages(
    weights: Float[Array, "p d"],
    points: Float[Array, "n d"],
    alpha: ArrayLike,
    sigma: ArrayLike,
    activation: Activation = jnp.tanh,
    orders: int = _POINT_ORDERS,
) -> FeatureAverages:
    """U = (1/n) Σ_ν E_ξ[f fᵀ] and V = (1/n) Σ_ν E_ξ[f ξᵀ] of f(W(αx_ν + σξ)/√d), with ξ standard normal.

    Features i and j of one point are functions of two normal numbers whose correlation is that of their weights, c_ij =
    w_i·w_j/|w_i||w_j|. With h_k = E_v[f(αw_i·x/√d + σ|w_i|v/√d) He_k(v)]/√k! by Gauss-Hermite quadrature,

        E_ξ[f_i f_j] = Σ_k c_ij^k h_k,i h_k,j   and   E_ξ[f_i ξ] = h_1,i w_i/|w_i|.

    The diagonal is E_v f² itself. In float64 if the arguments are.

    **Arguments:** `weights` W; `points` x_ν as rows; scales α and σ; `activation` f, element by element; `orders` k of
    the series, from zero. **Raises** ValueError for weights of another dimension than the points, and for no orders.
    """
    if weights.shape[1] != points.shape[1]:
        raise ValueError(f"weights and points must have one dimension; got {weights.shape} and {points.shape}")
    count = len(points)
    missing = -count % min(_TOGETHER, count)
    shares = jnp.concatenate([jnp.full(count, 1 / count), jnp.zeros(missing)]).astype(weights.dtype)
    padded = jnp.concatenate([points, jnp.zeros((missing, points.shape[1]), points.dtype)])
    return _averages(weights, padded, shares, jnp.asarray(alpha), jnp.asarray(sigma), activation, orders)


def population_averages(
    weights: Float[Array, "p d"],
    variance: Float[Array, " d"],
    alpha: ArrayLike,
    sigma: ArrayLike,
    activation: Activation = jnp.tanh,
) -> FeatureAverages:
    """Ũ = E[f fᵀ] and Ṽ = E[f ξᵀ] over fresh points of N(0, diag λ) too: `feature_averages` of noise alone.

    x = αx_0 + σξ has the variances c = α²λ + σ² and E[f ξᵀ] = σ E[f (x/√c)ᵀ]/√c. **Arguments:** `variance` λ, others as
    there. **Raises** ValueError as it.
    """
    scale = jnp.sqrt(jnp.asarray(alpha) ** 2 * variance + jnp.asarray(sigma) ** 2)
    origin = jnp.zeros((1, weights.shape[1]), weights.dtype)
    whole = feature_averages(weights * scale[None], origin, 1.0, 1.0, activation, _POPULATION_ORDERS)
    return whole._replace(cross=whole.cross * (sigma / scale)[None])


@eqx.filter_jit
def _averages(
    weights: Array, points: Array, shares: Array, alpha: Array, sigma: Array, activation: Activation, orders: int
) -> FeatureAverages:
    dimension, dtype = weights.shape[1], weights.dtype
    lengths = jnp.linalg.norm(weights, axis=1)
    directions = weights / lengths[:, None]
    correlation = directions @ directions.T
    nodes, node_weights = (jnp.asarray(each, dtype) for each in _rule())
    hermite = jnp.asarray(_hermite(orders), dtype)
    together = min(_TOGETHER, len(points))
    blocks = points.reshape(-1, together, points.shape[1]), shares.reshape(-1, together)

    def add(total: tuple[Array, ...], block: tuple[Array, Array]) -> tuple[tuple[Array, ...], None]:
        second, slope, square, kept = total
        own, share = block
        centre = alpha * weights @ own.T / jnp.sqrt(dimension)
        spread = (sigma * lengths / jnp.sqrt(dimension))[:, None]

        def at_node(sums: tuple[Array, Array], node: tuple[Array, Array, Array]) -> tuple[tuple[Array, Array], None]:
            place, weight, polynomials = node
            value = activation(centre + spread * place)
            moments = sums[0] + (weight * polynomials)[:, None, None] * value[None]
            return (moments, sums[1] + weight * value**2), None

        empty = jnp.zeros((orders, *centre.shape), dtype), jnp.zeros_like(centre)
        (moments, squares), _ = jax.lax.scan(at_node, empty, (nodes, node_weights, hermite.T))

        def of_order(sums: tuple[Array, Array], moment: Array) -> tuple[tuple[Array, Array], None]:
            return (sums[0] + sums[1] * ((moment * share[None]) @ moment.T), sums[1] * correlation), None

        second, _ = jax.lax.scan(of_order, (second, jnp.ones_like(correlation)), moments)[0]
        slope = slope + (moments[1] @ share if orders > 1 else 0.0)
        return (second, slope, square + squares @ share, kept + jnp.sum(moments**2, axis=0) @ share), None

    nothing = jnp.zeros(len(weights), dtype)
    second, slope, square, kept = jax.lax.scan(add, (jnp.zeros_like(correlation), nothing, nothing, nothing), blocks)[0]
    diagonal = jnp.diag_indices(len(weights))
    second = second.at[diagonal].set(square)
    return FeatureAverages(second, slope[:, None] * directions, jnp.max(jnp.abs(square - kept)))


def _rule() -> tuple[np.ndarray, np.ndarray]:
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    return nodes, weights / weights.sum()


def _hermite(orders: int) -> Float[np.ndarray, "orders nodes"]:
    """He_k(v)/√k! at the nodes."""
    nodes, _ = _rule()
    values = [np.ones_like(nodes), nodes]
    for order in range(2, orders):
        values.append((nodes * values[-1] - np.sqrt(order - 1) * values[-2]) / np.sqrt(order))
    return np.stack(values[:orders])
