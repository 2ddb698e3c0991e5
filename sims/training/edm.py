"""Training of one network for all noise levels on the loss of Karras et al. 2022, of one network or of an ensemble."""

import dataclasses
from functools import partial
from typing import NamedTuple, Self, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, ArrayLike, Float, PRNGKeyArray

from sims.networks.preconditioned import AbstractDenoisingNetwork
from sims.training.noise_densities import AbstractNoiseDensity, LogNormalNoise
from sims.training.references import References
from sims.training.state import (
    AbstractTraining,
    Divergence,
    TrainingState,
    descended,
    initial_state,
    member_axes,
)
from theory.definitions.arrays import floating
from theory.definitions.checks import check_finite, whole
from theory.definitions.weights import AbstractWeight, EDMWeight

MEMBERS, BATCH = "members", "batch"  # the axes of a mesh of devices

Denoising = TypeVar("Denoising", bound=AbstractDenoisingNetwork)


class TrainingDivergedError(ArithmeticError):
    """The loss of a step was not finite."""


class EDMBatch(NamedTuple):
    """Data, unit normal noise and a noise level for each of them, and what the network is to answer."""

    clean: Float[Array, "batch dim"]
    noise: Float[Array, "batch dim"]
    levels: Float[Array, " batch"]
    target: Float[Array, "batch dim"]


def _rows_of_numbers(data: ArrayLike) -> Float[Array, "m dim"]:
    data = floating(data)
    if data.ndim != 2 or 0 in data.shape:
        raise ValueError(f"training data must be rows of numbers, (m, dim); got shape {data.shape}")
    check_finite(data, "training data must be finite; got NaN or infinite values among them")
    return data


class EDMTraining(AbstractTraining):
    """Steps of one network on the mean of w(σ)|D(x_0 + σε, σ) - x_0|² over a fresh batch (Karras et al. 2022, Eq. 8).

    |·|² is a sum over coordinates, as in the theory's loss, and step sizes of gradient descent are in its units; the
    authors of Wang & Pehlevan 2025 take the mean, which Adam does not see. Data are drawn with replacement and stay
    where they are put, on a device. With `references` the target is not x_0 but an average of x_0 and other data: the
    stable target field, for whose errors the loss has less noise. `mesh` spreads each batch over its axis "batch"
    (`sims.training.sharding`). Raises ValueError for data that are no rows of finite numbers, unless the batch size is
    1, 2, …, and for shared references that are fewer than a batch.
    """

    data: Float[Array, "m dim"] = eqx.field(converter=_rows_of_numbers)
    optimiser: optax.GradientTransformation = eqx.field(static=True)
    batch_size: int = eqx.field(converter=partial(whole, "batch_size"), static=True)
    density: AbstractNoiseDensity = LogNormalNoise()
    weight: AbstractWeight = EDMWeight()
    references: References = References(1)
    mesh: Mesh | None = eqx.field(static=True, default=None)

    def __check_init__(self) -> None:
        self.references.check_batch(self.batch_size)

    def init(self, network: Denoising, key: PRNGKeyArray | None = None) -> TrainingState[Denoising]:
        """Raises ValueError without a key, and for a process whose signal shrinks."""
        return _watched(initial_state(_variance_exploding(network), self.optimiser, _given(key)))

    def step(self, state: TrainingState[Denoising]) -> TrainingState[Denoising]:
        assert state.key is not None
        assert state.divergence is not None
        key, batch_key = jax.random.split(state.key)
        batch = self.draw(batch_key)
        loss, gradient = eqx.filter_value_and_grad(self.loss)(state.parameters, batch)
        after = descended(state, gradient, self.optimiser)
        divergence = _first_divergence(state.divergence, after.step, loss, batch.levels)
        return TrainingState(after.parameters, after.optimiser, key, after.step, divergence)

    @property
    def fused(self) -> bool:
        return True

    def draw(self, key: PRNGKeyArray) -> EDMBatch:
        """A batch, spread over the devices of the mesh."""
        data_key, level_key, noise_key = jax.random.split(key, 3)
        index = jax.random.randint(data_key, (self.batch_size,), 0, self.data.shape[0])
        shape, dtype = (self.batch_size, self.data.shape[1]), self.data.dtype
        levels = self.density.sample(level_key, self.batch_size, dtype)
        clean, noise = self.data[index], jax.random.normal(noise_key, shape, dtype)
        reference_key, noisy = jax.random.fold_in(key, 3), _noisy(clean, noise, levels)
        target = self.references.targets(clean, noisy, levels, self.data, key=reference_key)
        batch = EDMBatch(clean, noise, levels, target)
        if self.mesh is None:
            return batch
        return jax.lax.with_sharding_constraint(batch, NamedSharding(self.mesh, PartitionSpec(BATCH)))

    def loss(self, network: AbstractDenoisingNetwork, batch: EDMBatch) -> Float[Array, ""]:
        """The loss of a network on a batch."""
        error = network(_noisy(batch.clean, batch.noise, batch.levels), batch.levels) - batch.target
        return jnp.mean(self.weight(network.process, batch.levels) * jnp.sum(error**2, axis=-1))

    def on(self, mesh: Mesh) -> Self:
        """The same training with its data on all devices of a mesh, and each batch spread over them."""
        data = jax.device_put(self.data, NamedSharding(mesh, PartitionSpec()))
        return dataclasses.replace(self, data=data, mesh=mesh)


