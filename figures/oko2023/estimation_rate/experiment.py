"""How far from the data's density is what n points make a model generate: exact score, stopped, and linear denoisers.

Gaussian data of one and of two dimensions, and the leading mode of patches of photographs, a fixed set of which is the
population. The law that the exact score of given points generates is a sum of Gaussians, whose squared distance from
the data's density is a sum over pairs; samples of its probability-flow ODE are held against it. Linear denoisers are
trained by full-batch gradient descent on the same kind of points.
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray
from scipy.spatial.distance import pdist

from figures.common.stages import Arrays, RunStage, Stage
from figures.oko2023.estimation_rate.characteristic_functions import Population
from sims.data.built_in import natural_image_patches
from sims.experiments.linear import curvature_of_levels, descend_every_level
from sims.sampling.linear_flow import sample_linear_networks
from sims.sampling.schedules import log_snr_schedule
from sims.sampling.smoothed_scores import smoothed_empirical_score
from sims.sampling.solvers import heun
from sims.training.pairs import PairStatistics, SecondMoments, denoising_pairs, moments_of_pairs
from theory.definitions.processes import EDM
from theory.definitions.spectra import Spectrum
from theory.sampling_questions.estimation import best_noise_level, kernel_error, trained_error
from theory.spectral_law.parametrisations.one_layer import OneLayer

GAUSSIANS = {"line": np.array([1.0]), "plane": np.array([1.0, 0.25])}
MULTIPLES = np.array([0.5, 1.0, 2.0])  # of the best level, where the exact score is stopped


@dataclass(frozen=True)
class Config:
    """Sizes of the run. Times are ητ with η = 1; the last is the end of training."""

    data: tuple[int, ...] = (16, 48, 144, 432)  # n
    sets: int = 160  # of n points each, for the exact score
    networks: int = 640  # linear denoisers, of points of their own
    sampled_sets: int = 96  # whose ODE is run, at the second n
    samples: int = 768
    steps: int = 60  # of the ODE
    times: tuple[float, ...] = (3.0, 2e4)
    noise_levels: int = 60
    range: tuple[float, float] = (0.02, 40.0)
    smallest_steps: int = 1000
    patch_size: int = 8
    population: int = 16384
    blur: float = 0.05  # width of the Gaussian by which the population's density is made smooth, in its deviations


PRESETS = {
    "quick": Config(),
    "paper": Config(data=(16, 48, 144, 432, 1296), sets=320, networks=2560, sampled_sets=160),
    "tiny": Config(
        data=(8, 24), sets=16, networks=16, sampled_sets=3, samples=16, steps=8, noise_levels=6, population=256
    ),
}


PLACES = np.linspace(-3.0, 3.0, 121)  # where the density of photographs is given


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Errors ∫(p̂ - p)²/∫p² on the line, the plane and of "photographs", at the ends of names.

    `data` (n,). `exact` (sets, n, multiples) of the exact score that is stopped at `MULTIPLES` of the best level, and
    `exact_theory` (n, multiples); `level` (n,) the best one. On the line and the plane `sampled` (sets,), of samples of
    its ODE at the second n, and `unsampled` (sets,), of the sum of Gaussians of the same points. `linear`
    (networks, n, times) and, but for photographs, `linear_theory` (n, times), on the plane of networks that know the
    basis. Of photographs `floor` (times,), of infinitely many data, and `density` at `PLACES`.
    """
    gaussian_key, photograph_key = jax.random.split(key)
    keys = dict(zip(GAUSSIANS, jax.random.split(gaussian_key, len(GAUSSIANS)), strict=True))
    stages = [
        Stage(f"Gaussian data, {name}", partial(_on_gaussian, config, name, own), 0.35) for name, own in keys.items()
    ]
    stages.append(Stage("photographs", partial(_on_photographs, config, photograph_key), 0.3))
    arrays: Arrays = {"data": np.asarray(config.data)}
    for name, found in zip((*GAUSSIANS, "photographs"), stage.all(stages), strict=True):
        arrays |= {f"{kind}_{name}": value for kind, value in found.items()}
    return arrays


