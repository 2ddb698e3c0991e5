"""Solvers of the probability-flow ODE: Euler and Heun on a given schedule, and adaptive to a tolerance."""

from collections.abc import Callable
from typing import NamedTuple

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.processes import AbstractProcess

# drift(index, time, x): `index` is the position of `time` in the schedule, for networks trained one per level.
Drift = Callable[[Array, Array, Array], Array]


def edm_schedule(sigma_min: float, sigma_max: float, levels: int, rho: float = 7.0) -> Float[Array, " levels"]:
    """Noise levels from sigma_max down to sigma_min, equally spaced in σ^{1/ρ} (Karras et al. 2022, Eq. 5).

    Raises ValueError for fewer than two levels or sigma_min ≥ sigma_max.
    """
    if levels < 2 or not 0 < sigma_min < sigma_max:
        raise ValueError(
            f"a schedule needs two levels or more and 0 < sigma_min < sigma_max; got {levels} levels from "
            f"{sigma_max} to {sigma_min}"
        )
    return jnp.linspace(sigma_max ** (1 / rho), sigma_min ** (1 / rho), levels) ** rho


def log_snr_schedule(process: AbstractProcess, steps: int) -> Float[Array, " times"]:
    """steps + 1 times from the process's start to its end, equally spaced in log signal-to-noise ratio.

    Raises ValueError for a process whose ratio is infinite at an end (flow matching).
    """
    times, usable = _log_snr_times(process, steps)
    if not usable:
        raise ValueError("this process has an infinite log signal-to-noise ratio where sampling starts or ends")
    return times


@eqx.filter_jit
def _log_snr_times(process: AbstractProcess, steps: int) -> tuple[Float[Array, " times"], Array]:
    """The times, and whether the process has a finite ratio at both ends."""
    ends = jnp.asarray([process.start_time, process.end_time], dtype=float)
    first, last = process.log_snr(ends)
    times = process.time_from_log_snr(jnp.linspace(first, last, steps + 1))
    return times.at[0].set(ends[0]).at[-1].set(ends[1]), jnp.isfinite(first) & jnp.isfinite(last)


def uniform_schedule(process: AbstractProcess, steps: int) -> Float[Array, " times"]:
    """steps + 1 equally spaced times from the process's start to its end."""
    return jnp.linspace(process.start_time, process.end_time, steps + 1)


def euler(drift: Drift, x: Array, times: Float[Array, " times"]) -> Array:
    """Euler's method: x_{i+1} = x_i + h f(t_i, x_i)."""

    def step(x: Array, index: Array) -> tuple[Array, None]:
        size = (times[index + 1] - times[index]).astype(x.dtype)
        return x + size * drift(index, times[index].astype(x.dtype), x), None

    return jax.lax.scan(step, x, jnp.arange(times.shape[0] - 1))[0]


def heun(drift: Drift, x: Array, times: Float[Array, " times"]) -> Array:
    """Heun's method: the average of the drifts at both ends of each step, the far one at the Euler prediction."""

    def step(x: Array, index: Array) -> tuple[Array, None]:
        size = (times[index + 1] - times[index]).astype(x.dtype)
        first = drift(index, times[index].astype(x.dtype), x)
        second = drift(index + 1, times[index + 1].astype(x.dtype), x + size * first)
        return x + size / 2 * (first + second), None

    return jax.lax.scan(step, x, jnp.arange(times.shape[0] - 1))[0]


class FlowCoefficients(NamedTuple):
    """The flow dx/dt = r x + g D(x) that samples are carried by, at the times at which networks were trained.

    | networks | r | g | times |
    |---|---|---|---|
    | denoisers, variance exploding | 1/σ | -1/σ | noise levels, decreasing |
    | flow matching velocities | 0 | 1 | t from noise to data |

    Samples start from N(0, `initial_scale`² I) at the first time.
    """

    times: Float[Array, " levels"]
    state: Float[Array, " levels"]  # r
    output: Float[Array, " levels"]  # g
    initial_scale: Float[Array, ""]


def denoising_flow(noise_levels: Float[Array, " levels"]) -> FlowCoefficients:
    """dx/dσ = (x - D(x))/σ from N(0, σ_max² I), for denoisers of the variance-exploding process."""
    return FlowCoefficients(noise_levels, 1 / noise_levels, -1 / noise_levels, noise_levels[0])


@eqx.filter_jit
def sample_linear_flow(
    total_maps: Float[Array, "levels dim dim"],
    offsets: Float[Array, "levels dim"] | None,
    flow: FlowCoefficients,
    initial: Float[Array, "n dim"],
) -> Float[Array, "n dim"]:
    """Samples of linear networks D(x) = W_l x + b_l trained one per time, by Heun's method through those times.

    dx/dt = r_l x + g_l (W_l x + b_l) from `initial` at the first time to the last; no offsets for networks without
    bias.
    """
    state, output = flow.state.astype(initial.dtype), flow.output.astype(initial.dtype)

    def drift(index: Array, time: Array, x: Array) -> Array:
        del time
        prediction = x @ total_maps[index].T
        if offsets is not None:
            prediction = prediction + offsets[index][None]
        return state[index] * x + output[index] * prediction

    return heun(drift, initial, flow.times)


@eqx.filter_jit
def sample_linear_networks(
    total_maps: Float[Array, "levels dim dim"],
    noise_levels: Float[Array, " levels"],
    initial: Float[Array, "n dim"],
) -> Float[Array, "n dim"]:
    """Samples of linear denoisers D(x) = W_l x trained one per noise level, by Heun's method through those levels.

    dx/dσ = (x - D(x))/σ from `initial` at the first (largest) level to the last; data centred at zero.
    """

    def drift(index: Array, time: Array, x: Array) -> Array:
        return (x - x @ total_maps[index].T) / time

    return heun(drift, initial, noise_levels)


@eqx.filter_jit
def adaptive(drift: Drift, x: Array, process: AbstractProcess, *, tolerance: float, max_steps: int = 100_000) -> Array:
    """Dormand-Prince 5(4) from the process's start to its end, relative and absolute error `tolerance` per step.

    `drift` receives a zero index: it must depend on time alone. Raises `equinox.EquinoxRuntimeError` when
    `max_steps` do not suffice.
    """
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
    )
    assert solution.ys is not None
    return solution.ys[0]
