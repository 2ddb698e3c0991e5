"""The noise level at which the posterior of N points collapses onto the one that x came from, against N and dimension.

Of Gaussians of several dimensions, of handwritten digits and of patches of photographs: the mean posterior weight of
the drawn point over noise levels, beside the level at which x tells ln N nats of it.
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from figures.common.stages import Arrays, RunStage, Stage
from figures.studies.collapse_points import data_points, some_of
from sims.measurements.target_agreement import target_agreement
from theory.definitions.spectra import Spectrum
from theory.target_noise.information import noise_level_of_information

DATA_SETS = ("digits", "photographs")
_WIDTH = 64  # coordinates of points


@dataclass(frozen=True)
class Config:
    """Sizes of the run. Noise levels over that of ln N nats are geometric: first, last, number."""

    dimensions: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64)  # of the Gaussians, of variance 1
    counts: tuple[int, ...] = (100, 1000, 10000)
    data_counts: tuple[int, ...] = (100, 400, 1600)
    levels: tuple[float, float, int] = (0.02, 3.0, 41)
    replicates: int = 16
    draws: int = 32
    population: int = 16384  # patches whose covariance stands for that of all


PRESETS = {
    "quick": Config(),
    "paper": Config(counts=(100, 316, 1000, 3162, 10000), replicates=24, draws=256, levels=(0.02, 3.0, 81)),
    "tiny": Config(
        dimensions=(4, 16, 64),
        counts=(10, 20),
        data_counts=(10, 20),
        levels=(0.02, 3.0, 11),
        replicates=2,
        draws=4,
        population=200,
    ),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """`ratios` (levels,), the noise levels over that of ln N nats.

    Of Gaussians `own` (replicates, dimensions, counts, levels), the mean posterior weight of the drawn point, and
    `formula` (dimensions, counts), that level; `dimensions`, `counts`. Of digits and photographs `own_…` (replicates,
    counts, levels), `formula_…` and `isotropic_…` (counts,), the last of as many modes of their mean variance;
    `data_counts`. Every replicate has points of its own; digits are some of all.
    """
    *gaussian_keys, digit_key, photograph_key = jax.random.split(key, len(config.dimensions) + len(DATA_SETS))
    share = 1 / (len(config.dimensions) + len(DATA_SETS))
    stages = [
        Stage(f"Gaussian {dimension}", partial(_gaussian, config, dimension, own), share)
        for dimension, own in zip(config.dimensions, gaussian_keys, strict=True)
    ]
    stages += [
        Stage(name, partial(_of_data, config, name, own), share)
        for name, own in zip(DATA_SETS, (digit_key, photograph_key), strict=True)
    ]
    results = stage.all(stages)
    gaussians = results[: len(config.dimensions)]
    arrays: Arrays = {
        "ratios": np.geomspace(*config.levels),
        "dimensions": np.array(config.dimensions),
        "counts": np.array(config.counts),
        "data_counts": np.array(config.data_counts),
        "own": np.stack([result["own"] for result in gaussians], axis=1),
        "formula": np.stack([result["formula"] for result in gaussians]),
    }
    for result in results[len(config.dimensions) :]:
        arrays |= result
    return arrays


def _gaussian(config: Config, dimension: int, key: PRNGKeyArray) -> Arrays:
    name, levels = f"Gaussian {dimension}", _levels(Spectrum.from_variances(np.ones(dimension)), config.counts)
    found = []
    for replicate in jax.random.split(key, config.replicates):
        point_key, draw_key = jax.random.split(replicate)
        points = data_points(name, point_key, count=max(config.counts))
        found.append(_weights(config, points, config.counts, levels, draw_key))
    return {"own": np.stack(found), "formula": levels}


def _of_data(config: Config, name: str, key: PRNGKeyArray) -> Arrays:
    population_key, replicates_key = jax.random.split(key)
    spectrum = Spectrum.from_samples(_points(name, population_key, config.population))
    levels = _levels(spectrum, config.data_counts)
    mean = Spectrum.from_variances(np.full(spectrum.dimension, float(jnp.mean(spectrum.variance))))
    found = []
    for replicate in jax.random.split(replicates_key, config.replicates):
        point_key, order_key, draw_key = jax.random.split(replicate, 3)
        points = some_of(_points(name, point_key, 2 * max(config.data_counts)), order_key, max(config.data_counts))
        found.append(_weights(config, points, config.data_counts, levels, draw_key))
    return {
        f"own_{name}": np.stack(found),
        f"formula_{name}": levels,
        f"isotropic_{name}": _levels(mean, config.data_counts),
    }


def _points(name: str, key: PRNGKeyArray, count: int) -> Float[np.ndarray, "n d"]:
    return data_points(name, key, count=count, channels="grey")


def _levels(spectrum: Spectrum, counts: tuple[int, ...]) -> Float[np.ndarray, " counts"]:
    """Where x tells ln N nats of Gaussian data of this spectrum."""
    return np.asarray(noise_level_of_information(spectrum, np.log(counts)))


def _weights(
    config: Config, points: np.ndarray, counts: tuple[int, ...], levels: np.ndarray, key: PRNGKeyArray
) -> Float[np.ndarray, "counts levels"]:
    """Mean posterior weight of the drawn one of the first N points, at multiples of that level.

    Coordinates that are zero for all points change nothing, and leave one program to compile for all dimensions.
    """
    ratios, measured = np.geomspace(*config.levels), []
    points = np.pad(points, ((0, 0), (0, max(0, _WIDTH - points.shape[1]))))
    for count, level, own in zip(counts, levels, jax.random.split(key, len(counts)), strict=True):
        some, places = (jnp.asarray(each, jnp.float32) for each in (points[:count], level * ratios))
        measured.append(np.asarray(_mean_weight(some, places, own, config.draws)))
    return np.stack(measured)


@partial(jax.jit, static_argnums=3)
def _mean_weight(points, levels, key, draws):
    return jnp.mean(target_agreement(points, levels, draws=draws, key=key).own, axis=0)