def _on_gaussian(config: Config, name: str, key: PRNGKeyArray) -> Arrays:
    variance, (set_key, sample_key, network_key) = GAUSSIANS[name], jax.random.split(key, 3)
    levels = np.array([float(best_noise_level(variance, size)) for size in config.data])
    theory = [
        [float(kernel_error(variance, size, level).total) for level in best * MULTIPLES]
        for size, best in zip(config.data, levels, strict=True)
    ]
    sets = [_gaussian_points(config, variance, size, own)[: config.sets] for size, own in _each(config, set_key)]
    exact = [
        [[_sum_over_pairs(points, variance, level) for level in best * MULTIPLES] for points in each]
        for each, best in zip(sets, levels, strict=True)
    ]
    sampled, unsampled = _sampled(config, sets[1][: config.sampled_sets], variance, levels[1], sample_key)
    denoiser = OneLayer(Spectrum.from_variances(variance), EDM(*config.range), 0.0, 1.0)
    times = jnp.asarray(config.times)
    covariances = [
        _generated(config, _gaussian_points(config, variance, size, own)) for size, own in _each(config, network_key)
    ]
    return {
        "level": levels,
        "exact": np.swapaxes(np.asarray(exact), 0, 1),
        "exact_theory": np.asarray(theory),
        "sampled": sampled,
        "unsampled": unsampled,
        "linear": np.stack([_error_of_covariance(each, variance) for each in covariances], axis=1),
        "linear_theory": np.stack([trained_error(denoiser, times, size) for size in config.data]),
    }


def _each(config: Config, key: PRNGKeyArray) -> list[tuple[int, PRNGKeyArray]]:
    return list(zip(config.data, jax.random.split(key, len(config.data)), strict=True))


def _gaussian_points(config: Config, variance: np.ndarray, size: int, key: PRNGKeyArray) -> np.ndarray:
    """(networks, n, d); as many as the largest n needs are drawn, so that all n run the same program."""
    normal = jax.random.normal(key, (config.networks, max(config.data), variance.size), float)
    return np.asarray(normal)[:, :size] * np.sqrt(variance)


def _at_zero(variance: np.ndarray) -> float:
    """∫N(0, Σ)² = N(0; 0, 2Σ)."""
    return float(np.prod(4 * np.pi * variance) ** -0.5)


def _other_pairs(points: np.ndarray, level: float) -> float:
    """∫N(x, x_i, σ²) N(x, x_j, σ²) dx, mean over i ≠ j."""
    scale = np.full(points.shape[1], level**2)
    return float(np.exp(-pdist(points, "sqeuclidean") / (4 * level**2)).mean() * _at_zero(scale))


def _with_population(points: np.ndarray, variance: np.ndarray, level: float) -> float:
    """∫N(x, x_i, σ²) N(x, 0, Σ) dx, mean over i."""
    total = variance + level**2
    return float(np.exp(-np.sum(points**2 / total, axis=1) / 2).mean() / np.sqrt(np.prod(2 * np.pi * total)))


def _sum_over_pairs(points: np.ndarray, variance: np.ndarray, level: float) -> float:
    """∫[(1/n) Σ_i N(x_i, σ²) - N(0, Σ)]²/∫N(0, Σ)²."""
    count, alone = len(points), _at_zero(np.full(variance.size, level**2))
    pairs = ((count - 1) * _other_pairs(points, level) + alone) / count
    return (pairs - 2 * _with_population(points, variance, level)) / _at_zero(variance) + 1


def _sampled(
    config: Config, sets: np.ndarray, variance: np.ndarray, level: float, key: PRNGKeyArray
) -> tuple[np.ndarray, np.ndarray]:
    """Errors by samples of the ODE and of the sum of Gaussians that they should follow, (sets,).

    The ODE goes down to σ/√2; the rest of σ² is noise that blurs each sample, so that a sum over pairs of different
    samples has the error as its mean.
    """
    half = level / np.sqrt(2)
    samples = np.asarray(_ode_samples(jnp.asarray(sets), half, config.samples, config.steps, config.range[1], key))
    by_samples = [_by_samples(each, variance, half) for each in samples]
    return np.asarray(by_samples), np.asarray([_sum_over_pairs(each, variance, level) for each in sets])


@partial(jax.jit, static_argnums=(2, 3))
def _ode_samples(
    sets: Float[Array, "sets n d"], end: float, count: int, steps: int, start: float, key: PRNGKeyArray
) -> Float[Array, "sets count d"]:
    """dx/dσ = -σ s(x) of the exact score of each set, by Heun's method from points of the set under noise of σ_T."""
    levels = jnp.exp(jnp.linspace(jnp.log(start), jnp.log(end), steps + 1))

    def of_set(points: Array, key: PRNGKeyArray) -> Array:
        which_key, noise_key = jax.random.split(key)
        which = jnp.floor(jax.random.uniform(which_key, (count,)) * points.shape[0]).astype(int)
        noise = levels[0] * jax.random.normal(noise_key, (count, points.shape[1]), points.dtype)
        none, one = jnp.zeros((1, points.shape[1])), jnp.ones(1)

        def drift(index: Array, level: Array, x: Array) -> Array:
            del index
            return -level * smoothed_empirical_score(points, x, level, none, one)

        return heun(drift, points[which] + noise, levels)

    return jax.lax.map(lambda pair: of_set(*pair), (sets, jax.random.split(key, sets.shape[0])))