class EDMEnsemble(AbstractTraining):
    """Steps of many networks at once, each what `training` does to it with a key of its own."""

    training: EDMTraining

    def init(self, network: Denoising, key: PRNGKeyArray | None = None) -> TrainingState[Denoising]:
        """Arrays of `network` and `key` have a leading axis of members. Raises ValueError as `EDMTraining.init`."""
        networks = _variance_exploding(network)
        return _watched(initial_state(networks, self.training.optimiser, _given(key), axes=1))

    def step(self, state: TrainingState[Denoising]) -> TrainingState[Denoising]:
        arrays, rest = eqx.partition(state, eqx.is_array)

        def of_member(arrays: TrainingState) -> TrainingState:
            return eqx.filter(self.training.step(eqx.combine(arrays, rest)), eqx.is_array)

        axes = member_axes(arrays, key=0)
        over_devices = None if self.training.mesh is None else MEMBERS
        after = jax.vmap(of_member, (axes,), axes, spmd_axis_name=over_devices)(arrays)
        return eqx.combine(after, rest)

    @property
    def batch_size(self) -> int:
        """Of every member."""
        return self.training.batch_size

    def on(self, mesh: Mesh) -> Self:
        """The same training on a mesh of devices, which members and batches are spread over."""
        return dataclasses.replace(self, training=self.training.on(mesh))


def check_loss(state: TrainingState, last_good: str) -> None:
    """Raises TrainingDivergedError if the loss of some step so far was not finite.

    The message names that step, the range of σ in its batch, the member, and the checkpoint that is `last_good`. The
    state itself is of no more use, since all that follows such a step is NaN.
    """
    assert state.divergence is not None
    steps, smallest, largest = (np.atleast_1d(np.asarray(part)) for part in state.divergence)
    diverged = np.flatnonzero(steps)
    if diverged.size:
        first = diverged[np.argmin(steps[diverged])]
        member = f" of member {first}, one of {diverged.size} that diverged," if steps.size > 1 else ""
        raise TrainingDivergedError(
            f"the loss{member} was not finite at step {steps[first]}, on noise levels from {smallest[first]:.3g} to "
            f"{largest[first]:.3g}; the last good checkpoint is {last_good}"
        )


def _noisy(clean: Array, noise: Array, levels: Array) -> Float[Array, "batch dim"]:
    return clean + levels[:, None] * noise


def _first_divergence(
    before: Divergence, step: Array, loss: Float[Array, ""], levels: Float[Array, " batch"]
) -> Divergence:
    """What has been found before, or else this step if its loss is not finite."""
    found = (before.step == 0) & ~jnp.isfinite(loss)
    here = Divergence(step, jnp.min(levels).astype(jnp.float32), jnp.max(levels).astype(jnp.float32))
    return jax.tree.map(lambda new, old: jnp.where(found, new, old), here, before)


def _watched(state: TrainingState) -> TrainingState:
    """The state with nothing found yet, for every member."""
    assert state.key is not None
    shape = state.key.shape
    nothing = Divergence(jnp.zeros(shape, jnp.int32), jnp.zeros(shape, jnp.float32), jnp.zeros(shape, jnp.float32))
    return eqx.tree_at(lambda at: at.divergence, state, nothing, is_leaf=lambda leaf: leaf is None)


def _given(key: PRNGKeyArray | None) -> PRNGKeyArray:
    if key is None:
        raise ValueError("the key of random batches must be given; got None")
    if not jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
        raise ValueError(f"the key of random batches must be one of jax.random.key; got an array of {key.dtype}")
    return key


def _variance_exploding(network: Denoising) -> Denoising:
    if network.process.variance_exploding_range() is None:
        raise ValueError(
            f"the process of a network trained on x_0 + σε must be EDM; got {type(network.process).__name__}"
        )
    return network
