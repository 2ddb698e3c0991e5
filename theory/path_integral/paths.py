"""Paths: their types, the flow along a drift, and integrals over the time of a path."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Drift = Callable[[Array, Array], Array]

Path = Float[Array, "times dim"]

Times = Float[Array, " times"]

Positions = Float[Array, "n dim"]


def flow_path(drift: Drift, initial: Array, times: Times) -> Float[Array, "times *batch"]:
    """Positions at every time of the ODE dx/dt = v(x, t), by Heun's method through those times."""

    def step(x: Array, now: tuple[Array, Array]) -> tuple[Array, Array]:
        start, end = now
        first = drift(x, start)
        second = drift(x + (end - start) * first, end)
        after = x + (end - start) / 2 * (first + second)
        return after, after

    later = jax.lax.scan(step, initial, (times[:-1], times[1:]))[1]
    return jnp.concatenate([initial[None], later])


def trapezoid_weights(times: Times) -> Times:
    """Weights of the trapezoidal rule for ∫|dt| on the given times."""
    half = jnp.abs(jnp.diff(times)) / 2
    return jnp.pad(half, (0, 1)) + jnp.pad(half, (1, 0))
