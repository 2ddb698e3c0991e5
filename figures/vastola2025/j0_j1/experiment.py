"""What target noise does to what is learned: denoising score matching, the exact score, four doses and shapes of noise.

Vastola 2025 holds that the covariance C of the proxy score makes diffusion models generalise, and his reviewers asked
for J_1 (denoising score matching, DSM) against J_0 (regression on the exact score). Ensembles of linear models and of
small MLPs are trained with targets that have the same mean and the covariance cC, c ∈ {0, 1, 4}, or the isotropic
covariance (tr C/D) I. In one dimension the last differs from DSM in its higher moments alone; the corners of a square
tell shape from size. Each case draws training sets once and trains models on them for every objective, so that
objectives are compared on the same triples, initial weights and minibatches.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import PRNGKeyArray

from figures.common.parts import all_grouped, joined_parts, part_size, stages_of_parts
from figures.common.stages import Arrays, RunStage, Stage
from figures.studies.published_setting import GAP, bin_edges, features_of, normal_quantiles, process_of
from sims.data.built_in import rotated_square, triple
from sims.measurements.densities import gap_shares, histograms, joint_histogram
from sims.measurements.memorisation import distance_to_segment, memorised
from sims.networks.feature_model import FeatureModel
from sims.networks.nonlinear import mlp_denoiser
from sims.sampling.feature_models import sample_ensemble
from sims.sampling.networks import sample_networks
from sims.sampling.schedules import log_snr_schedule
from sims.training.network_ensembles import train_networks
from sims.training.score_ensembles import TrainingSets, draw_training_sets, fit_features
from sims.training.score_targets import IsotropicTargetNoise, TargetNoiseDose
from theory.definitions.features import AbstractFeatures
from theory.definitions.processes import VariancePreserving

OBJECTIVES = {
    "exact score, c = 0": TargetNoiseDose(0.0),
    "DSM, c = 1": TargetNoiseDose(1.0),
    "c = 4": TargetNoiseDose(4.0),
    "isotropic, same trace": IsotropicTargetNoise(),
}
EXACT, DSM, FOURFOLD, ISOTROPIC = range(4)
_NEAR_EDGE = 0.15


@dataclass(frozen=True)
class Config:
    """Sizes of the run. Linear models are those of Vastola 2025, Figs. 2 and 3; networks have none to follow."""

    cutoff: float = 1e-2  # ε
    ridge: float = 0.1
    features_per_axis: int = 16
    training_samples: tuple[int, int] = (1024, 256)  # P on the line; F/P = 1/4 and 1
    square_features_per_axis: int = 10
    square_training_samples: int = 500
    network_training_samples: int = 256
    square_network_training_samples: int = 500
    width: int = 32
    hidden_layers: int = 2
    network_steps: int = 3200
    square_network_steps: int = 1600
    batch_size: int = 64
    learning_rate: float = 1e-2  # of Adam, decaying as a cosine to zero
    line_models: int = 2400  # linear models per case on the line, where they differ more than their samples do
    line_samples: int = 80  # of a linear model
    square_models: int = 240  # linear models on the square
    models: int = 40  # networks
    samples: int = 300  # of a network on the line
    square_samples_per_axis: int = 20
    sampling_steps: int = 150
    bins: int = 60
    parts: int = 1  # of the models of every case, a stage each


PRESETS = {
    "quick": Config(),
    "paper": Config(
        line_models=4800,
        line_samples=200,
        square_models=1000,
        models=300,
        network_steps=6400,
        samples=1000,
        square_samples_per_axis=40,
        bins=150,
        parts=4,
    ),
    "tiny": Config(
        features_per_axis=4,
        training_samples=(32, 16),
        square_features_per_axis=3,
        square_training_samples=20,
        network_training_samples=16,
        square_network_training_samples=16,
        width=4,
        network_steps=16,
        square_network_steps=8,
        batch_size=8,
        line_models=3,
        line_samples=20,
        square_models=3,
        models=3,
        samples=20,
        square_samples_per_axis=5,
        sampling_steps=8,
        bins=10,
    ),
}
LINE_CASES = ("linear_first", "linear_second", "network")
SQUARE_CASES = ("square_linear", "square_network")
NETWORK_CASES = ("network", "square_network")
MODELS_AXIS: dict[str, int] = dict.fromkeys(("gap", "memorised", "bridge", "loss", "reference"), 1)
_NUMBERS_OF_MODELS = ("line_models", "square_models", "models")
_SHARES = {"linear_first": 0.15, "linear_second": 0.1, "network": 0.25, "square_linear": 0.2, "square_network": 0.25}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Per case: gap mass and memorised fraction [objective, model], densities [objective, bins…]."""
    names = (*LINE_CASES, *SQUARE_CASES)
    arrays: Arrays = {
        "feature_ratio": config.features_per_axis**2 / np.asarray(config.training_samples, dtype=float),
        "edges": bin_edges(config.bins),
        "corners": square_corners(),
    }
    keys = dict(zip(names, jax.random.split(key, len(names)), strict=True))
    part = _of_one_part(config)
    cases = [
        stages_of_parts(name, partial(_CASES[name], part), keys[name], parts=config.parts, share=_SHARES[name])
        for name in names
    ]
    doubled = Stage("twice the steps", partial(_change_on_doubling, config, keys["linear_second"]), share=0.05)
    *results, (change,) = all_grouped(stage, [*cases, [doubled]])
    for name, runs in zip(names, results, strict=True):
        arrays |= {f"{name}_{array}": value for array, value in joined_parts(runs, MODELS_AXIS).items()}
    return arrays | change


