"""The probability-flow ODE of linear networks, one per noise level."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from sims.sampling.solvers import heun
from theory.definitions.processes import AbstractProcess
from theory.definitions.targets import AbstractTarget


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


def flow_of(target: AbstractTarget, process: AbstractProcess, times: Float[Array, " levels"]) -> FlowCoefficients:
    """The probability-flow ODE for networks trained on the target at these process times, from noise to data."""
    state, output = process.flow_coefficients(target, times)
    return FlowCoefficients(times, state, output, jnp.sqrt(jnp.asarray(process.prior_variance)))


def _check_one_each(total_maps: Float[Array, "levels dim dim"], times: Float[Array, " levels"]) -> None:
    """An index beyond the last map would be that of the last."""
    if total_maps.shape[0] != times.shape[0]:
        raise ValueError(f"maps must be one per noise level; got {total_maps.shape[0]} for {times.shape[0]}")


@eqx.filter_jit
def sample_linear_flow(
    total_maps: Float[Array, "levels dim dim"],
    offsets: Float[Array, "levels dim"] | None,
    flow: FlowCoefficients,
    initial: Float[Array, "n dim"],
) -> Float[Array, "n dim"]:
    """Samples of linear networks D(x) = W_l x + b_l trained one per time, by Heun's method through those times.

    dx/dt = r_l x + g_l (W_l x + b_l) from `initial` at the first time to the last; no offsets for networks without
    bias. Raises ValueError unless there is a map for every time.
    """
    _check_one_each(total_maps, flow.times)
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

    dx/dσ = (x - D(x))/σ from `initial` at the first (largest) level to the last; data centred at zero. Raises
    ValueError unless there is a map for every level.
    """
    _check_one_each(total_maps, noise_levels)

    def drift(index: Array, time: Array, x: Array) -> Array:
        return (x - x @ total_maps[index].T) / time

    return heun(drift, initial, noise_levels)
