"""Solvers of the probability-flow ODE: Euler and Heun on a given schedule, and adaptive to a tolerance."""

from collections.abc import Callable

import diffrax
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.definitions.arrays import Scalar, floating, jit
from theory.definitions.checks import check_finite, check_times, nan_unless, positive, whole_arguments
from theory.definitions.processes import AbstractProcess

# drift(index, time, x): `index` is the position of `time` in the schedule, for networks trained one per level.
Drift = Callable[[Array, Array, Array], Array]


def euler(drift: Drift, x: Array, times: Float[Array, " times"]) -> Array:
    """Euler's method: x_{i+1} = x_i + h f(t_i, x_i), in the precision of x.

    Raises ValueError for times that are not monotone.
    """
    check_times(times)

    def step(x: Array, index: Array) -> tuple[Array, None]:
        size = (times[index + 1] - times[index]).astype(x.dtype)
        return x + size * drift(index, times[index].astype(x.dtype), x).astype(x.dtype), None

    return jax.lax.scan(step, floating(x), jnp.arange(times.shape[0] - 1))[0]


def heun(drift: Drift, x: Array, times: Float[Array, " times"]) -> Array:
    """Heun's method: the average of the drifts at both ends of each step, the far one at the Euler prediction.

    In the precision of x. Raises ValueError for times that are not monotone.
    """
    check_times(times)

    def step(x: Array, index: Array) -> tuple[Array, None]:
        size = (times[index + 1] - times[index]).astype(x.dtype)
        first = drift(index, times[index].astype(x.dtype), x).astype(x.dtype)
        second = drift(index + 1, times[index + 1].astype(x.dtype), x + size * first).astype(x.dtype)
        return x + size / 2 * (first + second), None

    return jax.lax.scan(step, floating(x), jnp.arange(times.shape[0] - 1))[0]


@whole_arguments("max_steps")
def adaptive(drift: Drift, x: Array, process: AbstractProcess, *, tolerance: float, max_steps: int = 100_000) -> Array:
    """Dormand-Prince 5(4) from the process's start to its end, relative and absolute error `tolerance` per step.

    `drift` receives a zero index: it must depend on time alone. Raises ValueError for a tolerance that is not positive
    and finite, and when `max_steps` do not suffice, as for a drift that is not finite: NaN where something is traced.
    """
    positive("tolerance", tolerance)
    end = _adaptive(drift, x, process, tolerance, max_steps)
    check_finite(end, f"{max_steps} steps must suffice for the tolerance {tolerance}; give it more of them")
    return end


@jit
def _adaptive(drift: Drift, x: Array, process: AbstractProcess, tolerance: Scalar, max_steps: int) -> Array:
    term = diffrax.ODETerm(lambda time, x, _: drift(jnp.zeros((), int), jnp.asarray(time), x))
    controller = diffrax.PIDController(rtol=tolerance, atol=tolerance)
    solution = diffrax.diffeqsolve(
        term,
        diffrax.Dopri5(),
        process.start_time,
        process.end_time,
        None,
        x,
        stepsize_controller=controller,
        saveat=diffrax.SaveAt(t1=True),
        max_steps=max_steps,
        # To raise it would call Python from the program, which then is never taken from the compilation cache.
        throw=False,
    )
    assert solution.ys is not None
    return nan_unless(solution.result == diffrax.RESULTS.successful, solution.ys[0])
