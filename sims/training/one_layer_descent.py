"""Gradient descent of one linear layer with as many steps at every noise level as that level needs.

The steps of a quadratic loss all apply one affine map to the weights, so that n of them are a power of that map: log₂ n
matrix products. `train_full_batch` steps all levels together instead, and lets those lag whose stable steps are short.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from sims.networks.linear import LinearDenoiser
from sims.training.descent import Clock, checked_durations, longest_steps
from sims.training.pairs import SecondMoments
from theory.definitions.checks import whole_arguments


@whole_arguments("smallest_steps")
def clock_of_every_level(
    times: Float[np.ndarray, " stages"],
    largest_curvature: Float[np.ndarray, " levels"],
    *,
    smallest_steps: int,
    safety: float = 0.5,
) -> Clock:
    """As `common_clock`, but no level lags: the number of steps is one per stage and level, (stages, levels).

    A step never exceeds 2·safety/curvature of its level, and a stage never has fewer than `smallest_steps`. Raises
    ValueError as `common_clock`, and for stages of more than 2^53 steps, which are not counted exactly.
    """
    durations, limit = checked_durations(times)[:, None], longest_steps(largest_curvature, safety)
    needed = np.ceil(durations / limit)
    if np.any(needed > 2.0**53):
        raise ValueError(f"times must be within 2^53 steps of each other; got a stage of {needed.max():.1g} steps")
    steps = np.maximum(needed.astype(int), smallest_steps)
    reached = np.broadcast_to(np.asarray(times)[:, None], steps.shape)
    return Clock(durations / steps, steps, reached)


def train_one_layer(network: LinearDenoiser, moments: SecondMoments, clock: Clock) -> LinearDenoiser:
    """Full-batch gradient descent of one layer per seed and noise level, with a snapshot after every stage.

    A step of size η on w (1/P) Σ |y - W x|² is W ← W (1 - 2ηw E[xxᵀ]) + 2ηw E[yxᵀ]: the steps of `train_full_batch`, up
    to round-off, for `clock.steps` of shape (stages, levels). In the precision of the moments: small steps in a long
    row need float64.

    **Arguments:** `network`, the initial layer, shared; `moments`, with leading axes (seeds, levels); `clock` from
    `clock_of_every_level`. **Returns:** layers with leading axes (seeds, levels, stages).

    Raises ValueError for a network with a bias, and for steps that are not one number per stage and level.
    """
    if network.bias is not None:
        raise ValueError("the layer must have no bias; got one")
    steps = np.asarray(clock.steps)
    if steps.shape != np.shape(clock.step_sizes):
        raise ValueError(
            f"steps must have the shape of the step sizes, {np.shape(clock.step_sizes)}; got {steps.shape}"
        )
    doublings = max(int(steps.max()).bit_length(), 1)
    dtype = moments.noisy.dtype
    sizes = jnp.asarray(clock.step_sizes, dtype)
    return LinearDenoiser(_train(network.weight.astype(dtype), moments, sizes, jnp.asarray(steps), doublings))


@eqx.filter_jit
def _train(
    weight: Float[Array, "dim dim"],
    moments: SecondMoments,
    step_sizes: Float[Array, "stages levels"],
    steps: Int[Array, "stages levels"],
    doublings: int,
) -> Float[Array, "seeds levels stages dim dim"]:
    def of_level(moments: SecondMoments, step_sizes: Array, steps: Array) -> Float[Array, "stages dim dim"]:
        noisy = (moments.noisy + moments.noisy.T) / 2  # the loss knows no other part of what rounding has made of it

        def stage(weight: Array, now: tuple[Array, Array]) -> tuple[Array, Array]:
            rate = 2 * now[0] * moments.weight
            factor = jnp.eye(weight.shape[-1], dtype=weight.dtype) - rate * noisy
            weight = _repeated(weight, factor, rate * moments.cross, now[1], doublings)
            return weight, weight

        return jax.lax.scan(stage, weight, (step_sizes, steps))[1]

    return jax.vmap(jax.vmap(of_level, (0, 1, 1)), (0, None, None))(moments, step_sizes, steps)


def _repeated(weight: Array, factor: Array, term: Array, count: Array, doublings: int) -> Array:
    """W ← W A + B, `count` times over: powers of one map commute, so its doublings may be applied in any order."""

    def apply(bit: int, state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        weight, factor, term = state
        weight = jnp.where((count >> bit) & 1, weight @ factor + term, weight)
        return weight, factor @ factor, term @ factor + term

    return jax.lax.fori_loop(0, doublings, apply, (weight, factor, term))[0]
