"""Ensembles of denoisers trained on independent draws of P noisy triples, for several objectives at once.

Every member has its own triples; the same member of two objectives has the same triples, initial weights and
minibatches, so that objectives are compared member by member. Linear models by ridge regression or by gradient descent
to a training time τ; networks by any optax optimiser, all members in one compiled loop.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from sims.feature_ensembles import TrainingTriples, denoiser_drift, draw_triples, fit_ridge, with_array_parameters
from sims.networks import FeatureModel
from sims.sampling import heun
from sims.score_networks import AbstractScoreNetwork, RandomFeatureNetwork, network_scales
from sims.score_objectives import AbstractScoreObjective, posterior_mean
from theory.checks import check_count, check_not_negative, check_times, checked_jit
from theory.features import AbstractFeatures
from theory.processes import AbstractProcess


class TrainingSets(NamedTuple):
    """Triples of every member, and what each objective asks of them."""

    triples: TrainingTriples  # arrays with a leading axis of members
    targets: Float[Array, "objectives models P dim"]


class TrainedNetworks(NamedTuple):
    """Networks with leading axes (objectives, models), and how training went.

    Losses are ½(1/P) Σ w|D - y|² over a member's own P triples. `reference` is the loss of the exact posterior mean on
    the same triples: a training loss below it has begun to fit the target noise itself.
    """

    networks: AbstractScoreNetwork
    loss: Float[Array, "objectives models records"]
    reference: Float[Array, "objectives models"]


def draw_training_sets(
    points: Float[Array, "m dim"],
    process: AbstractProcess,
    objectives: Sequence[AbstractScoreObjective],
    *,
    models: int,
    samples: int,
    key: PRNGKeyArray,
) -> TrainingSets:
    """P = `samples` independent triples per member, and their targets under every objective.

    Raises ValueError without an objective, a member or a sample.
    """
    if not objectives or models < 1 or samples < 1:
        raise ValueError(
            f"an ensemble needs objectives, models and samples; got {len(objectives)}, {models} and {samples}"
        )
    return _draw(points, with_array_parameters(process), tuple(objectives), samples, jax.random.split(key, models))


@eqx.filter_jit
def _draw(points, process, objectives: tuple[AbstractScoreObjective, ...], samples: int, keys) -> TrainingSets:
    def of_member(key: PRNGKeyArray) -> tuple[TrainingTriples, Array]:
        triples_key, target_key = jax.random.split(key)
        triples = draw_triples(points, process, samples, key=triples_key)
        targets = [rule.targets(triples, points, process, key=target_key) for rule in objectives]
        return triples, jnp.stack(targets)

    triples, targets = jax.lax.map(of_member, keys)
    return TrainingSets(triples, jnp.swapaxes(targets, 0, 1))


# --- Models linear in their parameters ---


@checked_jit(ridge=check_not_negative)
def fit_features(
    features: AbstractFeatures, sets: TrainingSets, process: AbstractProcess, *, ridge: float
) -> FeatureModel:
    """Ridge fits of W in D = Wφ(x, t) (`fit_ridge`): weights with leading axes (objectives, models).

    One factorisation per member serves all objectives. Raises ValueError as `fit_ridge`.
    """

    def of_member(member: tuple[TrainingTriples, Array]) -> Float[Array, "objectives dim features"]:
        triples, targets = member
        weight = fit_ridge(features, triples, process, ridge=ridge, targets=_side_by_side(targets)).weight
        return weight.reshape(targets.shape[0], targets.shape[2], -1)

    weight = jax.lax.map(of_member, (sets.triples, jnp.swapaxes(sets.targets, 0, 1)))
    return FeatureModel(features, jnp.swapaxes(weight, 0, 1))


@checked_jit(ridge=check_not_negative)
def fit_readouts(
    network: RandomFeatureNetwork, sets: TrainingSets, process: AbstractProcess, *, ridge: float
) -> RandomFeatureNetwork:
    """Ridge fits of the readout A that minimise (1/P) Σ w|y - D(x, t)|² + ridge·|A|² with w = α²/σ².

    Random features are those of `network`, shared by all members; readouts have leading axes (objectives, models).
    Raises ValueError for a negative ridge.
    """

    def of_member(member: tuple[TrainingTriples, Array]) -> Float[Array, "objectives dim hidden"]:
        triples, targets = member
        inputs, skip, output = network_scales(process, triples.noisy, triples.time)
        root = jnp.sqrt(loss_weight(process, triples.time) / triples.time.shape[0])[:, None]
        design = root * output * network.hidden(inputs)
        unexplained = root * _side_by_side(targets - (skip * triples.noisy)[None])
        gram = design.T @ design + ridge * jnp.eye(design.shape[1], dtype=design.dtype)
        readout = jax.scipy.linalg.solve(gram, design.T @ unexplained, assume_a="pos").T
        return readout.reshape(targets.shape[0], targets.shape[2], -1)

    readout = jax.lax.map(of_member, (sets.triples, jnp.swapaxes(sets.targets, 0, 1)))
    return eqx.tree_at(lambda fitted: fitted.readout, network, jnp.swapaxes(readout, 0, 1))


@checked_jit(steps=check_count)
def descend_features(
    features: AbstractFeatures,
    sets: TrainingSets,
    process: AbstractProcess,
    *,
    times: Float[Array, " times"],
    steps: int,
) -> FeatureModel:
    """Gradient descent from W = 0 on ½(1/P) Σ w|y - Wφ|²: weights (objectives, models, times, dim, features).

    `times` are increasing training times τ, the sum of the step sizes (Vastola 2025, Sec. 5.2), each reached from the
    last by `steps` equal steps: converges to gradient flow as they shrink. Raises ValueError for fewer than one step,
    and `equinox.EquinoxRuntimeError` where a step exceeds 2/λ_max of the member's own weighted Gram matrix and descent
    diverges.
    """

    def of_member(member: tuple[TrainingTriples, Array]) -> Float[Array, "objectives times dim features"]:
        triples, targets = member
        root = jnp.sqrt(loss_weight(process, triples.time) / triples.time.shape[0])[:, None]
        design = root * features(triples.noisy, triples.time)
        gram, cross = design.T @ design, design.T @ (root * _side_by_side(targets))

        def stage(weight: Array, duration: Array) -> tuple[Array, Array]:
            weight = jax.lax.fori_loop(0, steps, lambda _, w: w + duration / steps * (cross - gram @ w), weight)
            return weight, weight

        snapshots = jax.lax.scan(stage, jnp.zeros_like(cross), jnp.diff(times, prepend=0.0))[1]
        snapshots = jnp.moveaxis(snapshots, 2, 0).reshape(targets.shape[0], targets.shape[2], *snapshots.shape[:2])
        # Stable descent from zero obeys |W(τ)| ≤ τ|cross|, because (1 - (1 - ηλ)^n)/λ ≤ nη.
        bound = jnp.sqrt(jnp.sum(cross**2)) * jnp.max(times)
        diverged = ~(jnp.max(jnp.abs(snapshots)) <= bound * (1 + 1e-6))
        snapshots = eqx.error_if(snapshots, diverged, "gradient descent diverged: take more steps per training time")
        return jnp.swapaxes(snapshots, 1, 2)

    weight = jax.lax.map(of_member, (sets.triples, jnp.swapaxes(sets.targets, 0, 1)))
    return FeatureModel(features, jnp.swapaxes(weight, 0, 1))


def _side_by_side(targets: Float[Array, "objectives P dim"]) -> Float[Array, "P out"]:
    """Targets of all objectives as columns, objectives running slowest."""
    return jnp.moveaxis(targets, 0, 1).reshape(targets.shape[1], -1)


def loss_weight(process: AbstractProcess, time: Float[Array, "*batch"]) -> Float[Array, "*batch"]:
    """w = α²/σ² on the denoised data: the weight λ = σ² on the score."""
    return (process.signal_scale(time) / process.noise_scale(time)) ** 2


# --- Networks ---


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


# --- Samples ---


def sample_networks(
    networks: AbstractScoreNetwork,
    process: AbstractProcess,
    initial: Float[Array, "n dim"],
    times: Float[Array, " times"],
) -> Float[Array, "objectives models n dim"]:
    """Carry the same initial positions through every network's probability-flow ODE, by Heun's method.

    Arrays of `networks` have the leading axes (objectives, models), as those of the samples do. Computed in the
    precision of `initial`; networks run one after the other inside one compiled loop. Raises ValueError for times
    that are not monotone.
    """
    check_times(times)
    return _sample(networks, with_array_parameters(process), initial, times)


@eqx.filter_jit
def _sample(networks, process, initial, times) -> Float[Array, "objectives models n dim"]:
    arrays, fixed = eqx.partition(networks, eqx.is_inexact_array)

    def of_network(arrays) -> Float[Array, "n dim"]:
        return heun(denoiser_drift(eqx.combine(arrays, fixed), process), initial, times)

    return jax.lax.map(lambda row: jax.lax.map(of_network, row), arrays)
