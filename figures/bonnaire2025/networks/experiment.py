"""When MLPs generalise and when they memorise, by the number of training points; stopping training, stopping sampling.

Bonnaire et al. 2025: the time at which diffusion models generalise does not depend on the number n of training points,
and the one at which they memorise grows in proportion to it; so training may stop in between. Here MLPs of one size are
trained by Adam at one learning rate on n points of a Gaussian, the noise drawn anew at every step, and sampled at
records that are even in the logarithm of the step. At each is measured which share of samples is memorised, and how far
the samples are from the population. The same of positions x on the way, at larger noise levels: sampling stopped early,
of the model trained to the end, against training stopped early. In the paper preset n digits of 8 x 8 pixels stand
beside Gaussians, a thousand others in place of their population.
"""

from dataclasses import dataclass
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from figures.bonnaire2025.networks.populations import (
    COMPONENTS,
    Drawn,
    digit_points,
    directions_of,
    gaussian_points,
)
from figures.common.stages import Arrays, RunStage, Stage
from sims.measurements.memorisation import memorised
from sims.networks.nonlinear import MLPDenoiser, mlp_denoiser
from sims.sampling.schedules import edm_schedule
from sims.sampling.solvers import heun
from sims.training.edm import EDMTraining
from sims.training.noise_densities import LogNormalNoise
from sims.training.own_data import OwnData, repeated
from sims.training.records import log_spaced_records
from sims.training.state import TrainingState, advance
from theory.definitions.preconditionings import EDMPreconditioning
from theory.definitions.processes import EDM
from theory.definitions.weights import EDMWeight

DENSITY = LogNormalNoise(-0.5, 1.2)  # Karras et al. 2022's for data of deviation ½, moved to 1
LOWEST, HIGHEST = 0.02, 20.0  # noise levels of sampling
DIGITS = 64  # pixels


@dataclass(frozen=True)
class Setting:
    """Data and networks of one size: a Gaussian of that dimension, or digits, which have `DIGITS`."""

    dimension: int
    width: int
    steps: int
    digits: bool = False


@dataclass(frozen=True)
class Config:
    """Sizes of the run."""

    settings: tuple[Setting, ...] = (Setting(4, 64, 10_000), Setting(32, 256, 2000))
    points: tuple[int, ...] = (8, 16, 32)  # n; each divides the last
    members: int = 5  # data sets, initial weights and noise of their own
    hidden_layers: int = 2
    batch_size: int = 64
    learning_rate: float = 3e-3
    records: int = 14
    samples: int = 192
    sampling_steps: int = 32
    stops: int = 8  # noise levels at which sampling ends, the last steps of the whole


