"""The mean variance that is left of x_0 when x_t is seen, for point masses on a line or in a plane: by quadrature."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

# How far the grid reaches from each point, in standard deviations of the noise, and nodes per deviation: on a line, in
# a plane. The odds of two points change within σ²/distance of the middle between them: what is too sharp for the grid
# lies so far out that next to nothing of the noise reaches it. The trapezoidal rule is right to 1e-13 of the variance
# on a line and to 1e-11 in a plane, wherever the points are.
_GRIDS = {1: (12, 16), 2: (9, 8)}
MOST_DIRECTIONS = max(_GRIDS)


def coordinates(points: Float[Array, "m dim"]) -> Float[Array, "m directions"]:
    """The points in orthonormal coordinates of what m points in D dimensions span: min(D, m - 1) of them, two at most.

    Noise at right angles to all points says nothing of which one it was. The first axis is along the longer of the
    steps from the first point, so that derivatives are right where points coincide or lie on a line.
    """
    count, dimension = points.shape
    if count > dimension:
        return points
    steps = points - points[:1]
    longest = steps[jnp.argmax(jax.lax.stop_gradient(jnp.sum(steps**2, axis=1)))]
    length = _length(longest)
    axis = longest / jnp.where(length > 0, length, 1.0)
    along = steps @ axis
    across = _length(steps - along[:, None] * axis[None])
    return jnp.stack([along, across], axis=1)[:, : count - 1]


def _length(vectors: Float[Array, "*batch dim"]) -> Float[Array, "*batch"]:
    """With the derivative zero at zero, which is right for what depends on its square."""
    squared = jnp.sum(vectors**2, axis=-1)
    return jnp.where(squared > 0, jnp.sqrt(jnp.where(squared > 0, squared, 1.0)), 0.0)


def mean_posterior_variance(
    points: Float[Array, "m directions"], share: Float[Array, " m"], ratio: Float[Array, ""]
) -> Float[Array, ""]:
    """E tr Cov(x_0 | x_t) of points with the given shares of the mass, where α/σ has the value `ratio`.

    From deviations from the point that x_t came from: with Δ_j = p_j - p_k and x_t = αp_k + σz the odds are
    ln(share_j) - (α/σ)²|Δ_j|²/2 + (α/σ) Δ_j·z, in which nothing large cancels.
    """
    noise, weights = (jnp.asarray(part, points.dtype) for part in _grid(points.shape[1]))

    def around(own: Float[Array, " directions"]) -> Float[Array, ""]:
        steps = points - own[None]
        odds = jnp.log(share)[None] - jnp.sum((ratio * steps) ** 2, axis=1)[None] / 2 + ratio * noise @ steps.T
        posterior = jax.nn.softmax(odds, axis=1)
        mean = posterior @ steps
        spread = jnp.sum((steps[None] - mean[:, None]) ** 2, axis=-1)
        return weights @ jnp.sum(posterior * spread, axis=1)

    return share @ jax.lax.map(around, points)


def _grid(
    directions: int,
) -> tuple[Float[np.ndarray, "nodes directions"], Float[np.ndarray, " nodes"]]:
    """Nodes of the trapezoidal rule for standard normal noise, and their weights; one node where nothing is unknown."""
    if directions == 0:
        return np.zeros((1, 0)), np.ones(1)
    reach, per_deviation = _GRIDS[directions]
    axis = np.arange(-reach * per_deviation, reach * per_deviation + 1) / per_deviation
    nodes = np.stack(np.meshgrid(*[axis] * directions, indexing="ij"), axis=-1).reshape(-1, directions)
    density = np.exp(-np.sum(nodes**2, axis=1) / 2) / (2 * np.pi) ** (directions / 2)
    return nodes, density / per_deviation**directions
