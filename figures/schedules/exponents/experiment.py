"""Noise schedules as regularisers: when modes emerge in networks that visit noise levels as a schedule does.

One linear denoiser per noise level, with inputs of a variance-preserving process, trained by full-batch gradient
descent on the clean data from zero maps. The loss of a level is weighted by how often the schedule visits its log
signal-to-noise ratio, and by that ratio. On Gaussian data whose variances span six decades, and on principal components
of patches of photographs. Samples' variances follow from the trained maps, without sampling.
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray
from scipy.stats import norm

from figures.common.stages import Arrays, RunStage, Stage
from sims.data.built_in import natural_image_patches
from sims.experiments.linear import descend_every_level, generated_mode_variances
from sims.measurements.modes import first_crossing
from sims.sampling.linear_flow import flow_of
from sims.sampling.schedules import log_snr_schedule
from sims.training.pairs import PairCoefficients, SecondMoments
from sims.training.training_sets import gaussian_training_sets, training_sets_from_samples
from theory.definitions.arrays import Time
from theory.definitions.processes import EDM, AbstractProcess, FlowMatching, VariancePreserving
from theory.definitions.schedules import CosineSchedule, LinearSchedule, SigmoidSchedule
from theory.definitions.spectra import Spectrum
from theory.definitions.targets import DenoiserTarget
from theory.sampling_questions.schedules_as_regularisers import (
    AbstractLogSNRDensity,
    LogNormalLevels,
    ScheduledWeight,
    UniformTimes,
    scheduled_denoiser,
)
from theory.spectral_law.emergence import emergence_time

LEVELS = EDM()  # of σ/α, from which and to which samples are carried
LOG_MEAN, LOG_STD = -1.2, 1.2  # of EDM's noise levels in training
SCHEDULES: dict[str, AbstractProcess | None] = {
    "cosine": VariancePreserving(CosineSchedule(0.0)),
    "linear": VariancePreserving(LinearSchedule(0.05, 10.0)),
    "sigmoid": VariancePreserving(SigmoidSchedule(-3.0, 3.0)),
    "flow matching": FlowMatching(),
    "EDM": None,
}
# The schedule and the power of the signal-to-noise ratio by which its losses are weighted: 0 for data, 1 for noise.
SETTINGS = {name: (name, 1) for name in SCHEDULES} | {"cosine, unit weight": ("cosine", 0)}
DATA = ("gaussian", "photographs")


class _Visits(AbstractLogSNRDensity):
    """Theory's density of the schedule at a place of `SCHEDULES`: a number, so that all share one compiled program."""

    place: Int[Array, ""]

    def __call__(self, log_snr: Time) -> Time:
        return jnp.stack([self._of(process)(log_snr) for process in SCHEDULES.values()])[self.place]

    def _of(self, process: AbstractProcess | None) -> AbstractLogSNRDensity:
        return LogNormalLevels(LOG_MEAN, LOG_STD) if process is None else UniformTimes(process)


@dataclass(frozen=True)
class Config:
    """Sizes of the run. Times are ητ with η = 1."""

    settings: tuple[str, ...] = tuple(SETTINGS)
    variances: tuple[float, float, int] = (1e3, 1e-3, 7)  # of the Gaussian: first, last, number
    training_samples: int = 65536
    components: tuple[int, ...] = (0, 1, 3, 7, 15, 31, 63)  # of the photographs, by falling variance
    patches: int = 8192
    noise_repeats: int = 4
    patch_size: int = 8
    noise_levels: int = 100
    snapshots: int = 40
    networks: int = 6
    line: int = 19  # variances at which theory's local exponent is drawn
    smallest_steps: int = 1000  # of gradient descent between two snapshots: it is the flow to 1e-3 of τ


