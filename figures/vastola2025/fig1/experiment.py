"""Figure 1 of Vastola 2025: where the proxy score is uncertain.

tr C/(tr C + |s|²), the share of the proxy score's power that is variance, for four data sets of six points at five
times, with α² = 1 - t and σ² = t. It is close to one in the boundary regions between points.
"""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from figures.common.randomness import numpy_generator
from figures.common.stages import Arrays, RunStage, Stage
from sims.data.built_in import l_shape, line, polygon, random_points
from theory.definitions.processes import VariancePreserving
from theory.definitions.schedules import AbstractSchedule
from theory.exact_scores.point_masses import PointMasses

DATA_SETS = {"hexagon": partial(polygon, 6), "line": line, "L": l_shape, "random": random_points}


@dataclass(frozen=True)
class Config:
    """The published grid: `resolution`² positions on [-half_width, half_width]²."""

    times: tuple[float, ...] = (0.05, 0.1, 0.2, 0.5, 0.75)
    half_width: float = 2.0
    resolution: int = 100
    blocks: int = 8  # of independent draws of the check by simulation
    pairs: int = 100_000  # in every block, for each data set and time
    bins: int = 64


PRESETS = {
    "quick": Config(),
    "paper": Config(resolution=400, pairs=2_000_000, bins=128),
    "tiny": Config(
        times=(0.1, 0.5),
        resolution=12,
        blocks=2,
        pairs=10_000,
        bins=16,
    ),
}
SIMULATED_TIMES = (0.1, 0.2)
_SMALLEST_COUNT = 50


class LinearVariance(AbstractSchedule):
    """α² = 1 - t, the schedule of the published figure."""

    latest_time: ClassVar[float] = 0.999

    def log_signal_scale(self, time: Array) -> Array:
        return jnp.log1p(-time) / 2

    def decay_rate(self, time: Array) -> Array:
        return 1 / (2 * (1 - time))

    def time_from_log_signal_scale(self, log_signal_scale: Array) -> Array:
        return -jnp.expm1(2 * log_signal_scale)


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Maps [data set, time, y, x], and the same number from simulated proxy scores in bins of x."""
    axis = np.linspace(-config.half_width, config.half_width, config.resolution)
    arrays: Arrays = {"axis": axis, "times": np.asarray(config.times)}
    arrays |= {f"points_{name}": make() for name, make in DATA_SETS.items()}
    maps, simulated = stage.all(
        [
            Stage("boundary maps", partial(_maps, config, axis), share=0.6),
            Stage("proxy scores by simulation", partial(_simulate, config, key), share=0.4),
        ]
    )
    return arrays | maps | simulated


def _maps(config: Config, axis: np.ndarray) -> Arrays:
    process = VariancePreserving(LinearVariance(), end_time=1e-6)
    x = jnp.stack(jnp.meshgrid(axis, axis), axis=-1)
    fractions = [
        [PointMasses(make()).boundary_fraction(x, time, process) for time in config.times]
        for make in DATA_SETS.values()
    ]
    return {"fraction": np.asarray(fractions)}


def _simulate(config: Config, key: PRNGKeyArray) -> Arrays:
    """The same fraction without the posterior: pairs (x_0, x) are drawn, binned by x, and s̃ varied within each bin.

    `simulated` is [block, data set, time, y bin, x bin], NaN where fewer than `_SMALLEST_COUNT` pairs of a block fell.
    `expected` has no blocks and is the theory averaged over the pairs of each bin, so that only the variation of s
    within a bin separates the two.
    """
    generator = numpy_generator(key)
    edges = np.linspace(-config.half_width, config.half_width, config.bins + 1)
    process = VariancePreserving(LinearVariance(), end_time=1e-6)
    simulated, expected = [], []
    for make in DATA_SETS.values():
        points = make()
        for time in SIMULATED_TIMES:
            clean = points[generator.integers(len(points), size=(config.blocks, config.pairs))]
            noise = generator.standard_normal(clean.shape)
            x = np.sqrt(1 - time) * clean + np.sqrt(time) * noise
            fraction = PointMasses(points).boundary_fraction(jnp.asarray(x[0]), time, process)
            proxy = -noise / np.sqrt(time)
            simulated.append([_variance_share(*block, edges) for block in zip(x, proxy, strict=True)])
            expected.append(_bin_mean(x[0], np.asarray(fraction), edges))
    shape = (len(DATA_SETS), len(SIMULATED_TIMES), config.bins, config.bins)
    by_block = np.moveaxis(np.asarray(simulated), 1, 0)
    return {
        "simulated": by_block.reshape(config.blocks, *shape),
        "expected": np.reshape(expected, shape),
        "edges": edges,
    }


def _bin_mean(x: np.ndarray, values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Mean of `values` over the points x in each bin, [y bin, x bin]; NaN where there are too few."""
    total, _, _ = np.histogram2d(x[:, 1], x[:, 0], bins=(edges, edges), weights=values)
    count, _, _ = np.histogram2d(x[:, 1], x[:, 0], bins=(edges, edges))
    return np.where(count >= _SMALLEST_COUNT, total / np.maximum(count, 1), np.nan)


def _variance_share(x: np.ndarray, proxy: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Variance of the proxy score within each bin over its mean square.

    The square of a bin's mean of n pairs is too large by the n-th part of the variance, which is taken off.
    """
    power = _bin_mean(x, np.sum(proxy**2, axis=1), edges)
    count, _, _ = np.histogram2d(x[:, 1], x[:, 0], bins=(edges, edges))
    plain = power - sum(_bin_mean(x, component, edges) ** 2 for component in proxy.T)
    return plain * count / np.maximum(count - 1, 1) / power
