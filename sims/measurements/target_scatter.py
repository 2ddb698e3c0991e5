"""How much the target of denoising score matching, or the stable target field, scatters about the exact score: sampled.

Points x_0 of a data set, noise and its opposite, and for every x_0 references of its own. All noise levels and numbers
of references share the draws, so that curves are smooth and areas under them have one error.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Float, Int, PRNGKeyArray

from theory.definitions.checks import whole, whole_arguments

_TOGETHER = 8  # draws


class TargetScatter(NamedTuple):
    """σ² E|T - s|² of every number of references, and of one the same given x: what differs by chance alone."""

    scatter: Float[Array, "references levels"]
    posterior: Float[Array, " levels"]  # E tr Cov(x_0 | x)/σ²


@whole_arguments("draws")
def target_scatter(
    points: Float[Array, "m dim"],
    noise_levels: Float[Array, " levels"],
    references: Sequence[int],
    *,
    draws: int,
    key: PRNGKeyArray,
    replace: bool = False,
) -> TargetScatter:
    """σ² E|T - s|², T the mean of (x_k - x)/σ² over x_0 and n - 1 references by their likelihood, s the exact score.

    x = x_0 + σε. By the exact score of the points, and an average over `draws` of x_0, references and ±ε. For n = 1 the
    mean given x is known, tr Cov(x_0 | x)/σ², and comes with it: their difference has the mean zero.

    **Arguments:** `references`, every n, with x_0 itself among them; `replace`, whether a reference may come twice and
    be x_0. **Raises** ValueError for no draws, for noise levels that are not a sequence of positive numbers, and unless
    1 ≤ n, and n ≤ m without replacement.
    """
    counts, noise_levels = _counts(references), _levels(noise_levels)
    if not replace and max(counts) > len(points):
        raise ValueError(f"references must be at most the number of points, {len(points)}; got {max(counts)}")
    keys = jax.random.split(key, draws)
    choose = _with_replacement if replace else _without_replacement

    def one(draw_key: PRNGKeyArray) -> TargetScatter:
        own_key, noise_key, reference_key = jax.random.split(draw_key, 3)
        own = jax.random.randint(own_key, (), 0, len(points))
        members = choose(reference_key, own, max(counts), len(points))
        noise = jax.random.normal(noise_key, points.shape[1:], points.dtype)
        pair = [_scatter(points - points[own][None], sign * noise, noise_levels, members, counts) for sign in (1, -1)]
        return jax.tree.map(lambda first, second: (first + second) / 2, *pair)

    return jax.tree.map(lambda each: jnp.mean(each, axis=0), jax.lax.map(one, keys, batch_size=_TOGETHER))


@whole_arguments("draws")
def fresh_target_scatter(
    sample: Callable[[PRNGKeyArray, int], Float[Array, "n dim"]],
    score: Callable[[Float[Array, "levels dim"], Float[Array, " levels"]], Float[Array, "levels dim"]],
    noise_levels: Float[Array, " levels"],
    references: Sequence[int],
    *,
    draws: int,
    key: PRNGKeyArray,
) -> Float[Array, "references levels"]:
    """σ² E|T - s|² of `target_scatter` for data without end: x_0 and its references are drawn anew every time.

    **Arguments:** `sample(key, n)`, independent points of the data; `score(x, σ)`, the exact score of x = x_0 + σε;
    `references`, every n, with x_0 itself among them. **Raises** ValueError for no draws, for noise levels that are not
    a sequence of positive numbers, and unless 1 ≤ n.
    """
    counts, level = _counts(references), _levels(noise_levels)[:, None]

    def one(draw_key: PRNGKeyArray) -> Float[Array, "references levels"]:
        member_key, noise_key = jax.random.split(draw_key)
        members = sample(member_key, max(counts))
        steps = members - members[:1]
        squared = jnp.sum(steps**2, axis=1)
        noise = jax.random.normal(noise_key, members.shape[1:], members.dtype)
        odds = (steps @ noise)[None] / level - squared[None] / (2 * level**2)
        exact = score(members[:1] + level * noise[None], level[:, 0])

        def scatter(count: int) -> Float[Array, " levels"]:
            step = jax.nn.softmax(odds[:, :count], axis=1) @ steps[:count]
            target = (step / level - noise[None]) / level
            return jnp.sum((target - exact) ** 2, axis=1) * level[:, 0] ** 2

        return jnp.stack([scatter(count) for count in counts])

    return jnp.mean(jax.lax.map(one, jax.random.split(key, draws), batch_size=_TOGETHER), axis=0)


def _counts(references: Sequence[int]) -> list[int]:
    """Every number of references. Raises ValueError unless they are a sequence of one or more whole numbers."""
    if np.ndim(references) != 1 or len(references) == 0:
        raise ValueError(f"references must be a sequence of one or more; got {references}")
    return [whole("references", number) for number in references]


def _levels(noise_levels: ArrayLike) -> Float[Array, " levels"]:
    """Noise levels as they are given. Raises ValueError for another shape, and unless known ones are positive."""
    levels = jnp.asarray(noise_levels)
    if levels.ndim != 1:
        raise ValueError(f"noise levels must be a sequence; got shape {levels.shape}")
    if not isinstance(levels, Tracer) and not np.all((np.asarray(levels) > 0) & np.isfinite(np.asarray(levels))):
        raise ValueError(f"noise levels must be positive and finite; got {levels}")
    return levels


def _scatter(
    steps: Float[Array, "m dim"],
    noise: Float[Array, " dim"],
    noise_levels: Float[Array, " levels"],
    members: Int[Array, " most"],
    counts: Sequence[int],
) -> TargetScatter:
    """Of one x_0, in steps from it: it lies at zero."""
    squared = jnp.sum(steps**2, axis=1)
    level = noise_levels[:, None].astype(steps.dtype)
    odds = (steps @ noise)[None] / level - squared[None] / (2 * level**2)
    weights = jax.nn.softmax(odds, axis=1)
    exact = weights @ steps

    def scatter(chosen: Int[Array, " n"]) -> Float[Array, " levels"]:
        target = jax.nn.softmax(odds[:, chosen], axis=1) @ steps[chosen]
        return jnp.sum((target - exact) ** 2, axis=1) / level[:, 0] ** 2

    posterior = (weights @ squared - jnp.sum(exact**2, axis=1)) / level[:, 0] ** 2
    return TargetScatter(jnp.stack([scatter(members[:count]) for count in counts]), posterior)


def _without_replacement(key: PRNGKeyArray, own: Array, most: int, points: int) -> Int[Array, " most"]:
    """x_0, and the points that come first in a random order of the others."""
    return jnp.argsort(jax.random.uniform(key, (points,)).at[own].set(-1.0))[:most]


def _with_replacement(key: PRNGKeyArray, own: Array, most: int, points: int) -> Int[Array, " most"]:
    """x_0, and points that are drawn one by one."""
    return jax.random.randint(key, (most,), 0, points).at[0].set(own)