def _of_one_part(config: Config) -> Config:
    """With the models of one part."""
    models = {name: part_size(getattr(config, name), config.parts) for name in _NUMBERS_OF_MODELS}
    return replace(config, **models)


def _process(config: Config) -> VariancePreserving:
    return process_of(config.cutoff)


def square_corners() -> np.ndarray:
    """Corners at (±1, ±1)/√2, so that edges are parallel to the axes of the features."""
    return rotated_square(np.pi / 4)


# --- Training and sampling ---


def _sets(config: Config, points: np.ndarray, models: int, count: int, key: PRNGKeyArray) -> TrainingSets:
    return draw_training_sets(
        jnp.asarray(points), _process(config), tuple(OBJECTIVES.values()), models=models, samples=count, key=key
    )


def _line_positions(count: int) -> jnp.ndarray:
    """Stratified draw from N(0, 1), the same for every model; σ at the start is one to 1e-9."""
    return normal_quantiles(count)[:, None]


def _square_positions(config: Config) -> jnp.ndarray:
    """Stratified in both coordinates: all pairs of mid-quantiles."""
    axis = normal_quantiles(config.square_samples_per_axis)
    return jnp.stack(jnp.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)


def _linear_samples(
    config: Config, features: AbstractFeatures, sets: TrainingSets, initial: jnp.ndarray, steps: int
) -> np.ndarray:
    """Samples [objective, model, n, dim] of ridge fits."""
    process = _process(config)
    weight = fit_features(features, sets, process, ridge=config.ridge).weight
    models = FeatureModel(features, weight.reshape(-1, *weight.shape[2:]))
    samples = sample_ensemble(models, process, initial, log_snr_schedule(process, steps), method="heun")
    return np.asarray(samples).reshape(*weight.shape[:2], *initial.shape)


def _network_samples(
    config: Config, points: np.ndarray, count: int, steps: int, initial: jnp.ndarray, key: PRNGKeyArray
) -> tuple[np.ndarray, Arrays]:
    """Samples [objective, model, n, dim] of MLPs, and how their training went."""
    sets_key, training_key = jax.random.split(key)
    process, schedule = _process(config), optax.cosine_decay_schedule(config.learning_rate, steps)

    def make(network_key: PRNGKeyArray):
        return mlp_denoiser(
            process, points.shape[1], width=config.width, hidden_layers=config.hidden_layers, key=network_key
        )

    trained = train_networks(
        make,
        _sets(config, points, config.models, count, sets_key),
        jnp.asarray(points),
        process,
        optimiser=optax.adam(schedule),
        steps=steps,
        batch_size=config.batch_size,
        records=8,
        key=training_key,
    )
    times = log_snr_schedule(process, config.sampling_steps).astype(jnp.float32)
    samples = sample_networks(trained.networks, process, initial.astype(jnp.float32), times)
    return np.asarray(samples, dtype=float), {
        "loss": np.asarray(trained.loss),
        "reference": np.asarray(trained.reference),
    }


