"""Ensembles of nonlinear networks trained by Adam."""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from sims.networks.nonlinear import AbstractScoreNetwork
from sims.training.score_ensembles import TrainingSets, loss_weight
from sims.training.score_targets import posterior_mean
from sims.training.state import (
    AbstractTraining,
    TrainingState,
    advance,
    descended,
    initial_state,
    member_axes,
)
from sims.training.training_triples import TrainingTriples, with_array_parameters
from theory.definitions.checks import whole
from theory.definitions.processes import AbstractProcess


class TrainedNetworks(NamedTuple):
    """Networks with leading axes (objectives, models), and how training went.

    Losses are ½(1/P) Σ w|D - y|² over a member's own P triples. `reference` is the loss of the exact posterior mean on
    the same triples: a training loss below it has begun to fit the target noise itself.
    """

    networks: AbstractScoreNetwork
    loss: Float[Array, "objectives models records"]
    reference: Float[Array, "objectives models"]


def _of_batch(size: int | None) -> int | None:
    return None if size is None else whole("batch_size", size)


class TripleBatches(AbstractTraining):
    """Steps of one network on ½(1/P) Σ w|D(x, t) - y|² over P training triples, w = α²/σ².

    `batch_size` triples are drawn anew (with replacement) for each step, all P are taken when it is None.
    """

    triples: TrainingTriples
    targets: Float[Array, "P dim"]
    process: AbstractProcess
    optimiser: optax.GradientTransformation = eqx.field(static=True)
    batch_size: int | None = eqx.field(static=True, default=None, converter=_of_batch)

    def init(self, network: AbstractScoreNetwork, key: PRNGKeyArray | None = None) -> TrainingState:
        """Raises ValueError without a key where batches are random."""
        if self.batch_size is not None and key is None:
            raise ValueError("the key of random batches must be given; got None")
        return initial_state(network, self.optimiser, key)

    def step(self, state: TrainingState) -> TrainingState:
        key, batch = state.key, (self.triples, self.targets)
        if self.batch_size is not None:
            assert key is not None
            key, index_key = jax.random.split(key)
            index = jax.random.randint(index_key, (self.batch_size,), 0, self.triples.time.shape[0])
            batch = jax.tree.map(lambda leaf: leaf[index], batch)
        triples, targets = batch
        gradient = eqx.filter_grad(_loss_of)(state.parameters, triples, targets, self.process)
        after = descended(state, gradient, self.optimiser)
        return TrainingState(after.parameters, after.optimiser, key, after.step)

    def loss(self, network: AbstractScoreNetwork) -> Float[Array, ""]:
        """Over all P triples."""
        return _loss_of(network, self.triples, self.targets, self.process)


def train_networks(
    make: Callable[[PRNGKeyArray], AbstractScoreNetwork],
    sets: TrainingSets,
    points: Float[Array, "m dim"],
    process: AbstractProcess,
    *,
    optimiser: optax.GradientTransformation,
    steps: int,
    batch_size: int | None,
    records: int,
    key: PRNGKeyArray,
) -> TrainedNetworks:
    """Minimise ½(1/P) Σ w|D(x, t) - y|² with w = α²/σ², every member on its own triples, in float32.

    **Arguments:** `make`, a network from a key; `points`, the data, for the reference loss; `batch_size`, triples
    drawn anew (with replacement) for each step, all P of a member when None; `records`, in how many equal stages to
    train, with the loss over all P triples after each.
    **Returns:** networks with leading axes (objectives, models). Raises ValueError unless these numbers are 1, 2, … and
    `records` divides `steps`.
    """
    steps, records, batch_size = _sizes(steps, records, batch_size)
    state = init_networks(make, sets, optimiser=optimiser, key=key)
    sizes = {"steps": steps, "batch_size": batch_size, "records": records}
    state, loss = continue_networks(state, sets, process, optimiser=optimiser, **sizes)
    sets, points = _single_precision((sets, points))
    return TrainedNetworks(state.parameters, loss, _reference_loss(sets, points, with_array_parameters(process)))


