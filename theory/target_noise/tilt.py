"""How far many references are from dividing the variance of the target by their number: round clusters on a line."""

import math
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from theory.definitions.arrays import Time
from theory.definitions.checks import checked_jit, nan_unless
from theory.definitions.processes import AbstractProcess, check_noisy_time, process_time
from theory.exact_scores.gaussian_mixtures import GaussianMixture
from theory.exact_scores.posterior_variance import coordinates
from theory.target_noise.target_variance import check_one_width, posterior_variance_of_mixture

_NODES = 2**14
_REACH = 10.0  # standard deviations
_PER_WIDTH = 5.0  # nodes for the distance of a pole from the line, at which the trapezoidal rule is right to 1e-13
_LEAST = 1e-12  # of the square of the clusters' distance: the variance without references, right to 1e-7 above it


def _check_arguments(arguments: Mapping[str, Any]) -> None:
    check_noisy_time("t", arguments["t"], arguments["process"])
    data = arguments["data"]
    if min(data.means.shape[1], len(data.means) - 1) > 1:
        raise ValueError(
            f"clusters must be on a line, in one dimension or two of them, for the tilt; got {len(data.means)} in "
            f"{data.means.shape[1]} dimensions"
        )
    check_one_width("the tilt", data)


@checked_jit(_check_arguments)
def stable_target_log_tilt(data: GaussianMixture, process: AbstractProcess, t: ArrayLike) -> Time:
    """ln lim (n - 1) V_STF(n)/V_DSM, n → ∞, for round clusters of one variance on a line.

    With r = p(x|x_0)/p(x) and u the target of denoising score matching, V_STF → E r|u - s|²/(n - 1) (Xu et al. 2023;
    checked by us). It is zero where references divide the variance by n - 1, and 2I of `gaussian_information` for a
    single cluster, and for clusters without width at one place, of which nothing is unknown. Across the line all is
    Gaussian; along it the integral is summed by the trapezoidal rule.

    **Arguments:** process times `t` (...,), answered in the same shape. **Raises** ValueError for times at which x_t
    has no noise, for clusters of different variances, and unless they lie on a line: NaN where they lie so far apart
    that the rule does not resolve the middle between them, or that x_t tells them apart but for 1e-12 of the square of
    their distance. Elsewhere right to 1e-7.
    """
    time = process_time("t", t, process)
    scales = [scale.ravel() for scale in (process.signal_scale(time), process.noise_scale(time))]
    return jax.lax.map(lambda scales: _log_tilt(data, *scales), scales).reshape(time.shape)


def _log_tilt(data: GaussianMixture, alpha: Array, sigma: Array) -> Array:
    """ln of E r|u - s|² over V_DSM, both without their common factor, for one noise level.

    p(x|x_0)² is a Gaussian of half the noise, so that x_0 given x and a cluster is one too. Places are in units of the
    width √s of x_t in a cluster, and b = σ²/s. No two large numbers are taken from each other: N(half)/N(whole) is one
    Gaussian, and the step from E[x_0 | x] to the mean of a cluster at half the noise is b times what is written.
    """
    means, weights, variance = (part.astype(sigma.dtype) for part in (_along(data), data.weights, data.variances[0]))
    total = alpha**2 * variance + sigma**2
    noise, width, across = sigma**2 / total, jnp.sqrt(total), data.means.shape[1] - 1
    half, centres = 1 - noise / 2, alpha * means / width
    reach = _REACH * jnp.sqrt(2 * half / noise)
    low, high = jnp.min(centres) - reach, jnp.max(centres) + reach
    x = (low + (high - low) * jnp.linspace(0.0, 1.0, _NODES, dtype=sigma.dtype))[:, None]
    spacing = (high - low) / (_NODES - 1)
    odds = jnp.log(weights)[None] + centres[None] * (x - centres[None] / 2)
    posterior, away = jax.nn.softmax(odds, axis=1), x - centres[None]
    # From the likeliest mean, so that nothing is lost where the others are hardly possible.
    offset = means[None] - means[jnp.argmax(odds, axis=1)][:, None]
    step = offset - jnp.sum(posterior * offset, axis=1, keepdims=True)
    step = step + alpha * variance / (2 * half * width) * away
    ratio = posterior * jnp.exp(-noise * away**2 / (4 * half)) * spacing / jnp.sqrt(4 * math.pi * half * noise)
    own = variance / (2 * half)
    weighted = jnp.sum(ratio * (noise * step**2 + own)) + jnp.sum(ratio) * across * own * (2 - noise)
    plain = posterior_variance_of_mixture(data, alpha, sigma) / noise
    # The poles of p(x) beside the middle of two clusters, and those of nothing, for one.
    resolved = spacing * _PER_WIDTH * (jnp.max(centres) - jnp.min(centres)) <= math.pi
    widest = jnp.max(means) - jnp.min(means)
    known = plain >= _LEAST * noise * widest**2
    certain = plain == 0  # x_0 needs no x_t to be known: the limit is that of little to know
    ends = [jnp.log(jnp.where(certain, 1.0, value)) for value in (weighted, plain)]
    return nan_unless(resolved & known, ends[0] - ends[1] - across * jnp.where(certain, 0.0, jnp.log(noise)))


def _along(data: GaussianMixture) -> Float[Array, " m"]:
    """The means on the line through them, from the first."""
    along = coordinates(data.means)
    return along[:, 0] - along[0, 0] if along.shape[1] else jnp.zeros(1, along.dtype)
