"""How much a score target scatters about the score, with and without references: drawn, for any points and clusters."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, PRNGKeyArray

from theory.definitions.arrays import Time, jit
from theory.definitions.checks import whole_arguments
from theory.definitions.processes import AbstractProcess, check_noisy_time, process_time
from theory.exact_scores.gaussian_mixtures import GaussianMixture
from theory.exact_scores.point_masses import PointMasses
from theory.target_noise.stable_target import stable_target

_MOST_NUMBERS = 2**22  # of draws that are answered together


class SampledVariance(NamedTuple):
    """A mean over draws and its standard error."""

    value: Time
    stderr: Time


@whole_arguments("references", draws=2)
def sampled_target_variance(
    data: PointMasses | GaussianMixture,
    process: AbstractProcess,
    t: ArrayLike,
    references: int = 1,
    replace: bool = False,
    *,
    draws: int,
    key: PRNGKeyArray,
) -> SampledVariance:
    """E |T - s|² of `target_variance`, over `draws` of x_0, of noise and of references, s the exact score.

    **Returns** the mean over draws and its standard error, `value` and `stderr`, of the shape of `t`.

    All times share the draws, so that curves are smooth and their points are not independent. Where few draws carry the
    mean (references of which hardly one is ever near) the standard error is too small as well.

    **Arguments:** process times `t` (...,), answered in the same shape; `references` n, with x_0 among them; `replace`,
    whether points are drawn with replacement (a mixture has no two draws alike); `draws`, 2, 3, …, and the random `key`
    they hang on. **Raises** ValueError for times at
    which x_t has no noise, for fewer than two draws, and for more references than points if `replace` is false.
    """
    check_noisy_time("t", t, process)
    if isinstance(data, PointMasses) and not replace and references > len(data.points):
        raise ValueError(
            f"references must be at most the number of points, {len(data.points)}, unless replace; got {references}"
        )
    time = process_time("t", t, process)
    if time.size == 0:
        return SampledVariance(time, time)
    return _sampled(data, process, time, references, bool(replace), draws, key)


@jit
def _sampled(
    data: PointMasses | GaussianMixture,
    process: AbstractProcess,
    time: Time,
    references: int,
    replace: bool,
    draws: int,
    key: PRNGKeyArray,
) -> SampledVariance:
    def squared(draw_key: PRNGKeyArray) -> Float[Array, " times"]:
        member_key, noise_key = jax.random.split(draw_key)
        members = _members(data, references, replace, member_key, time.dtype)
        noise = jax.random.normal(noise_key, members.shape[1:], time.dtype)

        def at(t: Array) -> Array:
            x = process.signal_scale(t) * members[0] + process.noise_scale(t) * noise
            difference = stable_target(members[0], x, t, process, members[1:]) - data.score(x, t, process)
            return jnp.sum(difference**2)

        return jax.vmap(at)(time.ravel())

    points, dimension = data.points.shape if isinstance(data, PointMasses) else data.means.shape
    together = max(1, _MOST_NUMBERS // (time.size * (points + references) * dimension))
    found = jax.lax.map(squared, jax.random.split(key, draws), batch_size=min(together, draws))
    stderr = jnp.std(found, axis=0, ddof=1) / math.sqrt(draws)
    return SampledVariance(jnp.mean(found, axis=0).reshape(time.shape), stderr.reshape(time.shape))


def _members(
    data: PointMasses | GaussianMixture, references: int, replace: bool, key: PRNGKeyArray, dtype: jnp.dtype
) -> Float[Array, "references dim"]:
    """x_0 and its references."""
    if isinstance(data, GaussianMixture):
        cluster_key, place_key = jax.random.split(key)
        chosen = jax.random.categorical(cluster_key, jnp.log(data.weights), shape=(references,))
        place = jax.random.normal(place_key, (references, data.means.shape[1]), dtype)
        width = jnp.sqrt(data.variances.astype(dtype))[chosen]
        return data.means.astype(dtype)[chosen] + width[:, None] * place
    count = len(data.points)
    if replace:
        chosen = jax.random.randint(key, (references,), 0, count)
    else:
        _, chosen = jax.lax.top_k(jax.random.uniform(key, (count,)), references)
    return data.points.astype(dtype)[chosen]
