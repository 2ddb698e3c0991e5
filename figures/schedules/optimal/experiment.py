"""Which noise levels to sample at: EDM's and other schedules beside the optimum, in theory and with trained networks.

Two sets of data: a Gaussian whose variances fall as a power law, and patches of photographs, or the user's own samples
in place of these. Linear denoisers, one matrix per noise level, are trained on half of the samples, and what DDIM
generates from them is held against the other half.
"""

import functools
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from figures.common.randomness import numpy_generator
from figures.common.stages import Arrays, RunStage, Stage
from sims.data.built_in import natural_image_patches
from sims.data.principal_components import principal_components
from sims.data.user_files import Told, digest_of, load_user_data, tell_nobody
from sims.experiments.linear import descend_every_level
from sims.sampling.linear_ddim import ddim_map
from sims.sampling.schedules import edm_schedule_to_zero
from sims.training.training_sets import training_sets_from_samples
from theory.definitions.processes import EDM, VariancePreserving
from theory.definitions.schedules import CosineSchedule, LinearSchedule
from theory.definitions.spectra import Spectrum
from theory.sampling_questions.optimal_schedules import optimal_schedule
from theory.sampling_questions.schedules import (
    IdealGain,
    ddim_variance,
    gaussian_divergence,
    uniform_time_levels,
)
from theory.sampling_questions.tangent_schedules import best_tangent_scale, tangent_schedule
from theory.spectral_law.parametrisations.one_layer import OneLayer

SCHEDULES = ("EDM, ρ = 7", "cosine", "linear", "uniform in log-SNR", "best tangent", "optimal")
TRIED = ("EDM, ρ = 7", "optimal for the ideal denoiser", "optimal at τ")
PROCESS = EDM()
STANDARD_DEVIATION = 0.5  # of a coordinate, in the root mean square: the convention of EDM
INITIAL_GAIN, SLOPE = 0.1, 1.5
_SAFETY, _SMALLEST_STEPS = 0.05, 64  # of gradient descent
_FEWEST = 4  # samples
_RESOLVED = 1e-7  # of the largest variance: modes that single precision has


@dataclass(frozen=True)
class Config:
    """Sizes of the run, and the user's data, if any: the file or folder, and how it is to be read."""

    steps: tuple[int, ...] = (5, 10, 20, 50)
    trained_steps: int = 10
    modes: int = 48  # data of more dimensions are projected on their leading principal components
    samples: int = 4096  # to train on, and as many held back
    noises: int = 16  # per sample
    models: int = 8
    times: int = 9  # at which levels are shown
    data: str | None = None
    data_key: str | None = None
    data_layout: str | None = None


PRESETS = {
    "quick": Config(),
    "paper": Config(steps=(5, 7, 10, 14, 20, 28, 40, 50), modes=64, samples=16384, noises=32, models=16, times=25),
    "tiny": Config(steps=(3, 4), trained_steps=3, modes=3, samples=64, noises=2, models=2, times=2),
}


def check(config: Config, told: Told = tell_nobody) -> str:
    """SHA-256 of the user's data, which `config` names. Bad data is refused as far as one can tell without reading all.

    Raises ValueError.
    """
    assert config.data is not None
    options = {"key": config.data_key, "layout": config.data_layout}
    count = load_user_data(config.data, **options, told=told).count
    if count < _FEWEST:
        raise ValueError(
            f"{config.data} has {count} samples; expected {_FEWEST} at least, half of them to be held back"
        )
    return digest_of(config.data, **options, told=told)


