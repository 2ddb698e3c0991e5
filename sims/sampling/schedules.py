"""Schedules of times from noise to data."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from theory.definitions.checks import positive, whole_arguments
from theory.definitions.processes import AbstractProcess

_ENDS = 1e-3  # relative, that the first and the last level may be off by


@whole_arguments(levels=2)
def edm_schedule(sigma_min: float, sigma_max: float, levels: int, rho: float = 7.0) -> Float[Array, " levels"]:
    """Noise levels from sigma_max down to sigma_min, equally spaced in σ^{1/ρ} (Karras et al. 2022, Eq. 5).

    Raises ValueError for fewer than two levels or a number that is not whole, unless 0 < sigma_min < sigma_max < ∞, and
    unless ρ is positive and finite; also where so many levels are not told apart in the precision of JAX's
    numbers, or the ends not found again after their ρ-th power.
    """
    if not 0 < sigma_min < sigma_max < float("inf"):
        raise ValueError(
            f"a schedule needs 0 < sigma_min < sigma_max < inf; got sigma_min={sigma_min}, sigma_max={sigma_max}"
        )
    positive("rho", rho)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        first, last = np.float64(sigma_max) ** (1 / rho), np.float64(sigma_min) ** (1 / rho)
        found = jnp.linspace(first, last, levels) ** rho
        checked = np.linspace(first, last, levels, dtype=found.dtype) ** rho  # of numbers also where JAX traces
    if not (np.allclose(checked[[0, -1]], [sigma_max, sigma_min], rtol=_ENDS, atol=0) and np.all(np.diff(checked) < 0)):
        raise ValueError(
            f"levels must be told apart in {found.dtype}; got {levels} from {sigma_max} to {sigma_min} at rho={rho}"
        )
    return found


@whole_arguments(steps=2)
def edm_schedule_to_zero(sigma_min: float, sigma_max: float, steps: int, rho: float = 7.0) -> Float[Array, " levels"]:
    """The levels of `edm_schedule`, as many as there are steps, and then zero: what Karras et al. 2022 sample by.

    Raises ValueError as `edm_schedule`.
    """
    return jnp.append(edm_schedule(sigma_min, sigma_max, steps, rho), 0.0)


@whole_arguments("steps")
def log_snr_schedule(process: AbstractProcess, steps: int) -> Float[Array, " times"]:
    """steps + 1 times from the process's start to its end, equally spaced in log signal-to-noise ratio.

    Raises ValueError unless `steps` is 1, 2, …, and for a process whose ratio is infinite at an end (flow matching).
    """
    times, usable = _log_snr_times(process, steps)
    if not usable:
        name = type(process).__name__
        raise ValueError(f"the log signal-to-noise ratio must be finite where sampling starts and ends; got {name}")
    return times


@eqx.filter_jit
def _log_snr_times(process: AbstractProcess, steps: int) -> tuple[Float[Array, " times"], Array]:
    """The times, and whether the process has a finite ratio at both ends."""
    ends = jnp.asarray([process.start_time, process.end_time], dtype=float)
    first, last = process.log_snr(ends)
    times = process.time_from_log_snr(jnp.linspace(first, last, steps + 1))
    return times.at[0].set(ends[0]).at[-1].set(ends[1]), jnp.isfinite(first) & jnp.isfinite(last)


@whole_arguments("steps")
def uniform_schedule(process: AbstractProcess, steps: int) -> Float[Array, " times"]:
    """steps + 1 equally spaced times from the process's start to its end.

    Raises ValueError unless `steps` is 1, 2, ….
    """
    return jnp.linspace(process.start_time, process.end_time, steps + 1)