PRESETS = {
    "quick": Config(),
    "paper": Config(
        variances=(1e3, 1e-3, 13),
        training_samples=262144,
        components=(0, 1, 3, 5, 7, 11, 15, 23, 31, 47, 63),
        patches=65536,
        noise_levels=140,
        snapshots=80,
        networks=12,
        line=73,
    ),
    "tiny": Config(
        settings=("linear",),
        variances=(1e3, 1e-3, 5),
        training_samples=256,
        components=(0, 4, 8),
        patches=128,
        noise_repeats=2,
        patch_size=3,
        noise_levels=16,
        snapshots=10,
        networks=2,
        line=5,
        smallest_steps=20,
    ),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Emergence times at the arithmetic mean of λ̃(0) and λ, arrays (settings of `SETTINGS`, ...).

    Of both data sets `variance` λ (networks or 1, modes), `trained` (settings, networks, modes) and `theory` (settings,
    networks or 1, modes), names ending in the data set's; NaN where a mode was not there by the last snapshot. Theory
    of photographs has their own training patches' spectrum. `line_variance` (line,) and `line` (settings, line), times
    by theory. `settings` (settings,), their places in `SETTINGS`.
    """
    gaussian_key, photograph_key = jax.random.split(key)
    sets = stage.all(
        [
            Stage("Gaussian data", partial(_gaussian, config, gaussian_key), 0.05),
            Stage("photographs", partial(_photographs, config, photograph_key), 0.1),
        ]
    )
    runs = stage.all(
        [
            Stage(name, partial(_emergence, config, *SETTINGS[name], sets), 0.85 / len(config.settings))
            for name in config.settings
        ]
    )
    arrays = {name: np.stack([run[name] for run in runs]) for name in runs[0]}
    variances = {f"variance_{name}": found["variance"] for name, found in zip(DATA, sets, strict=True)}
    settings = np.array([list(SETTINGS).index(name) for name in config.settings])
    return arrays | variances | {"line_variance": _line(config), "settings": settings}


def _line(config: Config) -> np.ndarray:
    return np.geomspace(*config.variances[:2], config.line)


def _levels(config: Config) -> jax.Array:
    return log_snr_schedule(LEVELS, config.noise_levels - 1)


# --- Training sets ---


def _pairs(config: Config) -> PairCoefficients:
    """α x_0 + σε to x_0 with α² + σ² = 1 at every σ/α, and weight one."""
    ratio = _levels(config)
    alpha, one = 1 / jnp.sqrt(1 + ratio**2), jnp.ones_like(ratio)
    return PairCoefficients(alpha, ratio * alpha, one, jnp.zeros_like(ratio), one)


def _gaussian(config: Config, key: PRNGKeyArray) -> Arrays:
    spectrum = Spectrum.from_variances(np.geomspace(*config.variances))
    sets = gaussian_training_sets(
        spectrum, _pairs(config), seeds=config.networks, samples=config.training_samples, key=key
    )
    return {"variance": np.asarray(spectrum.variance)[None]} | _arrays_of(sets)


def _photographs(config: Config, key: PRNGKeyArray) -> Arrays:
    """Every network has patches and noise of its own, in coordinates along some of their principal components."""
    drawn = [_patches(config, own) for own in jax.random.split(key, config.networks)]
    return {name: np.concatenate([each[name] for each in drawn]) for name in drawn[0]}


def _patches(config: Config, key: PRNGKeyArray) -> Arrays:
    patch_key, noise_key = jax.random.split(key)
    patches = natural_image_patches(patch_key, count=config.patches, size=config.patch_size)
    full, chosen = Spectrum.from_samples(patches), np.array(config.components)
    clean = full.to_modes(jnp.asarray(patches))[:, chosen]
    sets = training_sets_from_samples(clean, _pairs(config), seeds=1, noise_repeats=config.noise_repeats, key=noise_key)
    return {"variance": np.asarray(full.variance)[None, chosen]} | _arrays_of(sets)


def _arrays_of(sets: SecondMoments) -> Arrays:
    return {name: np.asarray(value) for name, value in sets._asdict().items()}


# --- Emergence ---


def _emergence(config: Config, schedule: str, power: int, sets: list[Arrays]) -> Arrays:
    """Of all data sets in one stage: theory is one compiled program."""
    variances = [found["variance"] for found in sets]
    theory = _theory(config, schedule, power, variances)
    found = {f"theory_{name}": times for name, times in zip(DATA, theory, strict=False)} | {"line": theory[-1]}
    for name, data, expected in zip(DATA, sets, theory, strict=False):
        # From long before the first mode is expected to long after the last.
        times = np.geomspace(expected.min() / 4, expected.max() * 4, config.snapshots)
        found[f"trained_{name}"] = _trained(config, visits(schedule, _levels(config)), power, data, times)
    return found


def _theory(config: Config, schedule: str, power: int, variances: list[np.ndarray]) -> list[np.ndarray]:
    """τ* of every variance given, in their shapes, and of the line's."""
    density = _Visits(jnp.asarray(list(SCHEDULES).index(schedule)))
    wanted = [*variances, _line(config)]
    everything = jnp.concatenate([jnp.ravel(jnp.asarray(each)) for each in wanted])
    denoiser = scheduled_denoiser(everything, ScheduledWeight(density, float(power)), LEVELS)
    times = np.asarray(emergence_time(denoiser, "arithmetic"))
    parts = np.split(times, np.cumsum([each.size for each in wanted])[:-1])
    return [part.reshape(each.shape) for part, each in zip(parts, wanted, strict=True)]


def visits(schedule: str, ratio: jax.Array, step: float = 1e-4) -> Float[np.ndarray, " levels"]:
    """How many of uniform times lie about ℓ = -2 ln(σ/α), by unit of ℓ: counted between ℓ - `step` and ℓ + `step`.

    Of EDM, of levels with normal ln σ.
    """
    log_snr, process = -2 * jnp.log(ratio), SCHEDULES[schedule]
    ends = log_snr + step, log_snr - step
    if process is None:
        low, high = (norm.cdf((-np.asarray(end) / 2 - LOG_MEAN) / LOG_STD) for end in ends)
    else:
        low, high = (np.asarray(process.time_from_log_snr(end)) for end in ends)
    return np.abs(high - low) / (2 * step)


def _trained(
    config: Config, visited: np.ndarray, power: int, data: Arrays, times: np.ndarray
) -> Float[np.ndarray, "networks modes"]:
    ratio = np.asarray(_levels(config))
    alpha, weight = 1 / np.sqrt(1 + ratio**2), visited * ratio ** (-2.0 * power)
    variance = data["variance"]
    moments = SecondMoments(*(jnp.asarray(data[name]) for name in SecondMoments._fields))
    moments = moments._replace(weight=jnp.broadcast_to(jnp.asarray(weight), moments.weight.shape))
    curvature = 2 * weight * alpha**2 * (variance.max() + ratio**2)
    maps = descend_every_level(moments, curvature, times, smallest_steps=config.smallest_steps)
    of_ratio = np.swapaxes(maps, 1, 2) * alpha[:, None, None]  # on x/α
    flow = flow_of(DenoiserTarget(), LEVELS, _levels(config))
    generated = generated_mode_variances(jnp.asarray(of_ratio), flow, None)
    level = np.broadcast_to((variance + float(LEVELS.sigma_min) ** 2) / 2, generated[:, 0].shape)
    return first_crossing(times, np.moveaxis(generated, 1, 0), level)
