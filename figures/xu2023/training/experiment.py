"""Does a target averaged over references train better, and better than what else its cost would buy?

MLP-UNets on clusters whose exact denoiser is known, trained on the target of denoising score matching, on averages over
references, and on larger batches. Their error is held against the exact denoiser, which has no noise of a target.
"""

from dataclasses import dataclass
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from figures.common.stages import Arrays, RunStage, Stage
from sims.networks.mlp_unet import mlp_unet
from sims.networks.preconditioned import PreconditionedNetwork
from sims.training.edm import EDMEnsemble, EDMTraining, check_loss
from sims.training.records import log_spaced_records
from sims.training.references import References
from sims.training.state import advance
from theory.definitions.processes import EDM
from theory.definitions.weights import EDMWeight
from theory.exact_scores.gaussian_mixtures import GaussianMixture
from theory.target_noise.sampled_variance import sampled_target_variance


@dataclass(frozen=True)
class Config:
    """Sizes of the run. Noise levels at which errors are measured are geometric: first, last, number."""

    dimension: int = 16
    clusters: int = 16
    spread: float = 0.5  # of the centres along each axis
    cluster_variance: float = 0.01
    points: int = 65536
    layers: int = 2
    width: int = 64
    embedding: int = 32
    batch_size: int = 32
    references: int = 128
    learning_rate: float = 1e-3
    steps: int = 1200
    records: int = 10
    models: int = 5
    levels: tuple[float, float, int] = (0.03, 6.0, 9)
    test_points: int = 384  # at every level
    variance_draws: int = 512


PRESETS = {
    "quick": Config(),
    "paper": Config(
        dimension=64,
        layers=3,
        width=256,
        embedding=128,
        references=1024,
        batch_size=128,
        steps=10000,
        records=16,
        models=8,
        test_points=1024,
        variance_draws=4096,
    ),
    "tiny": Config(
        dimension=2,
        clusters=3,
        points=128,
        layers=2,
        width=8,
        embedding=4,
        batch_size=4,
        references=8,
        steps=20,
        records=4,
        models=2,
        levels=(0.1, 3.0, 3),
        test_points=16,
        variance_draws=16,
    ),
}


