"""The variance of a score target over the noise level: of two points, of digits, of photographs.

Two points have it in closed form. For data sets of many points only what it adds up to is known: n references that are
drawn without replacement take ln n of the ln N nats, ∫σ V dσ. Both are measured on drawn targets.
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from figures.common.stages import Arrays, RunStage, Stage
from sims.data.built_in import digits, natural_image_patches
from sims.measurements.target_scatter import target_scatter
from theory.definitions.processes import EDM
from theory.definitions.spectra import Spectrum
from theory.exact_scores.point_masses import PointMasses
from theory.target_noise.information import noise_level_of_information
from theory.target_noise.target_variance import target_variance

TWO_POINTS = np.array([[-1.0], [1.0]])
DATA_SETS = ("digits", "photographs")


@dataclass(frozen=True)
class Config:
    """Sizes of the run. Noise levels are geometric: first, last, number."""

    two_point_levels: tuple[float, float, int] = (0.1, 10.0, 25)
    levels: tuple[float, float, int] = (3e-3, 300.0, 31)  # photographs have patches of the sky that are nearly equal
    references: tuple[int, ...] = (1, 8, 64, 512)  # one, DSM, and more
    patches: int = 2048
    replicates: int = 64
    draws: tuple[int, int] = (192, 448)  # of each replicate, digits and photographs
    two_point_draws: int = 16384


PRESETS = {
    "quick": Config(),
    "paper": Config(
        two_point_levels=(0.1, 10.0, 49),
        levels=(3e-3, 300.0, 61),
        references=(1, 2, 8, 32, 128, 512),
        patches=8192,
        replicates=128,
        draws=(512, 1024),
        two_point_draws=262144,
    ),
    "tiny": Config(
        two_point_levels=(0.3, 3.0, 3),
        levels=(0.01, 30.0, 6),
        references=(1, 8),
        patches=64,
        replicates=3,
        draws=(8, 8),
        two_point_draws=64,
    ),
}
_TWO_POINT_REFERENCES = (1, 2)


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Arrays of every data set; all variances are σ²V, of a target in units of 1/σ.

    `two_point_levels` (levels,), `two_points_measured` (replicates, n, levels) and `two_points_theory` (n, levels) for
    one and two references with replacement; `levels`, `references`; for "digits" and "photographs" `…_measured`
    (replicates, n, levels) and `…_posterior` (replicates, levels) as `target_scatter` has them, `…_points` N and
    `…_half`, for n > 1, the noise level at which a Gaussian of the data's covariance has the information ln n.
    """
    two_key, *keys = jax.random.split(key, 1 + len(DATA_SETS))
    stages = [
        Stage(name, partial(_of_data_set, config, name, own), 0.45) for name, own in zip(DATA_SETS, keys, strict=True)
    ]
    stages += [Stage("two points", partial(_of_two_points, config, two_key), 0.1)]
    arrays: Arrays = {
        "two_point_levels": np.geomspace(*config.two_point_levels),
        "levels": np.geomspace(*config.levels),
        "references": np.array(config.references),
    }
    for result in stage.all(stages):
        arrays |= result
    return arrays


def _of_two_points(config: Config, key: PRNGKeyArray) -> Arrays:
    levels = np.geomspace(*config.two_point_levels)
    measured, _ = _replicates(
        TWO_POINTS, levels, _TWO_POINT_REFERENCES, config.replicates, config.two_point_draws, key, replace=True
    )
    data = PointMasses(TWO_POINTS)
    theory = [levels**2 * np.asarray(target_variance(data, EDM(), levels, n, True)) for n in _TWO_POINT_REFERENCES]
    return {"two_points_measured": measured, "two_points_theory": np.stack(theory)}


def _of_data_set(config: Config, name: str, key: PRNGKeyArray) -> Arrays:
    data_key, draw_key = jax.random.split(key)
    points = data_set(name, config, data_key)
    levels = np.geomspace(*config.levels)
    measured, posterior = _replicates(
        points,
        levels,
        config.references,
        config.replicates,
        config.draws[DATA_SETS.index(name)],
        draw_key,
        replace=False,
    )
    half = noise_level_of_information(Spectrum.from_samples(points), np.log(config.references[1:]))
    return {
        f"{name}_measured": measured,
        f"{name}_posterior": posterior,
        f"{name}_points": np.asarray(len(points)),
        f"{name}_half": np.asarray(half),
    }


def data_set(name: str, config: Config, key: PRNGKeyArray) -> Float[np.ndarray, "m 64"]:
    """Different points: of two that are equal only one is kept."""
    points = digits() if name == "digits" else natural_image_patches(key, count=config.patches)
    return np.unique(points, axis=0)


def _replicates(
    points: Float[np.ndarray, "m dim"],
    levels: Float[np.ndarray, " levels"],
    references: tuple[int, ...],
    replicates: int,
    draws: int,
    key: PRNGKeyArray,
    *,
    replace: bool,
) -> tuple[Float[np.ndarray, "replicates references levels"], Float[np.ndarray, "replicates levels"]]:
    measure = jax.jit(
        lambda key: target_scatter(
            jnp.asarray(points, jnp.float32), jnp.asarray(levels), references, draws=draws, key=key, replace=replace
        )
    )
    found = [measure(each) for each in jax.random.split(key, replicates)]
    return np.stack([each.scatter for each in found]), np.stack([each.posterior for each in found])
