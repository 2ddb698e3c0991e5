"""How well the stochastic target of flow matching agrees with the exact one: sampled over points of a data set."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from theory.definitions.checks import whole_arguments

_TOGETHER = 8  # draws


class TargetAgreement(NamedTuple):
    """Of every draw and noise level: the cosine of both targets, and the posterior weight of the point drawn."""

    cosine: Float[Array, "draws levels"]
    own: Float[Array, "draws levels"]


@whole_arguments("draws")
def target_agreement(
    points: Float[Array, "m dim"], noise_levels: Float[Array, " levels"], *, draws: int, key: PRNGKeyArray
) -> TargetAgreement:
    """The target u = x_1 - ε of a drawn point, and its mean û given x ∝ x_1 + ρε, at noise levels ρ.

    Under linear interpolation x = t x_1 + (1 - t)ε, ρ = (1 - t)/t. û = D - (x/t - D)/ρ with D the posterior mean of the
    points. All levels share the draws of x_1 and ε.

    **Arguments:** positive `noise_levels` ρ. **Raises** ValueError for no draws.
    """
    level = jnp.asarray(noise_levels)[:, None]

    def one(draw_key: PRNGKeyArray) -> TargetAgreement:
        own_key, noise_key = jax.random.split(draw_key)
        index = jax.random.randint(own_key, (), 0, len(points))
        noise = jax.random.normal(noise_key, points.shape[1:], points.dtype)
        # In steps from the drawn point, which lies at zero: no difference of large squares.
        steps = points - points[index][None]
        odds = (steps @ noise)[None] / level - jnp.sum(steps**2, axis=1)[None] / (2 * level**2)
        weight = jax.nn.softmax(odds, axis=1)
        mean = weight @ steps
        drawn = (points[index] - noise)[None]
        exact = drawn + mean + mean / level
        lengths = jnp.linalg.norm(drawn, axis=1) * jnp.linalg.norm(exact, axis=1)
        return TargetAgreement(jnp.sum(drawn * exact, axis=1) / lengths, weight[:, index])

    return jax.lax.map(one, jax.random.split(key, draws), batch_size=_TOGETHER)


def falling_crossing(places: Float[np.ndarray, " places"], curve: Float[np.ndarray, " places"], height: float) -> float:
    """Where a curve over rising places first falls through a height, by interpolation; NaN where it does not."""
    below = int(np.argmax(curve < height))
    if below == 0:
        return float("nan")
    return float(np.interp(-height, -curve[below - 1 : below + 1], places[below - 1 : below + 1]))
