"""Ensembles of nonlinear networks trained by Adam."""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from sims.networks.nonlinear import AbstractScoreNetwork
from sims.training.score_ensembles import TrainingSets, loss_weight
from sims.training.score_targets import posterior_mean
from sims.training.training_triples import TrainingTriples, with_array_parameters
from theory.definitions.checks import check_count
from theory.definitions.processes import AbstractProcess


class TrainedNetworks(NamedTuple):
    """Networks with leading axes (objectives, models), and how training went.

    Losses are ½(1/P) Σ w|D - y|² over a member's own P triples. `reference` is the loss of the exact posterior mean on
    the same triples: a training loss below it has begun to fit the target noise itself.
    """

    networks: AbstractScoreNetwork
    loss: Float[Array, "objectives models records"]
    reference: Float[Array, "objectives models"]


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
    **Returns:** networks with leading axes (objectives, models). Raises ValueError unless `records` divides `steps`,
    and for fewer than one step or triple in a batch.
    """
    check_count("steps", steps)
    if batch_size is not None:
        check_count("batch_size", batch_size)
    if records < 1 or steps % records:
        raise ValueError(f"the number of records must divide the number of steps; got {records} and {steps}")
    sets, points = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), (sets, points))
    initial_key, batch_key = jax.random.split(key)
    models = sets.targets.shape[1]
    networks = eqx.filter_vmap(make)(jax.random.split(initial_key, models))
    keys = jax.random.split(batch_key, models)
    process = with_array_parameters(process)
    trained, loss = _train(networks, sets, process, optimiser, (steps, records, batch_size), keys)
    return TrainedNetworks(trained, loss, _reference_loss(sets, points, process))


@eqx.filter_jit
def _reference_loss(sets: TrainingSets, points: Float[Array, "m dim"], process) -> Float[Array, "objectives models"]:
    def of_member(triples: TrainingTriples, targets: Float[Array, "objectives P dim"]) -> Float[Array, " objectives"]:
        exact = posterior_mean(triples, points, process)
        return jnp.stack([_loss(exact, triples, each, process) for each in targets])

    return jax.vmap(of_member, in_axes=(0, 1), out_axes=1)(sets.triples, sets.targets)


@eqx.filter_jit
def _train(networks, sets: TrainingSets, process, optimiser, sizes: tuple[int, int, int | None], keys):
    steps, records, batch_size = sizes
    trained, fixed = eqx.partition(networks, eqx.is_inexact_array)

    def loss_of(trained, triples: TrainingTriples, targets: Array) -> Float[Array, ""]:
        network = eqx.combine(trained, fixed)
        return _loss(network(triples.noisy, triples.time), triples, targets, process)

    def of_member(trained, triples: TrainingTriples, key: PRNGKeyArray, targets: Array):
        count = triples.time.shape[0]

        def step(carry, _):
            trained, state, key = carry
            batch = triples, targets
            if batch_size is not None:
                key, index_key = jax.random.split(key)
                index = jax.random.randint(index_key, (batch_size,), 0, count)
                batch = jax.tree.map(lambda leaf: leaf[index], batch)
            updates, state = optimiser.update(jax.grad(loss_of)(trained, *batch), state, trained)
            return (optax.apply_updates(trained, updates), state, key), None

        def stage(carry, _):
            carry, _ = jax.lax.scan(step, carry, None, length=steps // records)
            return carry, loss_of(carry[0], triples, targets)

        start = (trained, optimiser.init(trained), key)
        (trained, _, _), losses = jax.lax.scan(stage, start, None, length=records)
        return trained, losses

    over_models = jax.vmap(of_member)
    over_objectives = jax.vmap(over_models, in_axes=(None, None, None, 0))
    trained, loss = over_objectives(trained, sets.triples, keys, sets.targets)
    return eqx.combine(trained, fixed), loss


def _loss(denoised: Array, triples: TrainingTriples, targets: Array, process: AbstractProcess) -> Float[Array, ""]:
    return jnp.mean(loss_weight(process, triples.time) * jnp.sum((denoised - targets) ** 2, axis=-1)) / 2
