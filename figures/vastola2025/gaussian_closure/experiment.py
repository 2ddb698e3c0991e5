"""Is the learned score Gaussian over training draws, and what does it cost to pretend so?

The path integral of Vastola 2025, Prop. 3.1, keeps the mean and the covariance of the estimator over training sets and
is exact if the estimator is a Gaussian field; his reviewers asked for a test. At points (x, t) drawn from p(x, t),
Mardia's test is run over an ensemble of trained models, with Holm's correction. Where a model is linear in its weights,
the same ensemble is replaced by one with Gaussian weights of the *measured* mean and covariance: whatever differs then
between the distributions that the two generate is the cost of the closure alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import scipy.stats
from jaxtyping import PRNGKeyArray

from figures.common.randomness import numpy_generator
from figures.common.stages import Arrays, RunStage, Stage
from figures.studies.published_setting import GAP, features_of, normal_quantiles, process_of
from sims.data.built_in import triple
from sims.measurements.densities import gap_shares
from sims.measurements.distances import grouped_cumulative
from sims.measurements.gaussianity import gaussian_surrogates, gaussianity_p_values
from sims.measurements.resampling import jackknife
from sims.networks.feature_model import FeatureModel
from sims.networks.nonlinear import (
    AbstractScoreNetwork,
    RandomFeatureNetwork,
    mlp_denoiser,
    network_scales,
    random_feature_network,
)
from sims.sampling.feature_models import sample_ensemble
from sims.sampling.networks import sample_networks
from sims.sampling.schedules import log_snr_schedule
from sims.training.network_ensembles import train_networks
from sims.training.score_ensembles import TrainingSets, draw_training_sets, fit_features, fit_readouts
from sims.training.score_targets import TargetNoiseDose
from sims.training.training_triples import TrainingTriples, draw_triples
from theory.definitions.processes import VariancePreserving

GRID = np.linspace(-6.0, 6.0, 601)  # for distribution functions; samples beyond count at its ends
GROUPS = 6  # of models: the replicates of what is no mean over models


@dataclass(frozen=True)
class Config:
    """Sizes of the run; linear models are those of Vastola 2025, Fig. 2."""

    cutoff: float = 1e-2  # ε
    ridge: float = 0.1
    features_per_axis: int = 16
    training_samples: tuple[int, ...] = (4096, 1024, 256, 64)  # P of linear models: F/P = 1/16, 1/4, 1, 4
    network_training_samples: int = 256
    random_features: int = 64
    random_feature_scale: float = 2.0
    random_feature_ridge: float = 1e-3
    width: int = 32
    hidden_layers: int = 2
    network_steps: int = 1000
    batch_size: int = 64
    learning_rate: float = 1e-2  # of Adam, decaying as a cosine to zero
    models: int = 900  # linear in what is trained
    networks: int = 300
    points: int = 200  # (x, t) drawn from p(x, t)
    null_draws: int = 20_000
    samples: int = 100
    sampling_steps: int = 150


PRESETS = {
    "quick": Config(),
    "paper": Config(models=2000, networks=1000, points=1000, null_draws=200_000, samples=500, network_steps=4000),
    "tiny": Config(
        features_per_axis=4,
        training_samples=(32, 8),
        network_training_samples=12,
        random_features=6,
        width=4,
        network_steps=8,
        batch_size=8,
        models=24,
        networks=24,
        points=12,
        null_draws=50,
        samples=20,
        sampling_steps=8,
    ),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """By kind: p-values, skewness and kurtosis at the points, distributions, gap masses; of surrogates too."""
    point_key, random_key, network_key, *linear_keys = jax.random.split(key, 3 + len(config.training_samples))
    drawn = _draw_points(config, point_key)
    share = 0.6 / len(config.training_samples)
    stages = [
        Stage(f"linear models, P = {count}", partial(_linear_models, config, drawn, count, linear_key), share=share)
        for count, linear_key in zip(config.training_samples, linear_keys, strict=True)
    ]
    random_features = partial(_random_feature_networks, config, drawn, random_key)
    stages.append(Stage("random-feature networks", random_features, share=0.15))
    stages.append(Stage("MLPs", partial(_mlps, config, drawn, network_key), share=0.25))
    *rows, network = stage.all(stages)
    return {
        "feature_ratio": config.features_per_axis**2 / np.asarray(config.training_samples, dtype=float),
        "random_feature_ratio": np.asarray(config.random_features / config.network_training_samples),
        "x": np.asarray(drawn.noisy[:, 0]),
        "time": np.asarray(drawn.time),
        **{name: np.stack([row[name] for row in rows]) for name in rows[0]},
        **{f"{name}_mlp": value for name, value in network.items()},
    }


def _draw_points(config: Config, key: PRNGKeyArray) -> TrainingTriples:
    """Independent points (x, t) from p(x, t), where the estimators are tested."""
    return draw_triples(jnp.asarray(triple()), _process(config), config.points, key=key)


def _process(config: Config) -> VariancePreserving:
    return process_of(config.cutoff)


def _initial(config: Config) -> jnp.ndarray:
    """Stratified draw from N(0, 1): the mid-quantiles, the same for every model."""
    return normal_quantiles(config.samples)[:, None]


def _training_sets(config: Config, models: int, count: int, key: PRNGKeyArray) -> TrainingSets:
    objectives = (TargetNoiseDose(1.0),)
    points = jnp.asarray(triple())
    return draw_training_sets(points, _process(config), objectives, models=models, samples=count, key=key)


# --- Kinds of model ---


def _linear_models(config: Config, drawn: TrainingTriples, count: int, key: PRNGKeyArray) -> Arrays:
    set_key, random_key = jax.random.split(key)
    process, number = _process(config), config.features_per_axis
    features = features_of("Gaussian", 1, number, number, config.cutoff)
    sets = _training_sets(config, config.models, count, set_key)
    weight = np.asarray(fit_features(features, sets, process, ridge=config.ridge).weight[0])
    times = log_snr_schedule(process, config.sampling_steps)

    def generate(weights: np.ndarray) -> np.ndarray:
        models = FeatureModel(features, jnp.asarray(weights))
        return np.asarray(sample_ensemble(models, process, _initial(config), times, method="heun"))

    def values(weights: np.ndarray) -> np.ndarray:
        return np.moveaxis(weights @ np.asarray(features(drawn.noisy, drawn.time)).T, 1, 2)

    return _closure(config, weight, values, generate, random_key)


def _random_feature_networks(config: Config, drawn: TrainingTriples, key: PRNGKeyArray) -> Arrays:
    """One draw of random features for all models: only the readout depends on the training set."""
    feature_key, set_key, random_key = jax.random.split(key, 3)
    process = _process(config)
    network = random_feature_network(
        process, 1, width=config.random_features, scale=config.random_feature_scale, key=feature_key
    )
    sets = _training_sets(config, config.models, config.network_training_samples, set_key)
    readout = np.asarray(fit_readouts(network, sets, process, ridge=config.random_feature_ridge).readout[0])
    times = log_snr_schedule(process, config.sampling_steps)

    def generate(readouts: np.ndarray) -> np.ndarray:
        count = len(readouts)
        inner = jnp.broadcast_to(network.inner, (1, count, *network.inner.shape))
        bias = jnp.broadcast_to(network.bias, (1, count, *network.bias.shape))
        models = RandomFeatureNetwork(process, inner, bias, jnp.asarray(readouts)[None])
        return np.asarray(sample_networks(models, process, _initial(config), times)[0])

    def values(readouts: np.ndarray) -> np.ndarray:
        inputs, skip, output = network_scales(process, drawn.noisy, drawn.time)
        design = np.asarray(output * network.hidden(inputs))
        return np.asarray(skip * drawn.noisy) + np.moveaxis(readouts @ design.T, 1, 2)

    return _closure(config, readout, values, generate, random_key)


def _mlps(config: Config, drawn: TrainingTriples, key: PRNGKeyArray) -> Arrays:
    """MLPs have their own initial weights each: the estimator varies with both draws."""
    set_key, training_key, random_key = jax.random.split(key, 3)
    process, points = _process(config), jnp.asarray(triple())

    def make(network_key: PRNGKeyArray) -> AbstractScoreNetwork:
        return mlp_denoiser(process, 1, width=config.width, hidden_layers=config.hidden_layers, key=network_key)

    trained = train_networks(
        make,
        _training_sets(config, config.networks, config.network_training_samples, set_key),
        points,
        process,
        optimiser=optax.adam(optax.cosine_decay_schedule(config.learning_rate, config.network_steps)),
        steps=config.network_steps,
        batch_size=config.batch_size,
        records=1,
        key=training_key,
    )
    ensemble = jax.tree.map(lambda leaf: leaf[0] if eqx.is_array(leaf) else leaf, trained.networks)
    at_points = eqx.filter_jit(
        eqx.filter_vmap(lambda network, x, time: network(x, time), in_axes=(eqx.if_array(0), None, None))
    )
    values = at_points(ensemble, drawn.noisy.astype(jnp.float32), drawn.time.astype(jnp.float32))
    p_value = gaussianity_p_values(np.asarray(values), null_draws=config.null_draws, random=numpy_generator(random_key))
    ratio = jackknife(
        lambda mean: float(mean[0] / mean[1]),
        np.stack([trained.loss[0, :, -1], trained.reference[0]], axis=1).astype(float),
    )
    return _shape(np.asarray(values)) | {
        "p_value": p_value,
        "loss_ratio": np.asarray([ratio.value, ratio.stderr, config.networks], dtype=float),
    }


# --- The test, and the cost of the closure ---


def _closure(
    config: Config,
    weights: np.ndarray,
    values: Callable[[np.ndarray], np.ndarray],
    generate: Callable[[np.ndarray], np.ndarray],
    key: PRNGKeyArray,
) -> Arrays:
    """Test, shape and distributions of one ensemble and of as many Gaussian weights of its mean and covariance.

    `weights` are (models, 1, F), `values` gives the denoised data (models, points, 1) at the points, `generate` samples
    (models, n, 1). The denoised data is affine in the score: one is Gaussian where the other is.
    """
    random = numpy_generator(key)
    surrogates = gaussian_surrogates(weights, len(weights), random)
    arrays: Arrays = {}
    for name, of in (("", weights), ("_surrogate", surrogates)):
        at_points = values(of)
        arrays[f"p_value{name}"] = gaussianity_p_values(at_points, null_draws=config.null_draws, random=random)
        samples = generate(of)[..., 0]
        arrays[f"gap{name}"] = gap_shares(samples, *GAP)
        arrays[f"cumulative{name}"] = grouped_cumulative(np.clip(samples, *GRID[[0, -1]]), GRID, GROUPS)
        arrays |= {f"{key}{name}": value for key, value in _shape(at_points).items()}
    return arrays


def _shape(values: np.ndarray) -> Arrays:
    """Skewness and excess kurtosis over the models of a group, (groups, points), of values (models, points, 1)."""
    # Far from all data localised features leave 1e-130 of a score, whose fourth powers would be zero. Neither number
    # depends on the unit, so each place gets its own, a power of two: nothing else is rounded.
    unit = np.ldexp(1.0, np.frexp(np.abs(values).max(axis=0))[1])
    groups = np.array_split((values / unit)[..., 0], min(GROUPS, len(values) // 4))
    return {
        "skewness": np.stack([scipy.stats.skew(group, axis=0, bias=False) for group in groups]),
        "kurtosis": np.stack([scipy.stats.kurtosis(group, axis=0, bias=False) for group in groups]),
    }