def objectives(config: Config) -> dict[str, tuple[int, References]]:
    """Batch size and references of what is trained."""
    size, number = config.batch_size, config.references
    return {
        "DSM": (size, References(1)),
        "shared": (size, References(number, shared=True)),
        "own": (size, References(number)),
        "double": (2 * size, References(1)),
        "large": (number, References(1)),
    }


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Errors `error_…` (models, records, levels) of every objective, w E|D - D*|² with EDM's weight w.

    `steps` (records,), `levels`, `batch_size`, `references`, and of theory `variance` (2, levels), σ²V of the target
    without and with references, and `exact_loss` (levels,), w E|x_0 - D*|². All objectives share data, initial
    weights and test points, model by model.
    """
    data_key, network_key, variance_key, *run_keys = jax.random.split(key, 3 + len(objectives(config)))
    data = clusters(config, data_key)
    stages = [Stage("variances", partial(_variances, config, data, variance_key), 0.1)]
    for (name, (size, references)), run_key in zip(objectives(config).items(), run_keys, strict=True):
        work = partial(_train, config, data, size, references, network_key, run_key)
        stages.append(Stage(f"networks, {name}", work, 0.9 / len(run_keys)))
    variances, *runs = stage.all(stages)
    return {
        "levels": np.geomspace(*config.levels),
        "steps": log_spaced_records(config.steps, config.records),
        "batch_size": np.asarray(config.batch_size),
        "references": np.asarray(config.references),
        **variances,
        **{f"error_{name}": run["error"] for name, run in zip(objectives(config), runs, strict=True)},
    }


def clusters(config: Config, key: PRNGKeyArray) -> GaussianMixture:
    """Round clusters about normal centres."""
    means = config.spread * jax.random.normal(key, (config.clusters, config.dimension))
    return GaussianMixture(means, config.cluster_variance)


def _variances(config: Config, data: GaussianMixture, key: PRNGKeyArray) -> Arrays:
    levels = np.geomspace(*config.levels)
    found = [
        sampled_target_variance(data, EDM(), levels, number, draws=config.variance_draws, key=key).value
        for number in (1, config.references)
    ]
    weight = np.asarray(EDMWeight()(EDM(), jnp.asarray(levels)))
    return {"variance": levels**2 * np.stack(found), "exact_loss": weight * levels**4 * np.asarray(found[0])}


def _train(
    config: Config,
    data: GaussianMixture,
    batch_size: int,
    references: References,
    network_key: PRNGKeyArray,
    run_key: PRNGKeyArray,
) -> Arrays:
    """Ensembles of networks, each with initial weights and test points of its own; all have the same data."""
    point_key, test_key, weight_key = jax.random.split(network_key, 3)
    points = _samples(data, config.points, point_key)
    training = EDMTraining(points, optax.adam(config.learning_rate), batch_size, references=references)

    def make(key: PRNGKeyArray) -> PreconditionedNetwork:
        layers, width, embedding = config.layers, config.width, config.embedding
        network = mlp_unet(config.dimension, layers=layers, width=width, embedding=embedding, key=key)
        return PreconditionedNetwork(network=network)

    networks = eqx.filter_vmap(make)(jax.random.split(weight_key, config.models))
    ensemble = EDMEnsemble(training)
    state = ensemble.init(networks, jax.random.split(run_key, config.models))
    test, errors = _test(config, data, test_key), []
    for record in log_spaced_records(config.steps, config.records):
        state = advance(ensemble, state, int(record - state.step))
        check_loss(state, f"that of step {record}")
        errors.append(np.asarray(_errors(state.parameters, *test)))
    return {"error": np.stack(errors, axis=1)}


def _test(config: Config, data: GaussianMixture, key: PRNGKeyArray) -> tuple[Array, Array, Array]:
    """Noisy points (models, levels, points, dim), what the exact denoiser makes of them, and their levels."""
    levels = jnp.asarray(np.geomspace(*config.levels))
    own_key, noise_key = jax.random.split(key)
    shape = config.models, levels.size, config.test_points, config.dimension
    clean = _samples(data, int(np.prod(shape[:-1])), own_key).astype(levels.dtype).reshape(shape)
    noisy = clean + levels[None, :, None, None] * jax.random.normal(noise_key, shape, levels.dtype)
    each = jnp.broadcast_to(levels[None, :, None], shape[:-1])
    return noisy.astype(jnp.float32), data.denoised(noisy, each, EDM()).astype(jnp.float32), levels.astype(jnp.float32)


def _samples(data: GaussianMixture, number: int, key: PRNGKeyArray) -> Float[Array, "n dim"]:
    cluster_key, place_key = jax.random.split(key)
    centres = data.means[jax.random.randint(cluster_key, (number,), 0, len(data.means))].astype(jnp.float32)
    width = jnp.sqrt(data.variances[0]).astype(jnp.float32)
    return centres + width * jax.random.normal(place_key, centres.shape, jnp.float32)


@eqx.filter_jit
def _errors(networks: PreconditionedNetwork, noisy: Array, exact: Array, levels: Array) -> Array:
    """w E|D - D*|² (models, levels)."""

    def at(network: PreconditionedNetwork, x: Array, right: Array, level: Array) -> Array:
        squared = jnp.mean(jnp.sum((network(x, level) - right) ** 2, axis=1))
        return EDMWeight()(EDM(), level) * squared

    over_levels = eqx.filter_vmap(at, in_axes=(None, 0, 0, 0))
    return eqx.filter_vmap(over_levels, in_axes=(eqx.if_array(0), 0, 0, None))(networks, noisy, exact, levels)
