"""Gradient descent as compiled loops over stages of steps, for many noise levels and seeds at once."""

from typing import NamedTuple

import equinox as eqx
import jax
import numpy as np
import optax
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from sims.networks.linear import Network, one_per_level
from sims.training.linear_losses import Moments, linear_denoising_loss, sufficient_moments
from sims.training.pairs import Pairs, SecondMoments, noisy_moments


class Clock(NamedTuple):
    """How many gradient steps of which size take every network from one snapshot to the next.

    `step_sizes` is (stages, levels), `steps` (stages,). A level whose stability limit does not let it keep up takes
    its largest stable step instead: `reached` is the training time at which each snapshot really is.
    """

    step_sizes: Float[np.ndarray, "stages levels"]
    steps: np.ndarray
    reached: Float[np.ndarray, "stages levels"]


def common_clock(
    times: Float[np.ndarray, " stages"],
    largest_curvature: Float[np.ndarray, " levels"],
    *,
    smallest_steps: int,
    safety: float = 0.5,
) -> Clock:
    """Steps that bring networks of different noise levels to the same training times.

    The step of level l never exceeds 2·safety/curvature_l, curvature being the largest second derivative of its
    loss, so that gradient descent is stable for safety < 1. Each stage has at least `smallest_steps` steps and as
    many as the least curved level needs; a more curved level, whose network has converged long before, lags.
    """
    durations = np.diff(times, prepend=0.0)
    limit = 2 * safety / np.asarray(largest_curvature)
    steps = np.maximum(np.ceil(durations / limit.max()).astype(int), smallest_steps)
    step_sizes = np.minimum(durations[:, None] / steps[:, None], limit[None, :])
    return Clock(step_sizes, steps, np.cumsum(step_sizes * steps[:, None], axis=0))


@eqx.filter_jit
def train_full_batch(
    network: Network,
    moments: SecondMoments,
    step_sizes: Float[Array, "stages levels"],
    steps: Array,
) -> Network:
    """Full-batch gradient descent of one network per seed and noise level, with a snapshot after every stage.

    **Arguments:** `network`, the initial network, shared but for the scales of a `ResidualDenoiser`, which may be one
    per level; `moments`, with leading axes (seeds, levels), of any targets and weights; `step_sizes` (stages, levels)
    and `steps` (stages,) from a `Clock`. **Returns:** networks with leading axes (seeds, levels, stages).
    """

    def of_level(network: Network, moments: Moments, step_sizes: Float[Array, " stages"]) -> Network:
        def descend(network: Network, stage: tuple[Array, Array]) -> tuple[Network, Network]:
            step_size, count = stage

            def step(_, network: Network) -> Network:
                gradient = jax.grad(linear_denoising_loss)(network, moments)
                return eqx.apply_updates(network, _sgd_update(gradient, network, step_size))

            network = jax.lax.fori_loop(0, count, step, network)
            return network, network

        return jax.lax.scan(descend, network, (step_sizes, steps))[1]

    start = one_per_level(network, step_sizes.shape[1])
    over_levels = jax.vmap(of_level, in_axes=(0, 0, 1))
    return jax.vmap(over_levels, in_axes=(None, 0, None))(start, sufficient_moments(network, moments), step_sizes)


@eqx.filter_jit
def train_minibatch(
    network: Network,
    clean: Float[Array, "n dim"],
    pairs: Pairs,
    step_sizes: Float[Array, "stages levels"],
    steps: Array,
    *,
    batch_size: int,
    key: PRNGKeyArray,
) -> Network:
    """Stochastic gradient descent of linear networks: every step draws a fresh batch of data and of noise.

    All noise levels scale the same draw of noise.

    **Arguments:** `network`, with a leading axis of levels (`one_per_level`); `clean`, the training data; `pairs`, the
    coefficients of inputs, targets and weights, or noise levels; the rest as in `train_full_batch`. **Returns:**
    networks with leading axes (stages, levels).
    """
    count = clean.shape[0]

    def descend(carry: tuple[Network, Array], stage: tuple[Array, Array]) -> tuple[tuple[Network, Array], Network]:
        level_steps, number = stage

        def step(_, carry: tuple[Network, Array]) -> tuple[Network, Array]:
            network, key = carry
            key, index_key, noise_key = jax.random.split(key, 3)
            index = jax.random.randint(index_key, (batch_size,), 0, count)
            batch = clean[index]
            moments = noisy_moments(batch, jax.random.normal(noise_key, batch.shape, batch.dtype), pairs)
            gradient = jax.vmap(jax.grad(linear_denoising_loss))(network, sufficient_moments(network, moments))
            updates = jax.vmap(_sgd_update)(gradient, network, level_steps)
            return eqx.apply_updates(network, updates), key

        carry = jax.lax.fori_loop(0, number, step, carry)
        return carry, carry[0]

    return jax.lax.scan(descend, (network, key), (step_sizes.astype(clean.dtype), steps))[1]


def _sgd_update(gradient: PyTree, network: PyTree, step_size: Float[Array, ""]) -> PyTree:
    """One plain gradient step; its optimiser has no state to carry over."""
    optimiser = optax.sgd(step_size)
    return optimiser.update(gradient, optimiser.init(network))[0]
