"""What smoothing the score of twelve points of a circle generates, beside smoothing their density.

Twelve points of the unit circle, evenly spaced or drawn; the reverse variance-exploding process from T = 9 in 100
Euler-Maruyama steps with a score smoothed over a normal of standard deviation h. Beside it the points themselves, moved
by a normal of the same h: smoothing their density. And how many more points smoothing is worth: the variance of the
empirical score over data sets of N(0, I), with and without.
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from figures.common.stages import Arrays, RunStage, Stage
from sims.measurements.circles import circle_log_loss, distance_along_circle, distance_to_circle
from sims.measurements.memorisation import memorised
from sims.sampling.smoothed_scores import smoothed_empirical_score, smoothed_score_samples
from theory.definitions.processes import EDM
from theory.exact_scores.gaussian_mixtures import GaussianMixture
from theory.target_noise.score_smoothing import effective_points, empirical_score_covariance

ARRANGEMENTS: tuple[str, ...] = ("even", "drawn")  # how the points lie
MEASURES = ("loss", "memorised", "radial", "along")
NODES = {1: 16, 2: 10}  # of the kernel along one coordinate, for the variance over data sets


@dataclass(frozen=True)
class Config:
    """Sizes of the run. Noise levels of the sampler are geometric from √9 to the last; the step after it goes to 0."""

    points: int = 12
    bandwidths: tuple[float, ...] = (0.0, 0.02, 0.04, 0.06, 0.08, 0.10, 0.12, 0.15, 0.18, 0.21, 0.25, 0.30)
    steps: int = 100
    last_level: float = 0.02
    pairs: int = 32  # of draws of the kernel at every step; the paper has 1000 draws
    samples: int = 256
    loss_width: float = 0.1  # of the kernel density of the samples
    replicates: int = 8
    data_points: tuple[int, int] = (1000, 2000)  # of the data sets in one and two dimensions
    data_level: float = 0.1
    data_sets: tuple[int, int] = (600, 150)  # of a replicate
    squared_ratios: tuple[float, ...] = (0.0, 1.0, 3.0)  # h²/σ²


PRESETS = {
    "quick": Config(),
    "paper": Config(
        pairs=500, samples=1024, replicates=24, data_sets=(2000, 1000), squared_ratios=(0.0, 1.0, 3.0, 8.0)
    ),
    "tiny": Config(
        points=4,
        bandwidths=(0.0, 0.06, 0.12, 0.3),
        steps=6,
        pairs=2,
        samples=8,
        replicates=3,
        data_points=(20, 20),
        data_sets=(6, 6),
        squared_ratios=(0.0, 1.0),
    ),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Of both arrangements, with the axes (replicates, bandwidths):

    `loss_…` in nats, `memorised_…` the share of samples, `radial_…` and `along_…` in radians, of samples with a
    smoothed score, and `density_…` of all these of a smoothed density. `fresh_…` (replicates,) is the share of points
    of the circle that pass for memorised. `points_…` (m, 2) and `samples_…` (bandwidths, n, 2) are those of the first
    replicate. Of data sets in d dimensions `scatter_d` (replicates, ratios), the trace of the covariance of the score
    at the origin, with `scatter_theory_d`, that without smoothing, and `effective_d` (ratios,), N_eff/N by formula.
    """
    *arrangement_keys, line_key, plane_key = jax.random.split(key, 4)
    stages = [
        Stage(name, partial(_arrangement, config, name, own), 0.3)
        for name, own in zip(ARRANGEMENTS, arrangement_keys, strict=True)
    ]
    stages += [
        Stage("data sets on a line", partial(_data_sets, config, 1, line_key), 0.2),
        Stage("data sets in a plane", partial(_data_sets, config, 2, plane_key), 0.2),
    ]
    arrays: Arrays = {"bandwidths": np.array(config.bandwidths), "squared_ratios": np.array(config.squared_ratios)}
    for result in stage.all(stages):
        arrays |= result
    return arrays