def _by_samples(samples: np.ndarray, variance: np.ndarray, blur: float) -> float:
    """`_sum_over_pairs` of the law that samples have after a blur, without bias: no sample is paired with itself."""
    return (_other_pairs(samples, blur) - 2 * _with_population(samples, variance, blur)) / _at_zero(variance) + 1


def _generated(config: Config, points: np.ndarray) -> np.ndarray:
    """Covariances (networks, times, d, d) that linear denoisers of these points generate, with all noise averaged."""
    process = EDM(*config.range)
    levels = log_snr_schedule(process, config.noise_levels - 1)
    second, mean = np.swapaxes(points, 1, 2) @ points / points.shape[1], points.mean(axis=1)
    moments = _noise_averaged(jnp.asarray(second), jnp.asarray(mean), levels)
    curvature = curvature_of_levels(process, levels, float(np.linalg.eigvalsh(second).max()))
    maps = descend_every_level(moments, curvature, np.asarray(config.times), smallest_steps=config.smallest_steps)
    transport = np.asarray(_transport(jnp.asarray(maps), levels))
    return config.range[1] ** 2 * transport @ np.swapaxes(transport, -1, -2)


@jax.jit
@partial(jax.vmap, in_axes=(0, 0, None))
def _noise_averaged(second: Array, mean: Array, levels: Float[Array, " levels"]) -> SecondMoments:
    """Moments of points with this second moment and mean as if each were noised infinitely often."""
    statistics = PairStatistics(second, jnp.zeros_like(second), jnp.eye(mean.size), mean, jnp.zeros_like(mean))
    return moments_of_pairs(statistics, denoising_pairs(levels))


@jax.jit
def _transport(
    maps: Float[Array, "networks levels times d d"], levels: Float[Array, " levels"]
) -> Float[Array, "networks times d d"]:
    start = jnp.eye(maps.shape[-1])
    return jax.vmap(jax.vmap(lambda each: sample_linear_networks(each, levels, start).T, 1))(maps)


def _error_of_covariance(generated: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """∫[N(0, C) - N(0, Σ)]²/∫N(0, Σ)² = √(|Σ|/|C|) - 2 √(|2Σ|/|C + Σ|) + 1, (..., d, d) -> (...)."""
    size, population = variance.size, np.prod(variance)
    own = np.sqrt(population / np.linalg.det(generated))
    cross = np.sqrt(2**size * population / np.linalg.det(generated + np.diag(variance)))
    return own - 2 * cross + 1


def _on_photographs(config: Config, key: PRNGKeyArray) -> Arrays:
    population_key, set_key, network_key = jax.random.split(key, 3)
    patches = natural_image_patches(population_key, count=config.population, size=config.patch_size)
    leading = np.asarray(Spectrum.from_samples(patches).to_modes(jnp.asarray(patches)))[:, 0]
    values = (leading - leading.mean()) / leading.std()
    population = Population(values, config.blur)
    levels = np.array([population.best_level(size) for size in config.data])
    theory = [population.kernel_error(size, best * MULTIPLES) for size, best in zip(config.data, levels, strict=True)]
    exact, linear = [], []
    for (size, own), (_, other), best in zip(_each(config, set_key), _each(config, network_key), levels, strict=True):
        exact.append(population.errors(_from(config, values, size, own)[: config.sets], best * MULTIPLES))
        covariances = _generated(config, _from(config, values, size, other)[..., None])
        linear.append(population.errors_of_gaussians(covariances[..., 0, 0]))
    denoiser = OneLayer(Spectrum.from_variances(jnp.ones(1)), EDM(*config.range), 0.0, 1.0)
    infinite = np.asarray(denoiser.generated_variance(jnp.asarray(config.times)))[:, 0]
    return {
        "level": levels,
        "exact": np.stack(exact, axis=1),
        "exact_theory": np.stack(theory),
        "linear": np.stack(linear, axis=1),
        "floor": population.errors_of_gaussians(infinite),
        "density": population.density(PLACES),
    }


def _from(config: Config, values: np.ndarray, size: int, key: PRNGKeyArray) -> np.ndarray:
    """Points (networks, n) drawn from the population with replacement."""
    uniform = jax.random.uniform(key, (config.networks, max(config.data)), float)
    return values[np.floor(np.asarray(uniform)[:, :size] * values.size).astype(int)]
