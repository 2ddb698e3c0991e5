"""Gradient descent of linear networks, for many noise levels and seeds at once.

`FullBatch` and `Minibatches` take single steps on an explicit state; `train_full_batch` and `train_minibatch` are the
compiled loops over stages of steps, and `continue_full_batch` and `continue_minibatch` go on from a state of theirs.
"""

from functools import partial
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from sims.networks.linear import AbstractLinearNetwork, Network, one_per_level
from sims.training.linear_losses import Moments, ShiftMoments, linear_denoising_loss, sufficient_moments
from sims.training.pairs import Pairs, SecondMoments, noisy_moments
from sims.training.state import AbstractTraining, TrainingState, descended, initial_state, member_axes
from theory.definitions.checks import whole, whole_arguments

# Plain gradient descent. Step sizes multiply what the optimiser returns, so that one clock serves all optimisers.
GRADIENT_DESCENT = optax.sgd(1.0)


class Clock(NamedTuple):
    """How many gradient steps of which size take every network from one snapshot to the next.

    `step_sizes` is (stages, levels), `steps` (stages,), or (stages, levels) where levels take numbers of their own.
    `reached` is the training time at which each snapshot really is.
    """

    step_sizes: Float[np.ndarray, "stages levels"]
    steps: np.ndarray
    reached: Float[np.ndarray, "stages levels"]