PRESETS = {
    "quick": Config(),
    "paper": Config(
        settings=(
            Setting(4, 64, 40_000),
            Setting(32, 256, 6000),
            Setting(32, 64, 10_000),
            Setting(DIGITS, 256, 8000, digits=True),
        ),
        points=(8, 16, 32, 64),
        members=8,
        records=20,
        samples=256,
    ),
    "tiny": Config(
        settings=(Setting(2, 8, 12), Setting(DIGITS, 9, 9, digits=True)),
        points=(4, 8),
        members=3,
        batch_size=8,
        records=4,
        samples=16,
        sampling_steps=8,
        stops=4,
    ),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """By setting, n, record, member and stop: `memorised` and `distance`; `chance` by setting, n and member.

    Distances are squared, over that of the training points: 1 for a copy of these. `digits`, whether a setting's
    data are.
    """
    cases = [(setting, count) for setting in config.settings for count in config.points]
    runs = stage.all(
        [
            Stage(
                f"{count} {'digits' if setting.digits else 'points'}, D = {setting.dimension}, {setting.width} units",
                partial(_run, config, setting, count, run_key),
                share=1 / len(cases),
            )
            for (setting, count), run_key in zip(cases, jax.random.split(key, len(cases)), strict=True)
        ]
    )
    shape = len(config.settings), len(config.points)
    stacked = {name: np.stack([run[name] for run in runs]) for name in runs[0]}
    return {name: array.reshape(*shape, *array.shape[1:]) for name, array in stacked.items()} | {
        "points": np.asarray(config.points),
        "steps": np.stack([_records(config, setting) for setting in config.settings]),
        "levels": np.asarray(_schedule(config))[_stops(config)],
        "dimension": np.asarray([setting.dimension for setting in config.settings]),
        "width": np.asarray([setting.width for setting in config.settings]),
        "digits": np.asarray([setting.digits for setting in config.settings]),
    }


def _records(config: Config, setting: Setting) -> np.ndarray:
    """Without step zero."""
    return log_spaced_records(setting.steps, config.records + 1)[1:]


def _schedule(config: Config) -> Float[Array, " levels"]:
    return edm_schedule(LOWEST, HIGHEST, config.sampling_steps + 1).astype(jnp.float32)


def _stops(config: Config) -> np.ndarray:
    """Places in the schedule at which sampling stops, the second half of it; the last is its end."""
    return np.linspace(config.sampling_steps / 2, config.sampling_steps, config.stops).round().astype(int)


def _run(config: Config, setting: Setting, count: int, key: PRNGKeyArray) -> Arrays:
    data_key, network_key, train_key, noise_key, direction_key, fresh_key = jax.random.split(key, 6)
    drawn = _drawn(config, setting, count, data_key, direction_key, fresh_key)
    training = _training(config, drawn.points)
    networks = eqx.filter_vmap(partial(_network, config, setting))(jax.random.split(network_key, config.members))
    state = training.init(networks, jax.random.split(train_key, config.members))
    noise = jax.random.normal(noise_key, (config.samples, setting.dimension), jnp.float32)
    own = np.array([drawn.distance(each) for each in drawn.points])
    rows, done = [], 0
    for record in _records(config, setting):
        state, done = advance(training, state, int(record) - done), int(record)
        samples = np.asarray(_sampled(config, state, noise), dtype=float)  # (members, stops, samples, dim)
        copied = [memorised(x, points) for x, points in zip(samples, drawn.points, strict=True)]
        rows.append(
            {"memorised": np.stack(copied).mean(axis=-1), "distance": drawn.distance(samples) / own[:, None]},
        )
    arrays = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    return arrays | {"chance": np.array([np.mean(memorised(drawn.fresh, points)) for points in drawn.points])}


def _drawn(
    config: Config,
    setting: Setting,
    count: int,
    data_key: PRNGKeyArray,
    direction_key: PRNGKeyArray,
    fresh_key: PRNGKeyArray,
) -> Drawn:
    if setting.digits:
        directions = directions_of(COMPONENTS, direction_key)
        return digit_points(config.members, count, data_key=data_key, directions=directions)
    directions = directions_of(setting.dimension, direction_key)
    sizes = setting.dimension, config.members, count
    return gaussian_points(*sizes, data_key=data_key, fresh_key=fresh_key, directions=directions)


def _training(config: Config, points: Float[np.ndarray, "members n dim"]) -> OwnData:
    most = config.points[-1]
    data = jnp.stack([repeated(jnp.asarray(each, jnp.float32), most) for each in points])
    training = EDMTraining(data[0], optax.adam(config.learning_rate), config.batch_size, DENSITY, EDMWeight(1.0))
    return OwnData(training, data)


def _network(config: Config, setting: Setting, key: PRNGKeyArray) -> MLPDenoiser:
    return mlp_denoiser(
        EDM(),
        setting.dimension,
        width=setting.width,
        hidden_layers=config.hidden_layers,
        key=key,
        preconditioning=EDMPreconditioning(1.0),
    )


def _sampled(config: Config, state: TrainingState, noise: Array) -> Float[Array, "members stops n dim"]:
    return _paths(state.parameters, noise, _schedule(config))[:, _stops(config)]


@eqx.filter_jit
def _paths(networks: MLPDenoiser, noise: Array, schedule: Array) -> Float[Array, "members levels n dim"]:
    """x at every level of the schedule, by Heun's method from level to level."""

    def of_member(network: MLPDenoiser) -> Float[Array, "levels n dim"]:
        def drift(index: Array, level: Array, x: Array) -> Array:
            del index
            return (x - network(x, level)) / level

        def to_next(x: Array, levels: tuple[Array, Array]) -> tuple[Array, Array]:
            return heun(drift, x, jnp.stack(levels)), x

        end, path = jax.lax.scan(to_next, schedule[0] * noise, (schedule[:-1], schedule[1:]))
        return jnp.concatenate([path, end[None]])

    return eqx.filter_vmap(of_member)(networks)
