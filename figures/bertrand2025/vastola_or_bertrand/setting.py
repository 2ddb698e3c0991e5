"""Data sets, objectives, and what is measured on samples, the same for linear models and for networks."""

import math
from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from figures.common.randomness import numpy_generator
from figures.studies.published_setting import normal_quantiles
from sims.measurements.distance_to_normal import random_directions, sliced_wasserstein2
from sims.measurements.memorisation import beyond_chance, memorised
from sims.sampling.schedules import log_snr_schedule
from sims.training.score_ensembles import TrainingSets, draw_training_sets
from sims.training.score_targets import AbstractTripleTarget, TargetNoiseDose
from sims.training.stable_targets import StableTarget
from theory.definitions.arrays import Time
from theory.definitions.processes import VariancePreserving
from theory.definitions.schedules import AbstractSchedule

# The dose c multiplies the covariance of the target; n references do so too, by a share that depends on the noise
# level. All points as references are the exact target, c = 0.
DOSES: dict[str, AbstractTripleTarget] = {
    "exact": TargetNoiseDose(0.0),
    "2 references": StableTarget(2),
    "DSM": TargetNoiseDose(1.0),
    "c = 2": TargetNoiseDose(2.0),
    "c = 4": TargetNoiseDose(4.0),
}
LOWEST, HIGHEST = 0.02, 30.0  # noise levels σ/α at the ends of training and sampling
_FIRST_TIME = 1e-6  # not zero, which no process has
_DIRECTIONS = 32
_FRESH = 4096  # samples of the population, of which some pass for memorised by chance


class LogUniformSchedule(AbstractSchedule):
    """ln(σ/α) falls evenly with t from `HIGHEST` to `LOWEST`: every noise level is trained on as often.

    Uniform times of the usual schedules leave one triple in forty below σ = .1, where memorising is decided on a line.
    """

    latest_time: ClassVar[float] = 1.0

    def log_signal_scale(self, time: Time) -> Time:
        return -jax.nn.softplus(2 * self._log_level(time)) / 2

    def decay_rate(self, time: Time) -> Time:
        return jax.nn.sigmoid(2 * self._log_level(time)) * math.log(HIGHEST / LOWEST)

    def time_from_log_signal_scale(self, log_signal_scale: Time) -> Time:
        return (jnp.log(jnp.expm1(-2 * log_signal_scale)) / 2 - math.log(LOWEST)) / math.log(HIGHEST / LOWEST)

    def _log_level(self, time: Time) -> Time:
        return math.log(LOWEST) + math.log(HIGHEST / LOWEST) * time


PROCESS = VariancePreserving(LogUniformSchedule(), end_time=_FIRST_TIME)


@dataclass(frozen=True)
class Config:
    """Sizes of the run. Data sets are drawn from N(0, I); F is the number of trained parameters per coordinate."""

    dimensions: tuple[int, ...] = (1, 16)
    points: tuple[int, ...] = (4, 16)  # N, by dimension
    ratios: tuple[float, ...] = (16.0, 4.0, 1.0, 0.25)  # P/F
    data_sets: int = 8
    seeds: int = 4  # training sets of each data set
    features: tuple[int, ...] = (96, 96)  # of linear models
    ridge: float = 1e-6
    predicted_dimensions: tuple[int, ...] = (1,)  # what a draw of predicted weights decomposes has D·F rows
    predicted_models: int = 3  # of each data set, for P ≥ F
    population: int = 2048
    samples: int = 120
    steps: int = 40
    width: int = 32
    hidden_layers: int = 2
    network_dimensions: tuple[int, ...] = (1, 16)
    network_ratios: tuple[float, ...] = (4.0, 0.25)
    network_doses: tuple[str, ...] = ("exact", "DSM")
    network_seeds: int = 1
    network_steps: int = 1500
    batch_size: int = 64
    learning_rate: float = 1e-2  # of Adam, constant
    arms: bool = False  # whether one thing at a time is changed at P/F = 1, and the control is trained
    control_steps: int = 16000
    sets_at_a_time: int = 8  # data sets whose networks are trained together


@dataclass(frozen=True)
class Measured:
    """What samples are measured with: initial positions, directions of projection, and data sets."""

    data_sets: Float[np.ndarray, "sets points dim"]
    initial: Float[Array, "n dim"]
    directions: Float[np.ndarray, "slices dim"]
    by_chance: Float[np.ndarray, " sets"]  # share of fresh samples that pass for memorised

    def shares(self, samples: Float[np.ndarray, "*batch sets seeds n dim"]) -> np.ndarray:
        """Memorised share less what chance gives, (m - m_0)/(1 - m_0): 0 for the population, 1 for a copy."""
        found = [np.mean(memorised(samples[..., index, :, :, :], own), -1) for index, own in enumerate(self.data_sets)]
        return beyond_chance(np.stack(found, axis=-2), self.by_chance[:, None])

    def distances(self, samples: Float[np.ndarray, "*batch sets seeds n dim"]) -> np.ndarray:
        """Squared distance from the population in units of the training points' own: 1 for a copy of these."""
        own = np.array([sliced_wasserstein2(points, self.directions) for points in self.data_sets])
        return sliced_wasserstein2(samples, self.directions) / own[:, None]


def measured_with(config: Config, dimension: int, key: PRNGKeyArray) -> Measured:
    """Data sets of one dimension. On the line they are stratified, one point per N-th of the population."""
    points_key, initial_key, direction_key, fresh_key = jax.random.split(key, 4)
    count = config.points[config.dimensions.index(dimension)]
    random = numpy_generator(points_key)
    if dimension == 1:
        shares = (np.arange(count) + random.uniform(0.05, 0.95, (config.data_sets, count))) / count
        data_sets = np.asarray(jax.scipy.special.ndtri(shares))[..., None]
    else:
        data_sets = random.normal(size=(config.data_sets, count, dimension))
    slices = 1 if dimension == 1 else _DIRECTIONS
    directions = random_directions(numpy_generator(direction_key), slices, dimension)
    fresh = numpy_generator(fresh_key).normal(size=(_FRESH, dimension))
    by_chance = np.array([np.mean(memorised(fresh, points)) for points in data_sets])
    return Measured(data_sets, initial_positions(config, dimension, initial_key), directions, by_chance)


def initial_positions(config: Config, dimension: int, key: PRNGKeyArray) -> Float[Array, "n dim"]:
    """The same for every model, in the networks' precision; σ at the start is one to 1e-5."""
    if dimension == 1:
        return normal_quantiles(config.samples)[:, None].astype(jnp.float32)
    return jax.random.normal(key, (config.samples, dimension), jnp.float32)


def times(config: Config) -> Float[Array, " times"]:
    return log_snr_schedule(PROCESS, config.steps).astype(jnp.float32)


def training_sets(
    config: Config,
    data_sets: Float[np.ndarray, "sets points dim"],
    objectives: tuple[AbstractTripleTarget, ...],
    *,
    seeds: int,
    samples: int,
    keys: PRNGKeyArray,
) -> TrainingSets:
    """P triples for every seed of every data set, models in that order; a key for each data set."""
    sets = [
        draw_training_sets(jnp.asarray(points), PROCESS, objectives, models=seeds, samples=samples, key=set_key)
        for points, set_key in zip(data_sets, keys, strict=True)
    ]
    triples = jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *(each.triples for each in sets))
    return TrainingSets(triples, jnp.concatenate([each.targets for each in sets], axis=1))