# --- Cases ---


def _line_linear(which: int, config: Config, key: PRNGKeyArray) -> Arrays:
    return _measure_line(config, _line_linear_samples(which, config, key, config.sampling_steps))


def _line_linear_samples(which: int, config: Config, key: PRNGKeyArray, steps: int, stride: int = 1) -> np.ndarray:
    """Samples from every `stride`-th of the initial positions."""
    number = config.features_per_axis
    features = features_of("Gaussian", 1, number, number, config.cutoff)
    sets = _sets(config, triple(), config.line_models, config.training_samples[which], key)
    return _linear_samples(config, features, sets, _line_positions(config.line_samples)[::stride], steps)


def _line_network(config: Config, key: PRNGKeyArray) -> Arrays:
    samples, training = _network_samples(
        config, triple(), config.network_training_samples, config.network_steps, _line_positions(config.samples), key
    )
    return _measure_line(config, samples) | training


def _square_linear(config: Config, key: PRNGKeyArray) -> Arrays:
    number = config.square_features_per_axis
    features = features_of("Gaussian", 2, number, number, config.cutoff)
    sets = _sets(config, square_corners(), config.square_models, config.square_training_samples, key)
    samples = _linear_samples(config, features, sets, _square_positions(config), config.sampling_steps)
    return _measure_square(config, samples)


def _square_network(config: Config, key: PRNGKeyArray) -> Arrays:
    count, steps = config.square_network_training_samples, config.square_network_steps
    samples, training = _network_samples(config, square_corners(), count, steps, _square_positions(config), key)
    return _measure_square(config, samples) | training


_CASES: dict[str, Callable[[Config, PRNGKeyArray], Arrays]] = {
    "linear_first": partial(_line_linear, 0),
    "linear_second": partial(_line_linear, 1),
    "network": _line_network,
    "square_linear": _square_linear,
    "square_network": _square_network,
}


def _measure_line(config: Config, samples: np.ndarray) -> Arrays:
    edges = bin_edges(config.bins)
    return {
        "gap": gap_shares(samples[..., 0], *GAP),
        "memorised": np.mean(memorised(samples, triple()), axis=-1),
        "density": np.stack([histograms(of[..., 0], edges).mean(axis=0) for of in samples]),
    }


def _measure_square(config: Config, samples: np.ndarray) -> Arrays:
    """The gap is all that is not memorised; bridges are the part of it near an edge of the square."""
    edges, corners = bin_edges(config.bins), square_corners()
    kept = memorised(samples, corners)
    to_edge = np.min([distance_to_segment(samples, corners[i], corners[(i + 1) % 4]) for i in range(4)], axis=0)
    return {
        "gap": np.mean(~kept, axis=-1),
        "memorised": np.mean(kept, axis=-1),
        "bridge": np.mean(~kept & (to_edge < _NEAR_EDGE), axis=-1),
        "density": np.stack([joint_histogram(of.reshape(-1, 2), edges) for of in samples]),
    }


def _change_on_doubling(config: Config, key: PRNGKeyArray) -> Arrays:
    """Gap mass at F/P = 1 with twice the sampler's steps minus with the steps used, [objective, model]."""
    coarse, fine = (_line_linear_samples(1, config, key, config.sampling_steps * factor, stride=2) for factor in (1, 2))
    return {"gap_change_on_doubling": gap_shares(fine[..., 0], *GAP) - gap_shares(coarse[..., 0], *GAP)}