def init_networks(
    make: Callable[[PRNGKeyArray], AbstractScoreNetwork],
    sets: TrainingSets,
    *,
    optimiser: optax.GradientTransformation,
    key: PRNGKeyArray,
) -> TrainingState:
    """The state that `train_networks` starts from.

    Arrays have leading axes (objectives, models); keys (models,), so that objectives share minibatches.
    """
    initial_key, batch_key = jax.random.split(key)
    objectives, models = sets.targets.shape[:2]
    networks = eqx.filter_vmap(make)(jax.random.split(initial_key, models))
    arrays, rest = eqx.partition(networks, eqx.is_array)
    arrays = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (objectives, *leaf.shape)), arrays)
    networks = eqx.combine(arrays, rest)
    return initial_state(networks, optimiser, jax.random.split(batch_key, models), axes=2)


def continue_networks(
    state: TrainingState,
    sets: TrainingSets,
    process: AbstractProcess,
    *,
    optimiser: optax.GradientTransformation,
    steps: int,
    batch_size: int | None,
    records: int,
) -> tuple[TrainingState, Float[Array, "objectives models records"]]:
    """More steps of `train_networks`: the state after them, and the losses over all triples after each record.

    Raises ValueError as `train_networks`.
    """
    sizes = _sizes(steps, records, batch_size)
    return _train(state, _single_precision(sets), with_array_parameters(process), optimiser, sizes)


def _sizes(steps: int, records: int, batch_size: int | None) -> tuple[int, int, int | None]:
    """The same as Python integers. Raises ValueError as `train_networks`."""
    sizes = whole("steps", steps), whole("records", records), _of_batch(batch_size)
    if sizes[0] % sizes[1]:
        raise ValueError(f"the number of records must divide the number of steps; got {records} and {steps}")
    return sizes


def _single_precision(tree: PyTree) -> PyTree:
    return jax.tree.map(lambda leaf: leaf.astype(jnp.float32), tree)


@eqx.filter_jit
def _reference_loss(sets: TrainingSets, points: Float[Array, "m dim"], process) -> Float[Array, "objectives models"]:
    def of_member(triples: TrainingTriples, targets: Float[Array, "objectives P dim"]) -> Float[Array, " objectives"]:
        exact = posterior_mean(triples, points, process)
        return jnp.stack([_loss(exact, triples, each, process) for each in targets])

    return jax.vmap(of_member, in_axes=(0, 1), out_axes=1)(sets.triples, sets.targets)


@eqx.filter_jit
def _train(state: TrainingState, sets: TrainingSets, process, optimiser, sizes: tuple[int, int, int | None]):
    steps, records, batch_size = sizes
    arrays, rest = eqx.partition(state, eqx.is_array)

    def of_member(arrays: TrainingState, triples: TrainingTriples, targets: Float[Array, "P dim"]):
        training = TripleBatches(triples, targets, process, optimiser, batch_size)

        def stage(arrays: TrainingState, _) -> tuple[TrainingState, Float[Array, ""]]:
            state = advance(training, eqx.combine(arrays, rest), steps // records)
            return eqx.filter(state, eqx.is_array), training.loss(state.parameters)

        return jax.lax.scan(stage, arrays, None, length=records)

    models, objectives = member_axes(arrays, key=0), member_axes(arrays)
    over_models = jax.vmap(of_member, (models, 0, 0), (models, 0))
    over_objectives = jax.vmap(over_models, (objectives, None, 0), (objectives, 0))
    arrays, loss = over_objectives(arrays, sets.triples, sets.targets)
    return eqx.combine(arrays, rest), loss


def _loss_of(network: AbstractScoreNetwork, triples: TrainingTriples, targets: Array, process) -> Float[Array, ""]:
    return _loss(network(triples.noisy, triples.time), triples, targets, process)


def _loss(denoised: Array, triples: TrainingTriples, targets: Array, process: AbstractProcess) -> Float[Array, ""]:
    return jnp.mean(loss_weight(process, triples.time) * jnp.sum((denoised - targets) ** 2, axis=-1)) / 2