def prepare(config: Config, told: Told = tell_nobody) -> float:
    """Read the user's data, so that what is wrong with its numbers is said before any network is trained.

    Returns the seconds that the rest is expected to take, on two cores. Raises ValueError.
    """
    coordinates, _ = _users_coordinates(config, told)
    operations = 6.0 * config.models * config.noises * len(coordinates) * coordinates.shape[1] ** 2
    return 4.0 * len(config.steps) + 20.0 + operations / 1e10


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """KL in nats, in theory and of trained networks, and noise levels, in units in which a coordinate deviates by ½.

    `variance` (sets, modes); `divergence` (sets, steps, schedules) of `SCHEDULES` and the ideal denoiser. Of N steps
    `levels_N` (sets, N + 1), the optimum. `moved_times` (sets, times), in units of 1/η, and `moved_levels` (sets,
    times, trained_steps + 1), the optimum at these times. `times` (sets, 3): when a quarter, a half and all of the
    modes are learned; `trained` and `predicted` (sets, models, 3, tried) of `TRIED`, against held-back second moments
    and in theory. `unit`, by which samples were divided, `variance_left`, the share of the variance beyond the modes,
    and `users`, whether the second set is the user's.
    """
    gaussian_key, other_key, sample_key = jax.random.split(key, 3)
    coordinates, about = _other_coordinates(config, sample_key)
    modes = coordinates.shape[1]
    gaussian = STANDARD_DEVIATION**2 * np.arange(1, modes + 1) ** -SLOPE
    gaussian *= modes * STANDARD_DEVIATION**2 / gaussian.sum()
    variance = np.stack([gaussian, np.mean(np.square(coordinates, dtype=float), axis=0)])
    stages = [
        Stage("schedules", functools.partial(_ideal, config, variance), 0.5),
        Stage("networks", functools.partial(_networks, config, variance, coordinates, (gaussian_key, other_key)), 0.5),
    ]
    ideal, trained = stage.all(stages)
    return ideal | trained | about | {"variance": variance, "steps": np.array(config.steps)}


# --- Theory ---


def common_schedules(steps: int) -> list[Float[jax.Array, " levels"]]:
    """The noise levels of `SCHEDULES` that do not depend on the data, all from the largest one of EDM to zero."""
    first, last = float(PROCESS.sigma_max), float(PROCESS.sigma_min)
    return [
        edm_schedule_to_zero(last, first, steps),
        *(uniform_time_levels(process, steps) for process in _from_the_same_level()),
        jnp.append(jnp.geomspace(first, last, steps), 0.0),
    ]


@functools.cache
def _from_the_same_level() -> tuple[VariancePreserving, ...]:
    """Variance-preserving processes, cosine and linear, from where they have EDM's largest level."""
    log_snr = jnp.asarray(-2 * np.log(float(PROCESS.sigma_max)))
    made = (CosineSchedule(), LinearSchedule())
    starts = (float(VariancePreserving(schedule).time_from_log_snr(log_snr)) for schedule in made)
    return tuple(VariancePreserving(schedule, start_time=start) for schedule, start in zip(made, starts, strict=True))


def _ideal(config: Config, variance: Float[np.ndarray, "sets modes"]) -> Arrays:
    spectra = [Spectrum.from_variances(row) for row in variance]
    found: Arrays = {}
    divergence = np.zeros((len(spectra), len(config.steps), len(SCHEDULES)))
    for place, steps in enumerate(config.steps):
        common, first = common_schedules(steps), float(PROCESS.sigma_max)
        levels = [
            [
                *common,
                tangent_schedule(steps, best_tangent_scale(spectrum), first),
                optimal_schedule(spectrum, steps, process=PROCESS),
            ]
            for spectrum in spectra
        ]
        for row, (spectrum, tried) in enumerate(zip(spectra, levels, strict=True)):
            divergence[row, place] = [_divergence(spectrum, IdealGain(spectrum, PROCESS), None, one) for one in tried]
        found[f"levels_{steps}"] = np.stack([tried[-1] for tried in levels])
    return found | {"divergence": divergence}


def _divergence(spectrum: Spectrum, gain, tau, levels) -> float:
    generated = ddim_variance(levels, gain, tau, process=PROCESS)
    return float(gaussian_divergence(jnp.log(generated) - jnp.log(spectrum.variance)))


