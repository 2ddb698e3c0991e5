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
from theory.target_noise.target_variance import check_one_width, variance_of_mixture

_NODES = 2**14
_REACH = 10.0  # standard deviations
_PER_WIDTH = 5.0  # nodes for the distance of a pole from the line, at which the trapezoidal rule is right to 1e-13


def _check_arguments(arguments: Mapping[str, Any]) -> None:
    check_noisy_time("t", arguments["t"], arguments["process"])
    data = arguments["data"]
    if min(data.means.shape[1], len(data.means) - 1) > 1:
        raise ValueError(
            f"the tilt is known for clusters on a line, in one dimension or two of them; got {len(data.means)} in "
            f"{data.means.shape[1]} dimensions"
        )
    check_one_width("the tilt", data)


@checked_jit(_check_arguments)
def stable_target_log_tilt(data: GaussianMixture, process: AbstractProcess, t: ArrayLike) -> Time:
    """ln lim (n - 1) V_STF(n)/V_DSM, n → ∞, for round clusters of one variance on a line.

    With r = p(x|x_0)/p(x) and u the target of denoising score matching, V_STF → E r|u - s|²/(n - 1) (Xu et al. 2023;
    checked by us). It is zero where references divide the variance by n - 1, and 2I of `gaussian_information` for a
    single cluster. Across the line all is Gaussian; along it the integral is summed by the trapezoidal rule.

    **Arguments:** process times `t` (...,), answered in the same shape. **Raises** ValueError for times at which x_t
    has no noise, for clusters of different variances, and unless they lie on a line: NaN where they lie so far apart
    that the rule does not resolve the middle between them.
    """
    time = process_time("t", t, process)
    alpha, sigma = process.signal_scale(time), process.noise_scale(time)
    flat = [scale.ravel() for scale in (alpha, sigma)]
    log_mean = jax.vmap(lambda alpha, sigma: _log_weighted_variance(data, alpha, sigma))(*flat).reshape(time.shape)
    return log_mean - jnp.log(variance_of_mixture(data, alpha, sigma)) - 4 * jnp.log(sigma)


def _log_weighted_variance(data: GaussianMixture, alpha: Array, sigma: Array) -> Array:
    """ln of σ⁴ E r|u - s|²; p(x|x_0)² is a Gaussian of half the noise, so that x_0 given x and a cluster is one too."""
    means, weights = _along(data.means).astype(sigma.dtype), data.weights.astype(sigma.dtype)
    signal, across = alpha**2 * data.variances[0].astype(sigma.dtype), data.means.shape[1] - 1
    whole, half = signal + sigma**2, signal + sigma**2 / 2
    centres = alpha * means
    reach = _REACH * jnp.sqrt(2 * whole * half) / sigma
    low, high = jnp.min(centres) - reach, jnp.max(centres) + reach
    x = low + (high - low) * jnp.linspace(0.0, 1.0, _NODES, dtype=sigma.dtype)
    away, log_weights = x[:, None] - centres[None], jnp.log(weights)[None]
    log_density = log_weights - away**2 / (2 * whole) - jnp.log(2 * math.pi * whole) / 2
    log_halved = log_weights - away**2 / (2 * half) - jnp.log(2 * math.pi * half) / 2
    score = -jnp.sum(jax.nn.softmax(log_density, axis=1) * away, axis=1) / whole
    step = -away * sigma**2 / (2 * half)  # α E'[x_0 | x, cluster] - x
    own = signal * sigma**2 / (2 * half)
    ratio = jnp.exp(log_halved - jax.nn.logsumexp(log_density, axis=1, keepdims=True))
    ratio = ratio * (high - low) / (_NODES - 1) / jnp.sqrt(4 * math.pi * sigma**2)
    along = jnp.sum(ratio * ((step - sigma**2 * score[:, None]) ** 2 + own))
    total = along + jnp.sum(ratio) * across * own * (1 + signal / whole)
    # The poles of p(x) beside the middle of two clusters, and those of nothing, for one.
    widest = jnp.max(centres) - jnp.min(centres)
    resolved = (high - low) / _NODES * _PER_WIDTH * widest <= math.pi * whole
    return nan_unless(resolved, jnp.log(total) + across * jnp.log(whole / sigma**2))


def _along(means: Float[Array, "m dim"]) -> Float[Array, " m"]:
    """The means on the line through them."""
    if means.shape[1] == 1 or len(means) == 1:
        return means[:, 0] if means.shape[1] == 1 else jnp.zeros(1, means.dtype)
    return jnp.array([0.0, 1.0], means.dtype) * jnp.sqrt(jnp.sum((means[1] - means[0]) ** 2))
