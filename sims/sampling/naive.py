"""The naive sampler: a probability-flow ODE whose score is that of one freshly drawn example at every step."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from sims.training.training_triples import with_array_parameters
from theory.definitions.arrays import floating
from theory.definitions.checks import check_not_negative, check_one_number
from theory.definitions.processes import AbstractProcess, process_time


def naive_sampler(
    points: Float[Array, "m dim"],
    process: AbstractProcess,
    kappa: float,
    initial: Float[Array, "n dim"],
    times: Float[Array, " times"],
    *,
    key: PRNGKeyArray,
) -> Float[Array, "n dim"]:
    """Euler's method with ŝ = s + √(κ/Δt) [s̃(x, t; x_0) - s], x_0 ~ p(x_0 | x, t) afresh (Vastola 2025, Sec. 4).

    s̃ = (αx_0 - x)/σ² is the proxy score of one example, s its posterior mean; κ = Δt is the score of the example
    alone. Every path and every step draws its own example, from the exact posterior over `points`. Returns the
    positions at the last of `times`, which run from noise to data. Raises ValueError for κ that is negative or not
    finite, and times that do not decrease or that the process does not have.
    """
    check_one_number("kappa", kappa)
    check_not_negative("kappa", kappa)
    if not np.isfinite(kappa):
        raise ValueError(f"kappa must be finite; got {kappa}")
    if times.ndim != 1 or times.shape[0] < 2 or not bool(jnp.all(jnp.diff(times) < 0)):
        raise ValueError("times must be a decreasing sequence of two or more")
    process_time("times", times, process)
    initial = floating(initial)
    strength = jnp.asarray(kappa, initial.dtype)
    return _sample(points.astype(initial.dtype), with_array_parameters(process), strength, initial, times, key)


@eqx.filter_jit
def _sample(points, process: AbstractProcess, kappa: Array, initial: Array, times: Array, key: PRNGKeyArray) -> Array:
    def step(x: Array, now: tuple[Array, Array, PRNGKeyArray]) -> tuple[Array, None]:
        time, size, step_key = now
        alpha, sigma = process.signal_scale(time), process.noise_scale(time)
        probability = _posterior(points, x, alpha, sigma)
        uniform = jax.random.uniform(step_key, x.shape[:1], x.dtype)
        drawn = points[_inverse_cumulative(probability, uniform)]
        mean = probability @ points
        fluctuation = jnp.sqrt(kappa / jnp.abs(size)) * (drawn - mean)
        score = (alpha * (mean + fluctuation) - x) / sigma**2
        return x + size * process.probability_flow(x, score, time), None

    times = times.astype(initial.dtype)
    keys = jax.random.split(key, times.shape[0] - 1)
    return jax.lax.scan(step, initial, (times[:-1], jnp.diff(times), keys))[0]


def _posterior(points: Array, x: Array, alpha: Array, sigma: Array) -> Float[Array, "n m"]:
    """p(x_0 = point | x): proportional to exp(-|x - α point|²/2σ²), without the |x|² that all points share."""
    closeness = alpha * x @ points.T - alpha**2 * jnp.sum(points**2, axis=1)[None, :] / 2
    return jax.nn.softmax(closeness / sigma**2, axis=1)


def _inverse_cumulative(probability: Float[Array, "n m"], uniform: Float[Array, " n"]) -> Array:
    """Index of the point in whose share of [0, 1) the uniform number falls."""
    return jnp.sum(uniform[:, None] >= jnp.cumsum(probability, axis=1)[:, :-1], axis=1)
