"""Samples of the reverse process whose score is that of point masses, smoothed."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, PRNGKeyArray

from theory.definitions.arrays import is_traced
from theory.definitions.checks import (
    check_finite,
    check_not_negative,
    check_one_number,
    check_times,
    whole_arguments,
)


def smoothed_empirical_score(
    points: Float[Array, "m dim"],
    x: Float[Array, "n dim"],
    sigma: ArrayLike,
    shifts: Float[Array, "k dim"],
    shares: Float[Array, " k"],
) -> Float[Array, "n dim"]:
    """Σ_k share_k s(x + shift_k) with s = (E[x_0 | x] - x)/σ² the score of the points at noise level σ, α = 1.

    For points about zero: odds are products of positions, so that ln of them is off by |p|²/σ² of the precision.
    """
    # |x + shift - p|² but for what all points share: the odds of a position and of a shift add.
    # Points come first, so that sums over few of them run over long rows.
    odds = (points @ x.T - jnp.sum(points**2, axis=1)[:, None] / 2) / sigma**2
    moved = odds[:, :, None] + (points @ shifts.T / sigma**2)[:, None]
    weights = jnp.exp(moved - jnp.max(moved, axis=0)[None])
    mean = jnp.einsum("mnk,md->nkd", weights, points) / jnp.sum(weights, axis=0)[..., None]
    return (jnp.einsum("k,nkd->nd", shares, mean) - x - (shares @ shifts)[None]) / sigma**2


@whole_arguments("pairs", "count")
def smoothed_score_samples(
    points: Float[Array, "m dim"],
    noise_levels: Float[Array, " levels"],
    bandwidth: ArrayLike,
    *,
    pairs: int,
    count: int,
    key: PRNGKeyArray,
) -> Float[Array, "count dim"]:
    """Euler-Maruyama for dx = s_h dt + dW back from variance t = σ², from N(0, σ²I) at the first level.

    At every step the smoothed score s_h is the mean over fresh `pairs` of normal shifts ±hz, which all samples share.
    The last step goes to no noise and adds none: it takes the smoothed denoiser x + σ²s_h.

    **Arguments:** falling positive `noise_levels`; `bandwidth` h, one number. **Returns:** `count` samples. **Raises**
    ValueError for levels that do not fall or are not positive, a bandwidth that is negative or infinite, and numbers
    below one.
    """
    check_times(noise_levels)
    if not is_traced(noise_levels) and not (np.all(np.diff(noise_levels) < 0) and noise_levels[-1] > 0):
        raise ValueError(f"noise levels must be positive and fall; got {noise_levels}")
    check_one_number("bandwidth", bandwidth)
    check_not_negative("bandwidth", bandwidth)
    check_finite(jnp.asarray(bandwidth), f"bandwidth must be finite; got {bandwidth}")
    start_key, step_key = jax.random.split(key)
    levels = jnp.asarray(noise_levels, points.dtype)
    variances = jnp.append(levels**2, 0.0)
    last = jnp.arange(len(levels)) == len(levels) - 1
    shares = jnp.full(2 * pairs, 1 / (2 * pairs), points.dtype)

    def step(x: Array, now: tuple[Array, Array, Array, PRNGKeyArray]) -> tuple[Array, None]:
        sigma, size, added, own = now
        shift_key, noise_key = jax.random.split(own)
        drawn = bandwidth * jax.random.normal(shift_key, (pairs, x.shape[1]), x.dtype)
        score = smoothed_empirical_score(points, x, sigma, jnp.concatenate([drawn, -drawn]), shares)
        return x + size * score + added * jax.random.normal(noise_key, x.shape, x.dtype), None

    sizes = -jnp.diff(variances)
    start = levels[0] * jax.random.normal(start_key, (count, points.shape[1]), points.dtype)
    keys = jax.random.split(step_key, len(levels))
    return jax.lax.scan(step, start, (levels, sizes, jnp.where(last, 0.0, jnp.sqrt(sizes)), keys))[0]
