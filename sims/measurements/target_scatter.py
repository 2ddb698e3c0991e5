"""How much the target of denoising score matching, or the stable target field, scatters about the exact score: sampled.

Points x_0 of a data set, noise, and for every x_0 references of its own. All noise levels and numbers of references
share the draws, so that curves are smooth and areas under them have one error.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from theory.definitions.checks import whole

_TOGETHER = 8  # draws


def target_scatter(
    points: Float[Array, "m dim"],
    noise_levels: Float[Array, " levels"],
    references: Sequence[int],
    *,
    draws: int,
    key: PRNGKeyArray,
    replace: bool = False,
) -> Float[Array, "references levels"]:
    """σ² E|T - s|², T the mean of (x_k - x)/σ² over x_0 and n - 1 references by their likelihood, s the exact score.

    x = x_0 + σε. By the exact score of the points, and an average over `draws` of x_0, references and ε.

    **Arguments:** `references`, every n, with x_0 itself among them; `replace`, whether a reference may come twice and
    be x_0. **Raises** ValueError for no draws, and unless 1 ≤ n, and n ≤ m without replacement.
    """
    counts = [whole("references", number) for number in references]
    if not replace and max(counts) > len(points):
        raise ValueError(f"references must be at most the number of points, {len(points)}; got {max(counts)}")
    keys = jax.random.split(key, whole("draws", draws))
    members = _with_replacement if replace else _without_replacement

    def one(draw_key: PRNGKeyArray) -> Float[Array, "references levels"]:
        own_key, noise_key, reference_key = jax.random.split(draw_key, 3)
        own = jax.random.randint(own_key, (), 0, len(points))
        steps = points - points[own][None]
        noise = jax.random.normal(noise_key, points.shape[1:], points.dtype)
        along, squared = steps @ noise, jnp.sum(steps**2, axis=1)
        level = noise_levels[:, None].astype(points.dtype)
        odds = along[None] / level - squared[None] / (2 * level**2)
        exact = jax.nn.softmax(odds, axis=1) @ steps
        weights = members(reference_key, own, counts, len(points))

        def scatter(multiplicity: Float[Array, " m"]) -> Float[Array, " levels"]:
            target = jax.nn.softmax(odds + jnp.log(multiplicity)[None], axis=1) @ steps
            return jnp.sum((target - exact) ** 2, axis=1) / level[:, 0] ** 2

        return jnp.stack([scatter(each.astype(points.dtype)) for each in weights])

    return jnp.mean(jax.lax.map(one, keys, batch_size=_TOGETHER), axis=0)


def _without_replacement(key: PRNGKeyArray, own: Array, counts: Sequence[int], points: int) -> list[Array]:
    """One for x_0 and the n - 1 points that come first in a random order, else zero."""
    order = jax.random.uniform(key, (points,)).at[own].set(-1.0)
    rank = jnp.argsort(jnp.argsort(order))
    return [jnp.where(rank < count, 1.0, 0.0) for count in counts]


def _with_replacement(key: PRNGKeyArray, own: Array, counts: Sequence[int], points: int) -> list[Array]:
    """How often every point comes: x_0 once, and the first n - 1 of a sequence of points."""
    drawn = jax.random.randint(key, (max(counts),), 0, points)
    alone = jnp.zeros(points).at[own].set(1.0)
    return [alone.at[drawn[: count - 1]].add(1.0) for count in counts]
