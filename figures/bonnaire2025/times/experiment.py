"""Train and test losses of random features of white data, for a growing number of points, and what theory has for them.

Trained by gradient descent on all points and all of their noise, with features that are tanh of what they see. In
closed form by gradient flow, once on the moments that were trained on, and once on their Gaussian equivalents, which
know of tanh four numbers and share weights and points with what was trained.
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from figures.common.stages import Arrays, RunStage, Stage
from sims.networks.random_features import feature_averages, population_averages
from sims.training.feature_descent import train_random_features
from theory.definitions.spectra import Spectrum
from theory.finite_data.random_feature_scores import (
    FeatureMoments,
    equivalent_feature_moments,
    feature_coefficients,
    feature_losses,
    population_feature_moments,
)
from theory.finite_data.random_feature_spectrum import generalisation_time, memorisation_time

_MANY_FEATURES, _MANY_SAMPLES = 1e6, (100.0, 1000.0)  # where theory alone is asked for ψ_p ≫ ψ_n ≫ 1


@dataclass(frozen=True)
class Config:
    """Sizes of the run: ψ_p features and ψ_n points per dimension, the process time t, draws of weights and points."""

    dimension: int = 12
    features: int = 64
    samples: tuple[int, ...] = (4, 8, 16, 32)
    time: float = 0.1
    replicates: int = 6
    step: float = 0.05  # over the largest eigenvalue of U: so far is descent from flow
    octaves: int = 17


PRESETS = {
    "quick": Config(),
    "paper": Config(dimension=100, replicates=8),
    "tiny": Config(dimension=4, features=10, samples=(2, 4), replicates=3, octaves=12),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """`dimension` d, `features` ψ_p, `samples` ψ_n, `best` loss that any model can have on fresh data.

    Losses have the axes (ψ_n, replicates, snapshots, 2), train and test: `trained`, and in closed form `flow` on the
    same moments and `equivalent` on their Gaussian equivalents, at the training times `tau` (ψ_n, replicates,
    snapshots). `eigenvalues` (ψ_n, replicates): the smallest of the n - d of ρ_1. Of theory for d → ∞ (ψ_n,):
    `memorisation`, `generalisation`, τ_mem and τ_gen by the edges of the spectrum, and `printed`, τ_mem by the edge for
    ψ_p ≫ ψ_n ≫ 1; `floor_time`, ψ_p/2σ²s_t², in which modes at s_t² are learned; and `limit`, τ_mem
    of very many features at `limit_samples`.
    """
    tasks = [(samples, replicate) for samples in config.samples for replicate in range(config.replicates)]
    costs = np.array([float(config.features + samples) for samples, _ in tasks])
    stages = [
        Stage(f"{samples} points per dimension, draw {replicate + 1}", partial(_drawn, config, samples, own), share)
        for (samples, replicate), own, share in zip(
            tasks, jax.random.split(key, len(tasks)), (costs / costs.sum()).tolist(), strict=True
        )
    ]
    results = stage.all(stages)
    shape = len(config.samples), config.replicates
    arrays = {
        name: np.stack([each[name] for each in results]).reshape(*shape, *results[0][name].shape) for name in results[0]
    }
    return arrays | _theory(config)


def _scales(time: float) -> tuple[float, float]:
    """e^-t and √Δ_t = √(1 - e^-2t)."""
    return float(np.exp(-time)), float(np.sqrt(-np.expm1(-2 * time)))


def _drawn(config: Config, samples: int, key: PRNGKeyArray) -> Arrays:
    dimension, (alpha, sigma) = config.dimension, _scales(config.time)
    weight_key, point_key, scatter_key = jax.random.split(key, 3)
    weights = jax.random.normal(weight_key, (config.features * dimension, dimension), float)
    points = jax.random.normal(point_key, (samples * dimension, dimension), float)
    own = feature_averages(weights, points, alpha, sigma)
    population = population_averages(weights, jnp.ones(dimension), alpha, sigma)
    eigenvalues = np.linalg.eigvalsh(np.asarray(own.second))
    step = config.step / eigenvalues[-1]
    steps, trained = train_random_features(own, population, sigma, step=step, octaves=config.octaves)
    # A step of gradient descent moves M by 2σ²(d/p)U dτ.
    tau = steps * step * config.features / (2 * sigma**2)
    spectrum = Spectrum.from_variances(np.ones(dimension))
    coefficients = feature_coefficients(spectrum, alpha, sigma)
    scatter = jax.random.normal(scatter_key, (len(weights), len(points)), float)
    equivalents = (
        equivalent_feature_moments(coefficients, weights, points, scatter),
        population_feature_moments(coefficients, weights, spectrum),
    )
    same = (FeatureMoments(*own[:2]), FeatureMoments(*population[:2]))
    flow, equivalent = (
        np.stack([np.asarray(each) for each in feature_losses(*moments, sigma, tau)], axis=-1)
        for moments in (same, equivalents)
    )
    return {
        "tau": tau,
        "trained": trained,
        "flow": flow,
        "equivalent": equivalent,
        "eigenvalues": np.asarray(eigenvalues[-samples * dimension]),
    }


def _theory(config: Config) -> Arrays:
    alpha, sigma = _scales(config.time)
    white = Spectrum.from_variances(np.ones(1))
    coefficients = feature_coefficients(white, alpha, sigma)
    times, first = [], []
    for samples in config.samples:
        sizes = coefficients, white, config.features, samples
        times.append(float(memorisation_time(*sizes)))
        first.append(float(generalisation_time(*sizes)))
    roots = np.sqrt(config.features / np.array(config.samples))
    limit = [float(memorisation_time(coefficients, white, _MANY_FEATURES, each)) for each in _MANY_SAMPLES]
    far = float(coefficients.remainder) + float(coefficients.nonlinear) * (roots - 1) ** 2
    return {
        "dimension": np.asarray(config.dimension),
        "features": np.asarray(config.features),
        "samples": np.array(config.samples),
        "noise": np.asarray(sigma),
        "best": np.asarray(1 - sigma**2 / (alpha**2 + sigma**2)),
        "memorisation": np.array(times),
        "generalisation": np.array(first),
        "printed": config.features / (sigma**2 * far),
        "limit": np.array(limit),
        "limit_samples": np.array(_MANY_SAMPLES),
        "floor_time": np.asarray(config.features / (2 * sigma**2 * float(coefficients.remainder))),
    }