def _arrangement(config: Config, name: str, key: PRNGKeyArray) -> Arrays:
    levels = np.geomspace(3.0, config.last_level, config.steps)
    sample = jax.jit(
        lambda points, h, key: smoothed_score_samples(
            points, jnp.asarray(levels), h, pairs=config.pairs, count=config.samples, key=key
        )
    )
    kept: Arrays = {}
    found: dict[str, list] = {f"{of}{measure}": [] for of in ("", "density_") for measure in MEASURES}
    fresh = []
    for replicate, own in enumerate(jax.random.split(key, config.replicates)):
        place_key, sample_key, density_key, fresh_key = jax.random.split(own, 4)
        points = _points(config, name, place_key)
        moved = _moved(points, config, density_key)
        samples = [
            np.asarray(sample(jnp.asarray(points, jnp.float32), np.float32(h), each))
            for h, each in zip(config.bandwidths, jax.random.split(sample_key, len(config.bandwidths)), strict=True)
        ]
        if replicate == 0:
            kept = {f"points_{name}": points, f"samples_{name}": np.stack(samples)}
        fresh.append(memorised(_on_circle(jax.random.uniform(fresh_key, (4096,))), points).mean())
        for of, sets in (("", samples), ("density_", moved)):
            for measure, values in _measured(config, sets, points).items():
                found[of + measure].append(values)
    measured = {f"{measure}_{name}": np.array(values) for measure, values in found.items()}
    return kept | measured | {f"fresh_{name}": np.array(fresh)}


def _points(config: Config, name: str, key: PRNGKeyArray) -> Float[np.ndarray, "m 2"]:
    """Evenly spaced from a random angle on, or uniform and independent."""
    if name == "even":
        return _on_circle(jax.random.uniform(key) + jnp.arange(config.points) / config.points)
    return _on_circle(jax.random.uniform(key, (config.points,)))


def _on_circle(turns: Array) -> Float[np.ndarray, "n 2"]:
    angle = 2 * np.pi * np.asarray(turns, dtype=float)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _moved(points: np.ndarray, config: Config, key: PRNGKeyArray) -> list[Float[np.ndarray, "n 2"]]:
    """Samples of the density of the points, smoothed by every bandwidth."""
    moved = []
    for h, own in zip(config.bandwidths, jax.random.split(key, len(config.bandwidths)), strict=True):
        point_key, noise_key = jax.random.split(own)
        chosen = np.asarray(jax.random.randint(point_key, (config.samples,), 0, len(points)))
        moved.append(points[chosen] + h * np.asarray(jax.random.normal(noise_key, (config.samples, 2)), dtype=float))
    return moved


def _measured(config: Config, sets: list[np.ndarray], points: np.ndarray) -> dict[str, list[float]]:
    return {
        "loss": [circle_log_loss(samples, config.loss_width) for samples in sets],
        "memorised": [float(memorised(samples, points).mean()) for samples in sets],
        "radial": [distance_to_circle(samples) for samples in sets],
        "along": [distance_along_circle(samples, points) for samples in sets],
    }


def _data_sets(config: Config, dimension: int, key: PRNGKeyArray) -> Arrays:
    """Scatter of the score at the origin over data sets of N(0, I)."""
    number, sets = config.data_points[dimension - 1], config.data_sets[dimension - 1]
    sigma, ratios = config.data_level, np.sqrt(config.squared_ratios)
    shifts, shares = _kernel(dimension)
    origin = jnp.zeros((1, dimension), jnp.float32)

    def scores(key: PRNGKeyArray) -> Float[Array, "ratios dim"]:
        points = jax.random.normal(key, (number, dimension), jnp.float32)
        smoothed = [
            smoothed_empirical_score(points, origin, sigma, ratio * sigma * shifts, shares)
            if ratio
            else smoothed_empirical_score(points, origin, sigma, origin, jnp.ones(1, jnp.float32))
            for ratio in ratios
        ]
        return jnp.concatenate(smoothed)

    trace = jax.jit(lambda keys: jnp.sum(jnp.var(jax.lax.map(scores, keys), axis=0, ddof=1), axis=-1))
    groups = [trace(jax.random.split(own, sets)) for own in jax.random.split(key, config.replicates)]
    data = GaussianMixture(np.zeros((1, dimension)), 1.0)
    formula = empirical_score_covariance(data, jnp.zeros(dimension), sigma, EDM(), number)
    effective = [float(effective_points(number, ratio * sigma, sigma, EDM(), dimension)) for ratio in ratios]
    return {
        f"scatter_{dimension}": np.stack(groups),
        f"scatter_theory_{dimension}": np.trace(np.asarray(formula)),
        f"effective_{dimension}": np.array(effective) / number,
    }


def _kernel(dimension: int) -> tuple[Float[Array, "k dim"], Float[Array, " k"]]:
    """Gauss-Hermite nodes of a standard normal."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES[dimension])
    grid, shares = (np.meshgrid(*[each] * dimension, indexing="ij") for each in (nodes, weights / weights.sum()))
    places = np.stack(grid, axis=-1).reshape(-1, dimension)
    return jnp.asarray(places, jnp.float32), jnp.asarray(np.prod(shares, axis=0).ravel(), jnp.float32)
