"""Minima of smooth functions of few variables, with derivatives by the implicit function theorem."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

_MOST_STEPS = 300
_LONGEST_STEP = 1.0  # of one variable
_DAMPING = (1e-12, 1e12)


class _Descent(NamedTuple):
    x: Float[Array, " n"]
    value: Float[Array, ""]
    slope: Float[Array, " n"]
    hessian: Float[Array, "n n"]
    damping: Float[Array, ""]  # added to every curvature, in units of the largest
    promised: Float[Array, ""]  # by the last step, of the value
    steps: Array


def minimum(
    function: Callable[[Float[Array, " n"]], Float[Array, ""]], start: Float[Array, " n"]
) -> Float[Array, " n"]:
    """A local minimum of a function that is positive, of variables of order one, by Newton's method from `start`.

    A step is -(|H| + μ)⁻¹ ∇f, |H| the Hessian with its eigenvalues by their size, so that it descends where H is not
    positive too; it moves no variable by more than one, and the damping μ grows while steps lead uphill. Ends when a
    step promises less than the round-off of the value.

    Whatever `function` has closed over may be differentiated once, in forward and reverse mode: one more step, with the
    Hessian held, carries dx = -H⁻¹ d∇f. `start` has no derivative. NaN where f is not finite at `start`.
    """
    precision = jnp.finfo(start.dtype).eps
    gradient = jax.grad(function)

    def evaluated(x: Array) -> tuple[Array, Array, Array]:
        value, slope = jax.value_and_grad(function)(x)
        return value, slope, jax.jacfwd(gradient)(x)

    def better(state: _Descent) -> _Descent:
        curvature, axes = jnp.linalg.eigh(state.hessian)
        curvature, along = jnp.abs(curvature), axes.T @ state.slope
        along_step = along / (curvature + state.damping * jnp.max(curvature))
        step = axes @ along_step
        x = state.x - step / jnp.maximum(1.0, jnp.max(jnp.abs(step)) / _LONGEST_STEP)
        value, slope, hessian = evaluated(x)
        # At the bottom values are equal but for round-off, and a step may seem to climb.
        fine = value <= state.value * (1 + 4 * precision)
        damping = jnp.where(fine, state.damping / 16, jnp.maximum(16 * state.damping, 1e-3))
        promised = jnp.where(state.steps > 0, along @ along_step / state.value, jnp.inf)
        there = _Descent(x, value, slope, hessian, damping, promised, state.steps)
        kept = jax.tree.map(lambda new, old: jnp.where(fine, new, old), there, state)
        return kept._replace(damping=jnp.clip(damping, *_DAMPING), promised=promised, steps=state.steps + 1)

    def unfinished(state: _Descent) -> Array:
        return (state.promised > precision) & (state.steps < _MOST_STEPS) & (state.damping < _DAMPING[1])

    # The first round stays where it is and looks around.
    infinite = jnp.asarray(jnp.inf, start.dtype)
    flat, level = jnp.zeros_like(start), jnp.eye(start.size, dtype=start.dtype)
    damping = jnp.asarray(_DAMPING[0], start.dtype)
    begin = _Descent(start, infinite, flat, level, damping, infinite, jnp.zeros((), int))
    found = jax.lax.stop_gradient(jax.lax.while_loop(unfinished, better, jax.lax.stop_gradient(begin)))
    # Directions without curvature, in which nothing changes, are left alone.
    inverse = jax.lax.stop_gradient(jnp.linalg.pinv(found.hessian, hermitian=True))
    moved = found.x - inverse @ gradient(found.x)
    return jnp.where(jnp.isfinite(found.value), moved, jnp.nan)
