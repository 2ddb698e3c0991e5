"""What linear denoisers of disjoint data sets learn, and what they make of the same noise.

Every network sees n points of its own, each with all of its noise, and is trained by full-batch gradient descent from
zero: on Gaussian data of a power-law spectrum and on patches of photographs. Networks come in pairs, whose data are the
disjoint halves of one set of 2n. Sampling is a product of matrices, so that distances of samples are averages over all
of the noise that a pair has in common, without sampling.
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from figures.common.stages import Arrays, RunStage, Stage
from sims.data.built_in import natural_image_patches
from sims.experiments.linear import curvature_of_levels, descend_every_level
from sims.sampling.linear_flow import sample_linear_networks
from sims.sampling.schedules import log_snr_schedule
from sims.training.pairs import PairStatistics, SecondMoments, denoising_pairs, moments_of_pairs
from theory.definitions.processes import EDM
from theory.definitions.spectra import Spectrum
from theory.finite_data.learning_curves import expected_gain_over_data, gain_variance_over_data
from theory.sampling_questions.consistency import OverData, sampling_map_over_data, with_fourth_moments
from theory.spectral_law.parametrisations.one_layer import OneLayer


@dataclass(frozen=True)
class Config:
    """Sizes of the run. Times are ητ with η = 1; the last is the end of training, where all modes are learned."""

    dimension: int = 36  # of the Gaussian, whose variances are k^-exponent
    exponent: float = 1.2
    patch_size: int = 6  # photographs have as many modes as pixels
    population: int = 65536  # patches from which the population's moments are taken
    data: tuple[int, ...] = (20, 40, 80, 320)  # n of every network
    networks: int = 32  # in pairs
    times: tuple[float, ...] = (1.0, 2000.0)
    noise_levels: int = 40
    range: tuple[float, float] = (0.1, 40.0)  # of the noise levels
    denoiser_level: float = 0.5  # where the denoiser is looked at, or the level that is next
    smallest_steps: int = 1000


PRESETS = {
    "quick": Config(),
    "paper": Config(dimension=64, patch_size=8, data=(32, 64, 128, 256, 1024), networks=64, noise_levels=60),
    "tiny": Config(dimension=4, patch_size=2, population=512, data=(8, 32), networks=4, noise_levels=6),
}
# Arrays without an axis of networks.
_OF_THEORY = {f"{of}_theory" for of in ("gains", "maps", "distance", "agreement")} | {
    "distance_fourth",
    "agreement_fourth",
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Of both settings, names ending in "gaussian" and "photographs"; (networks, n, times, modes) unless said.

    `variance` λ (modes,), `data` (n,), `level` σ of the denoiser, `range` σ_0 and σ_T. `gains` and `maps`, the diagonal
    elements of the denoiser and of the map from x_T to x_0, as trained, and `gains_theory`, `maps_theory` (n, times,
    modes).
    `spread_of_gains` and `spread_of_maps`, the squared deviation of a network from the mean of all over the theory's
    variance, mean over all elements, (networks, n, times); `spread_of_…_fourth` the same with the data's fourth
    moments; `diagonal_spread_of_gains` over diagonal elements alone. Of pairs, E|x_0 - x_0'|² `distance` and
    E x_0·x_0'/E|x_0|² `agreement` (pairs, n, times), and `…_theory` and `…_fourth` (n, times).
    """
    gaussian_key, photograph_key, population_key = jax.random.split(key, 3)
    keys = {"gaussian": gaussian_key, "photographs": photograph_key}
    stages = [
        Stage(f"{setting}, {size} points", partial(_of_size, config, setting, size, each, population_key), share)
        for setting, share in (("gaussian", 0.4 / len(config.data)), ("photographs", 0.6 / len(config.data)))
        for size, each in zip(config.data, jax.random.split(keys[setting], len(config.data)), strict=True)
    ]
    results = stage.all(stages)
    arrays: Arrays = {
        "data": np.asarray(config.data),
        "level": np.asarray(_levels(config)[_denoiser_index(config)]),
        "range": np.asarray(config.range),
    }
    for place, setting in enumerate(keys):
        found = results[place * len(config.data) : (place + 1) * len(config.data)]
        arrays[f"variance_{setting}"] = found[0].pop("variance")
        for name in found[0]:
            arrays[f"{name}_{setting}"] = np.stack([each[name] for each in found], axis=int(name not in _OF_THEORY))
    return arrays


def _levels(config: Config) -> np.ndarray:
    return np.asarray(log_snr_schedule(EDM(*config.range), config.noise_levels - 1))


def _denoiser_index(config: Config) -> int:
    return int(np.argmin(np.abs(np.log(_levels(config) / config.denoiser_level))))