# --- Trained networks ---


def _times(variance: Float[np.ndarray, " modes"]) -> Float[np.ndarray, " 3"]:
    """1/λ of the modes that are a quarter and half of the way to the last, and ten times that of the last, by ητ."""
    ordered = np.sort(variance)[::-1]
    return np.array([1 / ordered[len(ordered) // 4], 1 / ordered[len(ordered) // 2], 10 / ordered[-1]])


def _networks(config: Config, variance: Float[np.ndarray, "sets modes"], coordinates: np.ndarray, keys) -> Arrays:
    """Of both sets in one stage: they share compiled programs."""
    gaussian, other = keys
    found = [_trained(config, variance[0], None, gaussian), _trained(config, variance[1], coordinates, other)]
    return {name: np.stack([one[name] for one in found]) for name in found[0]}


def _trained(
    config: Config, variance: Float[np.ndarray, " modes"], coordinates: np.ndarray | None, key: PRNGKeyArray
) -> Arrays:
    """Replicates draw samples of their own, or halves of those given, and take the schedules of what they train on."""
    times = _times(variance)
    found = [_of_model(config, variance, coordinates, times, one) for one in jax.random.split(key, config.models)]
    shown = np.geomspace(0.1 / variance.max(), times[-1], config.times)
    whole = OneLayer(Spectrum.from_variances(variance), PROCESS, INITIAL_GAIN, 1.0)
    moved = [optimal_schedule(whole.spectrum, config.trained_steps, gain=whole.gain, tau=float(tau)) for tau in shown]
    measured = {name: np.stack([one[name] for one in found]) for name in found[0]}
    return measured | {"times": times, "moved_times": shown, "moved_levels": np.stack(moved)}


def _of_model(config: Config, variance, coordinates, times, key: PRNGKeyArray) -> Arrays:
    half_key, noise_key = jax.random.split(key)
    training, held_back = _halves(config, variance, coordinates, half_key)
    mean = training.mean(axis=0)
    spectrum = Spectrum.from_samples(training)
    seen, unseen = (np.asarray((half - mean) @ np.asarray(spectrum.basis)) for half in (training, held_back))
    spectrum = Spectrum.from_variances(spectrum.variance)
    denoiser = OneLayer(spectrum, PROCESS, INITIAL_GAIN, 1.0)
    levels = _tried_levels(config, spectrum, denoiser, times)
    sampled = _sampled(config, seen, levels, times, noise_key)
    measured = [[_gaussian_divergence(one, unseen) for one in row] for row in sampled]
    predicted = [
        [_divergence(spectrum, denoiser.gain, tau, one) for one in row] for tau, row in zip(times, levels, strict=True)
    ]
    return {"trained": np.array(measured), "predicted": np.array(predicted)}


def _halves(config: Config, variance, coordinates, key: PRNGKeyArray) -> tuple[np.ndarray, np.ndarray]:
    generator = numpy_generator(key)
    if coordinates is None:
        drawn = generator.normal(size=(2, config.samples, variance.size)) * np.sqrt(variance)
        return drawn[0], drawn[1]
    order = generator.permutation(len(coordinates))
    half = min(config.samples, len(order) // 2)
    return coordinates[order[:half]].astype(float), coordinates[order[-half:]].astype(float)


def _tried_levels(
    config: Config, spectrum: Spectrum, denoiser: OneLayer, times: np.ndarray
) -> Float[np.ndarray, "times tried levels"]:
    """The levels of `TRIED`. At the end of training the network is ideal: one compiled program does for both."""
    edm = edm_schedule_to_zero(float(PROCESS.sigma_min), float(PROCESS.sigma_max), config.trained_steps)
    ideal, *own = (
        optimal_schedule(spectrum, config.trained_steps, process=PROCESS, gain=denoiser.gain, tau=float(tau))
        for tau in (np.inf, *times)
    )
    return np.stack([np.stack([edm, ideal, one]) for one in own])


def _sampled(
    config: Config,
    clean: Float[np.ndarray, "n modes"],
    levels: Float[np.ndarray, "times tried levels"],
    times: np.ndarray,
    key: PRNGKeyArray,
) -> list[list[np.ndarray]]:
    """Factors A σ_T of what is generated, (times, tried), from networks that are trained at all of the levels."""
    noisy = levels[..., :-1].ravel()
    moments = training_sets_from_samples(
        jnp.asarray(clean), jnp.asarray(noisy), seeds=1, noise_repeats=config.noises, key=key
    )
    curvature = 2 * np.linalg.eigvalsh(np.asarray(moments.noisy[0]))[:, -1]
    (maps,) = descend_every_level(
        moments, curvature, times, initial_gain=INITIAL_GAIN, smallest_steps=_SMALLEST_STEPS, safety=_SAFETY
    )
    maps = maps.reshape(*levels.shape[:2], -1, *maps.shape[1:])
    return [
        [
            float(PROCESS.sigma_max) * np.asarray(ddim_map(jnp.asarray(maps[at, which, :, at]), jnp.asarray(one)))
            for which, one in enumerate(row)
        ]
        for at, row in enumerate(levels)
    ]


def _gaussian_divergence(factor: Float[np.ndarray, "d d"], samples: Float[np.ndarray, "n d"]) -> float:
    """KL(N(0, F Fᵀ)‖N(0, S)) with the second moments S of the samples."""
    root = np.linalg.cholesky(samples.T @ samples / len(samples))
    singular = np.linalg.svd(np.linalg.solve(root, factor), compute_uv=False)
    return float(np.sum(singular**2 - 1 - 2 * np.log(singular)) / 2)


# --- The data ---

# What was read last, by what it was read from: `prepare` and every seed's `compute` ask for the same.
_read: dict[tuple, tuple[np.ndarray, Arrays]] = {}


def _other_coordinates(config: Config, key: PRNGKeyArray) -> tuple[Float[np.ndarray, "n modes"], Arrays]:
    if config.data is not None:
        return _users_coordinates(config, tell_nobody)
    patches = natural_image_patches(key, count=4 * config.samples)
    unit = float(np.sqrt(np.mean(np.square(patches - patches.mean(axis=0))))) / STANDARD_DEVIATION
    spectrum = Spectrum.from_samples(patches / unit)
    coordinates = np.asarray(spectrum.to_modes(jnp.asarray(patches / unit)))[:, : config.modes]
    left = 1 - float(jnp.sum(spectrum.variance[: config.modes]) / jnp.sum(spectrum.variance))
    return coordinates, _about(unit, left, users=False)


def _users_coordinates(config: Config, told: Told) -> tuple[Float[np.ndarray, "n modes"], Arrays]:
    assert config.data is not None
    known = config.data, config.data_key, config.data_layout, config.modes, Path(config.data).stat().st_mtime_ns
    if known not in _read:
        _read.clear()
        _read[known] = _read_users_coordinates(config, told)
    return _read[known]


def _read_users_coordinates(config: Config, told: Told) -> tuple[Float[np.ndarray, "n modes"], Arrays]:
    assert config.data is not None
    data = load_user_data(config.data, key=config.data_key, layout=config.data_layout, told=told)
    # A covariance of fewer samples than modes has no inverse.
    modes = max(1, min(config.modes, data.count // 8))
    found = principal_components(data, modes, standard_deviation=STANDARD_DEVIATION, told=told)
    kept = found.variance > _RESOLVED * found.variance[0]
    left = max(0.0, 1 - float(found.variance[kept].sum()) / found.total_variance)
    return found.coordinates[:, kept], _about(found.unit, left, users=True)


def _about(unit: float, left: float, *, users: bool) -> Arrays:
    return {"unit": np.asarray(unit), "variance_left": np.asarray(left), "users": np.asarray(users)}