@whole_arguments("smallest_steps")
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
    many as the least curved level needs. A more curved level lags: harmless if all its modes have converged by then,
    and wrong for the weak modes of a wide spectrum, whose strong ones decide the curvature. Look at `reached`, or use
    `clock_of_every_level` for one layer. Raises ValueError for times that do not increase from zero or more, curvatures
    that are not positive, and a safety that is not between zero and one.
    """
    durations, limit = checked_durations(times), longest_steps(largest_curvature, safety)
    steps = np.maximum(np.ceil(durations / limit.max()).astype(int), smallest_steps)
    step_sizes = np.minimum(durations[:, None] / steps[:, None], limit[None, :])
    return Clock(step_sizes, steps, np.cumsum(step_sizes * steps[:, None], axis=0))


def checked_durations(times: Float[np.ndarray, " stages"]) -> Float[np.ndarray, " stages"]:
    """From each of the training times to the next. Raises ValueError unless they increase from zero or more."""
    times = np.asarray(times, dtype=float)
    if times.ndim != 1 or not times.size or not (np.all(np.diff(times, prepend=0.0) >= 0) and np.isfinite(times).all()):
        raise ValueError(f"times must be a sequence that increases from zero or more; got {times}")
    return np.diff(times, prepend=0.0)


def longest_steps(largest_curvature: Float[np.ndarray, " levels"], safety: float) -> Float[np.ndarray, " levels"]:
    """2·safety/curvature. Raises ValueError for curvatures that are not positive, and unless 0 < safety ≤ 1."""
    curvature = np.asarray(largest_curvature)
    if not np.all((curvature > 0) & np.isfinite(curvature)):
        raise ValueError(f"curvatures must be positive and finite; got {curvature}")
    if not 0 < safety <= 1:
        raise ValueError(f"safety must lie between zero and one; got {safety}")
    return 2 * safety / curvature


class FullBatch(AbstractTraining):
    """Steps of one linear network on all pairs of one noise level at once, through their moments.

    Every step is `step_size` times what the `optimiser` makes of the gradient: θ ← θ - ηg for plain gradient descent,
    and with `optax.sgd(1.0, momentum=μ)` the heavy ball v ← μv + g, θ ← θ - ηv.
    """

    moments: Moments  # `sufficient_moments` of the network
    step_size: Float[Array, ""]
    optimiser: optax.GradientTransformation = eqx.field(static=True, default=GRADIENT_DESCENT)

    def init(self, network: Network, key: PRNGKeyArray | None = None) -> TrainingState[Network]:
        return initial_state(network, self.optimiser, key)

    def step(self, state: TrainingState[Network]) -> TrainingState[Network]:
        gradient = jax.grad(linear_denoising_loss)(state.parameters, self.moments)
        return descended(state, gradient, self.optimiser, step_size=self.step_size)


class Minibatches(AbstractTraining):
    """Steps of one linear network per noise level, each on a fresh draw of data and of noise.

    All levels scale the same draw. `optimiser` as in `FullBatch`, for every level by itself.
    """

    clean: Float[Array, "n dim"]
    pairs: Pairs
    step_sizes: Float[Array, " levels"]
    batch_size: int = eqx.field(converter=partial(whole, "batch_size"), static=True)
    optimiser: optax.GradientTransformation = eqx.field(static=True, default=GRADIENT_DESCENT)

    def init(self, network: Network, key: PRNGKeyArray | None = None) -> TrainingState[Network]:
        """`network` has a leading axis of levels (`one_per_level`). Raises ValueError without a key."""
        if key is None:
            raise ValueError("the key of random batches must be given; got None")
        return initial_state(network, self.optimiser, key, axes=1)

    def step(self, state: TrainingState[Network]) -> TrainingState[Network]:
        assert state.key is not None
        key, index_key, noise_key = jax.random.split(state.key, 3)
        index = jax.random.randint(index_key, (self.batch_size,), 0, self.clean.shape[0])
        batch = self.clean[index]
        moments = noisy_moments(batch, jax.random.normal(noise_key, batch.shape, batch.dtype), self.pairs)
        moments = sufficient_moments(state.parameters, moments)
        gradient = jax.vmap(jax.grad(linear_denoising_loss))(state.parameters, moments)

        def of_level(state: TrainingState, gradient: AbstractLinearNetwork, step_size: Array) -> TrainingState:
            return descended(state, gradient, self.optimiser, step_size=step_size)

        levels = member_axes(state)
        after = jax.vmap(of_level, (levels, 0, 0), levels)(state, gradient, self.step_sizes)
        return TrainingState(after.parameters, after.optimiser, key, after.step)


@eqx.filter_jit
def train_full_batch(
    network: Network,
    moments: SecondMoments | ShiftMoments,
    step_sizes: Float[Array, "stages levels"],
    steps: Array,
    *,
    optimiser: optax.GradientTransformation = GRADIENT_DESCENT,
) -> Network:
    """Full-batch gradient descent of one network per seed and noise level, with a snapshot after every stage.

    **Arguments:** `network`, the initial network, shared but for the scales of a `PreconditionedDenoiser`, which may be
    one per level; `moments`, with leading axes (seeds, levels), of any targets and weights; `step_sizes` (stages,
    levels) and `steps` (stages,) from a `Clock`; `optimiser` as in `FullBatch`, with a state that lasts over all
    stages. **Returns:** networks with leading axes (seeds, levels, stages).
    """
    state = init_full_batch(network, moments, optimiser=optimiser)
    return continue_full_batch(state, moments, step_sizes, steps, optimiser=optimiser)[1]


def init_full_batch(
    network: Network,
    moments: SecondMoments | ShiftMoments,
    *,
    optimiser: optax.GradientTransformation = GRADIENT_DESCENT,
) -> TrainingState[Network]:
    """The state that `train_full_batch` starts from: arrays with leading axes (seeds, levels)."""
    seeds, levels = moments.weight.shape
    start = one_per_level(network, levels)
    networks = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (seeds, *leaf.shape)), start)
    return initial_state(networks, optimiser, None, axes=2)


@eqx.filter_jit
def continue_full_batch(
    state: TrainingState[Network],
    moments: SecondMoments | ShiftMoments,
    step_sizes: Float[Array, "stages levels"],
    steps: Array,
    *,
    optimiser: optax.GradientTransformation = GRADIENT_DESCENT,
) -> tuple[TrainingState[Network], Network]:
    """More stages of `train_full_batch`: the state after them, and the networks after each."""

    def of_level(
        state: TrainingState[Network], moments: Moments, step_sizes: Float[Array, " stages"]
    ) -> tuple[TrainingState[Network], Network]:
        def stage(state: TrainingState[Network], now: tuple[Array, Array]) -> tuple[TrainingState[Network], Network]:
            step_size, count = now
            training = FullBatch(moments, step_size, optimiser)
            state = jax.lax.fori_loop(0, count, lambda _, state: training.step(state), state)
            return state, state.parameters

        return jax.lax.scan(stage, state, (step_sizes, steps))

    members = member_axes(state)
    over_levels = jax.vmap(of_level, (members, 0, 1), (members, 0))
    over_seeds = jax.vmap(over_levels, (members, 0, None), (members, 0))
    return over_seeds(state, sufficient_moments(state.parameters, moments), step_sizes)


@whole_arguments("batch_size")
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
    optimiser: optax.GradientTransformation = GRADIENT_DESCENT,
) -> Network:
    """Stochastic gradient descent of linear networks: every step draws a fresh batch of data and of noise.

    All noise levels scale the same draw of noise.

    **Arguments:** `network`, with a leading axis of levels (`one_per_level`); `clean`, the training data; `pairs`, the
    coefficients of inputs, targets and weights, or noise levels; the rest as in `train_full_batch`. **Returns:**
    networks with leading axes (stages, levels).
    """
    state = Minibatches(clean, pairs, step_sizes[0], batch_size, optimiser).init(network, key)
    return continue_minibatch(state, clean, pairs, step_sizes, steps, batch_size=batch_size, optimiser=optimiser)[1]


@whole_arguments("batch_size")
@eqx.filter_jit
def continue_minibatch(
    state: TrainingState[Network],
    clean: Float[Array, "n dim"],
    pairs: Pairs,
    step_sizes: Float[Array, "stages levels"],
    steps: Array,
    *,
    batch_size: int,
    optimiser: optax.GradientTransformation = GRADIENT_DESCENT,
) -> tuple[TrainingState[Network], Network]:
    """More stages of `train_minibatch` from a state of `Minibatches`: the state after them, the networks after each."""

    def stage(state: TrainingState[Network], now: tuple[Array, Array]) -> tuple[TrainingState[Network], Network]:
        level_steps, count = now
        training = Minibatches(clean, pairs, level_steps, batch_size, optimiser)
        state = jax.lax.fori_loop(0, count, lambda _, state: training.step(state), state)
        return state, state.parameters

    return jax.lax.scan(stage, state, (step_sizes.astype(clean.dtype), steps))