def _of_size(config: Config, setting: str, size: int, key: PRNGKeyArray, population_key: PRNGKeyArray) -> Arrays:
    """Networks of n = `size` points each, and theory beside them; the population is the same for every n."""
    # As many as the largest size needs, so that all sizes run the same programs.
    points = config.networks * max(config.data)
    if setting == "gaussian":
        variance = np.arange(1, config.dimension + 1) ** -config.exponent
        clean = np.asarray(jax.random.normal(key, (points, variance.size))) * np.sqrt(variance)
        fourth = np.outer(variance, variance) * (1 + 2 * np.eye(variance.size))
    else:
        variance, fourth, clean = _photographs(config, points, key, population_key)
    clean = np.asarray(clean, float).reshape(config.networks, max(config.data), -1)[:, :size]
    denoisers, maps = _trained(config, clean, float(variance[0]))
    own = OneLayer(Spectrum.from_variances(variance), EDM(*config.range), 0.0, 1.0)
    times, level = jnp.asarray(config.times), _levels(config)[_denoiser_index(config)]
    of_gains = OverData(
        expected_gain_over_data(own, times, level, size), gain_variance_over_data(own, times, level, size)
    )
    of_maps = sampling_map_over_data(own, times, size)
    found: Arrays = {"variance": variance}
    for name, trained, theory in (("gains", denoisers, of_gains), ("maps", maps, of_maps)):
        moments = jnp.asarray(variance), jnp.asarray(fourth)
        with_fourth = np.stack([with_fourth_moments(each, *moments) for each in theory.variance])
        found |= _moments(name, trained, theory) | {
            f"spread_of_{name}_fourth": _spread(trained, with_fourth).mean(axis=(-2, -1))
        }
    return found | _pairs(maps, of_maps, of_maps._replace(variance=jnp.asarray(with_fourth)), config.range[1] ** 2)


def _photographs(
    config: Config, points: int, key: PRNGKeyArray, population_key: PRNGKeyArray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Variances and E x_k²x_l² of the population's modes, and patches of their own places in these modes."""
    everything = natural_image_patches(population_key, count=config.population, size=config.patch_size)
    population = Spectrum.from_samples(everything)
    modes = np.asarray(population.to_modes(jnp.asarray(everything)))
    patches = natural_image_patches(key, count=points, size=config.patch_size)
    return (
        np.asarray(population.variance),
        (modes**2).T @ modes**2 / config.population,
        np.asarray(population.to_modes(jnp.asarray(patches))),
    )


def _trained(config: Config, clean: np.ndarray, largest: float) -> tuple[np.ndarray, np.ndarray]:
    """The denoiser of one level and the maps from x_T to x_0, (networks, times, modes, modes) each."""
    process, levels = EDM(*config.range), jnp.asarray(_levels(config))
    second, mean = np.swapaxes(clean, 1, 2) @ clean / clean.shape[1], clean.mean(axis=1)
    moments = _noise_averaged(jnp.asarray(second), jnp.asarray(mean), levels)
    # The largest eigenvalue of a sample covariance, a little above the population's, sets how long steps may be.
    top = max(largest, float(np.linalg.eigvalsh(second).max()))
    curvature = curvature_of_levels(process, levels, top)
    trained = descend_every_level(moments, curvature, np.asarray(config.times), smallest_steps=config.smallest_steps)
    return trained[:, _denoiser_index(config)], np.asarray(_maps(jnp.asarray(trained), levels))


@jax.jit
@partial(jax.vmap, in_axes=(0, 0, None))
def _noise_averaged(second: Array, mean: Array, levels: Float[Array, " levels"]) -> SecondMoments:
    """Moments of points with this second moment and mean as if each were noised infinitely often."""
    statistics = PairStatistics(second, jnp.zeros_like(second), jnp.eye(mean.size), mean, jnp.zeros_like(mean))
    return moments_of_pairs(statistics, denoising_pairs(levels))


@jax.jit
def _maps(
    trained: Float[Array, "networks levels times modes modes"], levels: Float[Array, " levels"]
) -> Float[Array, "networks times modes modes"]:
    """From x_T to x_0 by Heun's method."""
    start = jnp.eye(trained.shape[-1])

    def of_one(networks: Array) -> Array:
        return sample_linear_networks(networks, levels, start).T

    return jax.vmap(jax.vmap(of_one, 1))(trained)


def _spread(trained: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Squared deviations from the mean of all networks over the variance, one on average if that is the variance."""
    networks = len(trained)
    return (trained - trained.mean(axis=0)) ** 2 * networks / (networks - 1) / np.asarray(variance)


def _moments(name: str, trained: np.ndarray, theory: OverData) -> Arrays:
    spread = _spread(trained, np.asarray(theory.variance))
    return {
        name: np.diagonal(trained, axis1=-2, axis2=-1),
        f"{name}_theory": np.asarray(theory.mean),
        f"spread_of_{name}": spread.mean(axis=(-2, -1)),
        f"diagonal_spread_of_{name}": np.diagonal(spread, axis1=-2, axis2=-1).mean(axis=-1),
    }


def _pairs(maps: np.ndarray, theory: OverData, fourth: OverData, prior_variance: float) -> Arrays:
    first, second = maps[::2], maps[1::2]
    power = (np.sum(first**2, axis=(-2, -1)) + np.sum(second**2, axis=(-2, -1))) / 2
    found = {
        "distance": prior_variance * np.sum((first - second) ** 2, axis=(-2, -1)),
        "agreement": np.sum(first * second, axis=(-2, -1)) / power,
    }
    for name, moments in (("theory", theory), ("fourth", fourth)):
        found[f"distance_{name}"] = np.asarray(moments.squared_distance(prior_variance))
        found[f"agreement_{name}"] = np.asarray(moments.agreement)
    return found
