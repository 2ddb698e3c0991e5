"""Ensembles of denoisers trained on independent draws of P noisy triples, for several objectives at once.

Every member has its own triples; the same member of two objectives has the same triples, initial weights and
minibatches, so that objectives are compared member by member. Here are the training sets and the models that are linear
in what is trained, fitted by ridge regression or by gradient descent to a training time τ; `network_ensembles` has the
networks.
"""

from collections.abc import Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float, PRNGKeyArray

from sims.networks.feature_model import FeatureModel
from sims.networks.nonlinear import RandomFeatureNetwork, network_scales
from sims.training.descent import checked_durations
from sims.training.feature_ensembles import fit_ridge
from sims.training.score_targets import AbstractTripleTarget
from sims.training.training_triples import TrainingTriples, draw_triples, with_array_parameters
from theory.definitions.arrays import jit
from theory.definitions.checks import check_finite, check_not_negative, checked_jit, nan_unless, whole_arguments
from theory.definitions.features import AbstractFeatures
from theory.definitions.processes import AbstractProcess


class TrainingSets(NamedTuple):
    """Triples of every member, and what each objective asks of them."""

    triples: TrainingTriples  # arrays with a leading axis of members
    targets: Float[Array, "objectives models P dim"]


@whole_arguments("models", "samples")
def draw_training_sets(
    points: Float[Array, "m dim"],
    process: AbstractProcess,
    objectives: Sequence[AbstractTripleTarget],
    *,
    models: int,
    samples: int,
    key: PRNGKeyArray,
) -> TrainingSets:
    """P = `samples` independent triples per member, and their targets under every objective.

    Raises ValueError without an objective, and unless `models` and `samples` are 1, 2, ….
    """
    if not objectives:
        raise ValueError("objectives must be one or more; got none")
    return _draw(points, with_array_parameters(process), tuple(objectives), samples, jax.random.split(key, models))


@eqx.filter_jit
def _draw(points, process, objectives: tuple[AbstractTripleTarget, ...], samples: int, keys) -> TrainingSets:
    def of_member(key: PRNGKeyArray) -> tuple[TrainingTriples, Array]:
        triples_key, target_key = jax.random.split(key)
        triples = draw_triples(points, process, samples, key=triples_key)
        targets = [rule.targets(triples, points, process, key=target_key) for rule in objectives]
        return triples, jnp.stack(targets)

    triples, targets = jax.lax.map(of_member, keys)
    return TrainingSets(triples, jnp.swapaxes(targets, 0, 1))


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
        inputs, skip, output = network_scales(process, triples.noisy, triples.time, network.preconditioning)
        root = jnp.sqrt(loss_weight(process, triples.time) / triples.time.shape[0])[:, None]
        design = root * output * network.hidden(inputs)
        unexplained = root * _side_by_side(targets - (skip * triples.noisy)[None])
        gram = design.T @ design + ridge * jnp.eye(design.shape[1], dtype=design.dtype)
        readout = jax.scipy.linalg.solve(gram, design.T @ unexplained, assume_a="pos").T
        return readout.reshape(targets.shape[0], targets.shape[2], -1)

    readout = jax.lax.map(of_member, (sets.triples, jnp.swapaxes(sets.targets, 0, 1)))
    return eqx.tree_at(lambda fitted: fitted.readout, network, jnp.swapaxes(readout, 0, 1))


@whole_arguments("steps")
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
    last by `steps` equal steps: converges to gradient flow as they shrink. Raises ValueError unless `steps` is 1, 2,
    … and times are finite, zero or more and never decrease; and where a step exceeds 2/λ_max of the member's own
    weighted Gram matrix and descent diverges: there the weights are NaN where something is traced.
    """
    if np.ndim(times) != 1 or np.size(times) == 0:
        raise ValueError(f"times must be a sequence that increases from zero or more; got shape {np.shape(times)}")
    if not isinstance(times, Tracer):
        checked_durations(np.asarray(times))
    trained = _descend_features(features, sets, process, times=times, steps=steps)
    check_finite(trained.weight, "gradient descent diverged: take more steps per training time")
    return trained


@jit
def _descend_features(
    features: AbstractFeatures, sets: TrainingSets, process: AbstractProcess, *, times: Array, steps: int
) -> FeatureModel:
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
        converged = jnp.max(jnp.abs(snapshots)) <= bound * (1 + 1e-6)
        return jnp.swapaxes(nan_unless(converged, snapshots), 1, 2)

    weight = jax.lax.map(of_member, (sets.triples, jnp.swapaxes(sets.targets, 0, 1)))
    return FeatureModel(features, jnp.swapaxes(weight, 0, 1))


def _side_by_side(targets: Float[Array, "objectives P dim"]) -> Float[Array, "P out"]:
    """Targets of all objectives as columns, objectives running slowest."""
    return jnp.moveaxis(targets, 0, 1).reshape(targets.shape[1], -1)


def loss_weight(process: AbstractProcess, time: Float[Array, "*batch"]) -> Float[Array, "*batch"]:
    """w = α²/σ² on the denoised data: the weight λ = σ² on the score."""
    return (process.signal_scale(time) / process.noise_scale(time)) ** 2
