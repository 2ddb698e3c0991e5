"""How many references divide the variance of a score target by their number, and at which noise levels.

Two narrow clusters in many dimensions and a single Gaussian, of which references are drawn without end; and a few
points, of which they are drawn without replacement. Targets are drawn; theory has the variance without references, the
limit of many of them, and for a few points everything.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from figures.common.stages import Arrays, RunStage, Stage
from sims.measurements.target_scatter import fresh_target_scatter, target_scatter
from theory.definitions.processes import EDM
from theory.definitions.spectra import Spectrum
from theory.exact_scores.gaussian_mixtures import GaussianMixture
from theory.exact_scores.point_masses import PointMasses
from theory.target_noise.information import noise_level_of_information
from theory.target_noise.target_variance import target_variance
from theory.target_noise.tilt import stable_target_log_tilt


@dataclass(frozen=True)
class Config:
    """Sizes of the run. Noise levels are geometric: first, last, number."""

    dimension: int = 64  # of the clusters at ± the first axis
    cluster_variance: float = 0.01
    levels: tuple[float, float, int] = (0.1, 4.0, 17)
    gaussian_dimension: int = 16
    information: tuple[float, ...] = (0.125, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)  # of the Gaussian, in units of ln n
    references: tuple[int, ...] = (1, 8, 64, 512)
    points: int = 10
    point_levels: tuple[float, float, int] = (0.02, 10.0, 15)
    point_references: tuple[int, ...] = (1, 2, 5, 9)
    replicates: int = 32
    draws: int = 512
    point_draws: int = 8192


PRESETS = {
    "quick": Config(),
    "paper": Config(
        levels=(0.1, 4.0, 33),
        references=(1, 2, 8, 32, 64, 128, 512, 2048),
        replicates=128,
        draws=2048,
        point_draws=65536,
    ),
    "tiny": Config(
        dimension=3,
        levels=(0.3, 3.0, 4),
        gaussian_dimension=2,
        information=(0.5, 1.0),
        references=(1, 8),
        points=4,
        point_levels=(0.3, 3.0, 3),
        point_references=(1, 2),
        replicates=3,
        draws=8,
        point_draws=64,
    ),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """All variances are σ²V, of a target in units of 1/σ; `references` n.

    Of the clusters `levels`, `clusters_measured` (replicates, n, levels), `clusters_dsm` and `clusters_log_tilt`
    (levels,), theory for n = 1 and n → ∞. Of the Gaussian, at levels where it has so much information in units of
    ln n, `information`, for n > 1 `gaussian_levels` (n, levels), `gaussian_measured` (replicates, n, 2, levels) without
    and with references, and `gaussian_log_tilt` (n, levels). Of the points `point_levels`, `point_references`,
    `points_measured` (replicates, n, levels), `points_theory` (n, levels), and `point_count`.
    """
    cluster_key, gaussian_key, point_key = jax.random.split(key, 3)
    stages = [
        Stage("clusters", partial(_clusters, config, cluster_key), 0.5),
        Stage("Gaussian", partial(_gaussian, config, gaussian_key), 0.3),
        Stage("points", partial(_points, config, point_key), 0.2),
    ]
    arrays: Arrays = {"references": np.array(config.references)}
    for result in stage.all(stages):
        arrays |= result
    return arrays


def _clusters(config: Config, key: PRNGKeyArray) -> Arrays:
    means = np.zeros((2, config.dimension))
    means[:, 0] = (1, -1)
    data, levels = GaussianMixture(means, config.cluster_variance), np.geomspace(*config.levels)
    return {
        "levels": levels,
        "clusters_measured": _replicates(config, data, levels, config.references, key),
        "clusters_dsm": levels**2 * np.asarray(target_variance(data, EDM(), levels)),
        "clusters_log_tilt": np.asarray(stable_target_log_tilt(data, EDM(), levels)),
    }


def _gaussian(config: Config, key: PRNGKeyArray) -> Arrays:
    dimension, references = config.gaussian_dimension, config.references[1:]
    data = GaussianMixture(np.zeros((1, dimension)), 1.0)
    spectrum = Spectrum(jnp.zeros(dimension), jnp.ones(dimension))
    nats = np.multiply.outer(np.log(references), config.information)
    levels = np.asarray(noise_level_of_information(spectrum, nats))
    keys = jax.random.split(key, len(references))
    measured = [
        _replicates(config, data, own, (1, number), own_key)
        for number, own, own_key in zip(references, levels, keys, strict=True)
    ]
    return {
        "information": np.array(config.information),
        "gaussian_levels": levels,
        "gaussian_measured": np.stack(measured, axis=1),
        "gaussian_log_tilt": np.asarray(stable_target_log_tilt(data, EDM(), levels)),
    }


def _points(config: Config, key: PRNGKeyArray) -> Arrays:
    """Points of a Gaussian at its quantiles' middles, so that none are nearly equal."""
    point_key, draw_key = jax.random.split(key)
    shares = (jnp.arange(config.points) + jax.random.uniform(point_key, (config.points,), minval=0.3, maxval=0.7)) / (
        config.points
    )
    points = jax.scipy.special.ndtri(shares)[:, None]
    levels = np.geomspace(*config.point_levels)
    measure = jax.jit(
        lambda key: (
            target_scatter(
                points, jnp.asarray(levels), config.point_references, draws=config.point_draws, key=key
            ).scatter
        )
    )
    data = PointMasses(points)
    theory = [levels**2 * np.asarray(target_variance(data, EDM(), levels, n)) for n in config.point_references]
    return {
        "point_levels": levels,
        "point_references": np.array(config.point_references),
        "point_count": np.asarray(config.points),
        "points_measured": np.stack([measure(each) for each in jax.random.split(draw_key, config.replicates)]),
        "points_theory": np.stack(theory),
    }


def _replicates(
    config: Config,
    data: GaussianMixture,
    levels: Float[np.ndarray, " levels"],
    references: tuple[int, ...],
    key: PRNGKeyArray,
) -> Float[np.ndarray, "replicates references levels"]:
    measure = jax.jit(
        lambda key: fresh_target_scatter(
            _sampler(data), _score(data), jnp.asarray(levels), references, draws=config.draws, key=key
        )
    )
    return np.stack([measure(each) for each in jax.random.split(key, config.replicates)])


def _sampler(data: GaussianMixture) -> Callable[[PRNGKeyArray, int], Float[Array, "n dim"]]:
    def sample(key: PRNGKeyArray, number: int) -> Float[Array, "n dim"]:
        cluster_key, place_key = jax.random.split(key)
        centres = data.means[jax.random.randint(cluster_key, (number,), 0, len(data.means))]
        return centres + jnp.sqrt(data.variances[0]) * jax.random.normal(place_key, centres.shape)

    return sample


def _score(data: GaussianMixture) -> Callable[[Array, Array], Array]:
    def score(x: Array, level: Array) -> Array:
        return data.score(x, level, EDM())

    return score
