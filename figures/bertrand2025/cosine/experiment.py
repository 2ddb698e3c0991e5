"""When does the target that flow matching regresses on agree with its mean, over time and dimension?

On two moons, digits, patches of photographs and Gaussians of several dimensions, with the time at which the posterior
of N points collapses onto one of them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from figures.common.stages import Arrays, RunStage, Stage
from figures.studies.collapse_points import data_points
from sims.measurements.target_agreement import target_agreement
from theory.definitions.spectra import Spectrum
from theory.target_noise.information import noise_level_of_information

DATA_SETS = ("two moons", "digits", "photographs")


@dataclass(frozen=True)
class Config:
    """Sizes of the run. Noise levels ρ = (1 - t)/t are geometric: first, last, number."""

    points: int = 4096  # all digits where there are fewer
    dimensions: tuple[int, ...] = (2, 8, 32, 128)  # of the Gaussians
    variance: float = 0.25  # of theirs
    levels: tuple[float, float, int] = (0.005, 50.0, 61)
    replicates: int = 12
    draws: int = 64


PRESETS = {
    "quick": Config(),
    "paper": Config(points=16384, dimensions=(2, 4, 8, 16, 32, 64, 128, 512), replicates=32, draws=256),
    "tiny": Config(points=32, dimensions=(2, 3), levels=(0.01, 10.0, 5), replicates=2, draws=8),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """`levels` ρ, and of every data set, in the order of `data_names`, `cosine_…` and `own_…` (replicates, levels).

    They are means over draws. `agree_…` (replicates, levels) is the share of draws whose cosine is above .9. `collapse`
    (sets,) is the noise level at which x_t tells ln N nats of x_1 if data are Gaussian with the points' covariance,
    beside `points` and `dimension` (sets,). Replicates of Gaussians, of two moons and of photographs have points of
    their own.
    """
    names = data_names(config.dimensions)
    keys = jax.random.split(key, len(names))
    stages = [
        Stage(name, partial(_of_data_set, config, name, own), 1 / len(names))
        for name, own in zip(names, keys, strict=True)
    ]
    results = stage.all(stages)
    arrays: Arrays = {"levels": np.geomspace(*config.levels)}
    for name in ("points", "dimension", "collapse"):
        arrays[name] = np.array([result[name] for result in results])
    for kind in ("cosine", "own", "agree"):
        arrays |= {f"{kind}_{place}": result[kind] for place, result in enumerate(results)}
    return arrays


def data_names(dimensions: Iterable[int]) -> list[str]:
    """Of the data sets, those of Gaussians of these dimensions last."""
    return [*DATA_SETS, *(f"Gaussian {dimension}" for dimension in dimensions)]


def _of_data_set(config: Config, name: str, key: PRNGKeyArray) -> Arrays:
    levels = jnp.asarray(np.geomspace(*config.levels), jnp.float32)
    measure = jax.jit(lambda points, key: target_agreement(points, levels, draws=config.draws, key=key))
    found, collapse = [], []
    for replicate in jax.random.split(key, config.replicates):
        point_key, draw_key = jax.random.split(replicate)
        points = data_points(name, point_key, count=config.points, variance=config.variance)
        found.append(measure(jnp.asarray(points, jnp.float32), draw_key))
        collapse.append(noise_level_of_information(Spectrum.from_samples(points), np.log(len(points))))
    cosine, own = (np.stack([np.asarray(getattr(each, part)) for each in found]) for part in ("cosine", "own"))
    return {
        "cosine": cosine.mean(axis=1),
        "own": own.mean(axis=1),
        "agree": (cosine > 0.9).mean(axis=1),
        "collapse": np.asarray(np.mean(collapse)),
        "points": np.asarray(len(points)),
        "dimension": np.asarray(points.shape[1]),
    }
