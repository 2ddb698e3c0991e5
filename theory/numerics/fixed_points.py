"""Fixed points of contractions, with derivatives by the implicit function theorem."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array

Step = Callable[[Array], Array]

_HISTORY = 5
_MOST_STEPS = 300
_TOLERANCE = 1e-5
_TANGENT_TOLERANCE = 1e-7  # derivatives are as accurate as the point that they are taken at; this adds nothing to it


def fixed_point(step: Step, start: Array, *, tangent_step: Step | None = None) -> Array:
    """x = g(x), g = `step`, by Anderson's method from `start`, to a relative residual of 1e-5 in the root mean square.

    Whatever `step` has closed over may be differentiated, in forward and reverse mode: dx solves dx = (∂g/∂x) dx + dg,
    a fixed point of its own, by the same method to 1e-7. Nothing of the iteration is stored, and `start` has no
    derivative. The derivatives are those of `tangent_step` where it is given: the same function in a form whose
    derivative is right where that of `step` is not.

    NaN throughout when 300 steps do not suffice.
    """
    slope = step if tangent_step is None else tangent_step

    def solve(_, start: Array) -> Array:
        return _anderson(step, start, _TOLERANCE)

    def solve_tangent(linear: Step, right: Array) -> Array:
        # `linear` is ∂g/∂x - 1 or its transpose; linear(y) = b is y = (y + linear(y)) - b.
        tolerance = max(_TANGENT_TOLERANCE, 30 * float(jnp.finfo(right.dtype).eps))

        def solved(matvec: Step, right: Array) -> Array:
            return _anderson(lambda y: y + matvec(y) - right, jnp.zeros_like(right), tolerance)

        return jax.lax.custom_linear_solve(linear, right, solved, transpose_solve=solved)

    return jax.lax.custom_root(lambda x: slope(x) - x, start, solve, solve_tangent)


def _anderson(step: Step, start: Array, tolerance: float) -> Array:
    """Of the last few steps, the combination whose residuals cancel best."""

    def better(state: tuple[Array, Array, Array, Array, Array]) -> tuple[Array, Array, Array, Array, Array]:
        count, x, arrivals, residuals, _ = state
        arrival = step(x)
        slot = count % _HISTORY
        arrivals = arrivals.at[slot].set(arrival.ravel())
        residuals = residuals.at[slot].set((arrival - x).ravel())
        gram = residuals @ residuals.T
        largest = jnp.max(jnp.diagonal(gram))
        # Empty places of the history get no share; the ridge bounds the shares of nearly parallel residuals.
        empty = jnp.arange(_HISTORY) > count
        gram = gram / jnp.where(largest > 0, largest, 1.0) + jnp.diag(jnp.where(empty, 1e12, 1e-12))
        share = jnp.linalg.solve(gram, jnp.ones(_HISTORY, gram.dtype))
        error = jnp.sqrt(jnp.mean((arrival - x) ** 2) / jnp.maximum(jnp.mean(arrival**2), 1e-300))
        return count + 1, (share / jnp.sum(share) @ arrivals).reshape(x.shape), arrivals, residuals, error

    def unfinished(state: tuple[Array, Array, Array, Array, Array]) -> Array:
        return (state[4] > tolerance) & (state[0] < _MOST_STEPS)

    empty = jnp.zeros((_HISTORY, start.size), start.dtype)
    begin = (jnp.zeros((), int), start, empty, empty, jnp.asarray(jnp.inf, start.dtype))
    count, x, _, _, error = jax.lax.while_loop(unfinished, better, begin)
    return jnp.where(error <= tolerance, x, jnp.nan)
