"""Where denoising trajectories of point masses rest, and how thick networks in training generate flat data.

Trajectories are simulated with the score of point masses in a plane and held against theory's rates. Linear denoisers,
one per noise level, are trained from W = Q·I on data without extent in some directions: one layer by full-batch descent
on a Gaussian and on patches of photographs, embedded in more dimensions; two layers on a Gaussian.
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from figures.chen2023.mean_shift.trajectories import trajectories
from figures.common.stages import Arrays, RunStage, Stage
from sims.data.built_in import natural_image_patches
from sims.experiments.linear import curvature_of_levels, descend_every_level, generated_mode_variances
from sims.networks.linear import deep_linear_denoiser, total_maps_of
from sims.sampling.linear_flow import flow_of
from sims.sampling.schedules import log_snr_schedule
from sims.training.descent import common_clock, train_full_batch
from sims.training.pairs import SecondMoments
from sims.training.training_sets import gaussian_training_sets, training_sets_from_samples
from theory.definitions.processes import EDM
from theory.definitions.spectra import Spectrum
from theory.definitions.targets import DenoiserTarget
from theory.sampling_questions.geometry import thickness
from theory.spectral_law.denoiser import AbstractDenoiser
from theory.spectral_law.generation import generated_variance_on_schedule
from theory.spectral_law.parametrisations.one_layer import OneLayer
from theory.spectral_law.parametrisations.two_layer import TwoLayer

PROCESS = EDM()
SHORT_PROCESS = EDM(0.01, 10.0)  # of two layers, whose steps the largest noise level limits
EMPTY = 3  # directions without data


@dataclass(frozen=True)
class Config:
    """Sizes of the run. Times are ητ with η = 1."""

    point_sets: int = 8
    points: int = 12
    starts: int = 64  # trajectories of each set
    records: int = 241
    substeps: int = 6  # of Heun's method between two records
    variances: tuple[float, ...] = (3.0, 1.0, 0.3)  # of the Gaussian, where it has extent
    initial_gains: tuple[float, ...] = (0.25, 0.5, 1.0)
    training_samples: int = 32768  # of each network
    modes: int = 9  # of the photographs
    patches: int = 8192
    patch_size: int = 4
    first_time: float = 1e-3
    last_time: float = 100.0
    snapshots: int = 21
    noise_levels: int = 91
    networks: int = 8
    smallest_steps: int = 1000  # of gradient descent between two snapshots
    two_layer_times: tuple[float, float, int] = (0.1, 3.0, 8)
    two_layer_levels: int = 31
    step_safety: float = 0.1  # of two layers: the step over the longest stable one


PRESETS = {
    "quick": Config(),
    "paper": Config(
        point_sets=16,
        starts=256,
        records=481,
        training_samples=262144,
        modes=24,
        patch_size=6,
        patches=32768,
        snapshots=41,
        noise_levels=121,
        networks=16,
        two_layer_times=(0.1, 10.0, 12),
        two_layer_levels=61,
        step_safety=0.05,
    ),
    "tiny": Config(
        point_sets=2,
        points=4,
        starts=4,
        records=41,
        substeps=2,
        variances=(3.0, 0.3),
        initial_gains=(0.5, 1.0),
        training_samples=512,
        modes=2,
        patches=256,
        patch_size=2,
        snapshots=4,
        noise_levels=9,
        networks=2,
        smallest_steps=20,
        two_layer_times=(0.5, 1.0, 3),
        two_layer_levels=5,
    ),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Trajectories, (point sets, records, starts, …), with the names of `trajectories`; thick data, by their names.

    Of "gaussian", with a leading axis of `initial_gain`, "photographs" and "two_layer": `variance` (networks or 1,
    modes), those without data last; `times` (snapshots,); `generated_trained` and `generated_theory`, by the same steps
    of the sampler, (networks, snapshots, modes); `thickness` in theory, without steps, (networks or 1, snapshots).
    """
    point_key, gaussian_key, photograph_key, two_layer_key = jax.random.split(key, 4)
    sizes = config.points, config.starts, config.records, config.substeps
    stages = [
        Stage(f"points, set {number}", partial(trajectories, *sizes, own), 0.3 / config.point_sets)
        for number, own in enumerate(jax.random.split(point_key, config.point_sets), start=1)
    ]
    gains = config.initial_gains
    stages += [
        Stage(f"Gaussian data, Q = {gain:g}", partial(_on_gaussian, config, gain, own), 0.2 / len(gains))
        for gain, own in zip(gains, jax.random.split(gaussian_key, len(gains)), strict=True)
    ]
    stages += [
        Stage(f"photographs, network {number}", partial(_on_photographs, config, own), 0.25 / config.networks)
        for number, own in enumerate(jax.random.split(photograph_key, config.networks), start=1)
    ]
    stages.append(Stage("two layers", partial(_of_two_layers, config, two_layer_key), 0.25))
    results = stage.all(stages)
    sets, rest = results[: config.point_sets], results[config.point_sets :]
    parts = {"gaussian": rest[: len(gains)], "photographs": rest[len(gains) : -1]}
    arrays = _stacked(sets, "{}")
    for name, each in parts.items():
        arrays |= _stacked(each, f"{{}}_{name}") | {f"times_{name}": _times(config)}
    arrays |= {f"{name}_two_layer": value for name, value in rest[-1].items()}
    return arrays | {"initial_gain": np.asarray(gains), "times_two_layer": np.geomspace(*config.two_layer_times)}


def _stacked(parts: list[Arrays], name: str) -> Arrays:
    return {name.format(kind): np.stack([part[kind] for part in parts]) for kind in parts[0]}


def _times(config: Config) -> np.ndarray:
    return np.geomspace(config.first_time, config.last_time, config.snapshots)


def _flat_spectrum(variance: jax.Array) -> Spectrum:
    full = jnp.concatenate([variance, jnp.zeros(EMPTY, variance.dtype)])
    return Spectrum(jnp.zeros_like(full), full)


def _on_gaussian(config: Config, initial_gain: float, key: PRNGKeyArray) -> Arrays:
    spectrum, levels = _flat_spectrum(jnp.asarray(config.variances)), _levels(config)
    sets = gaussian_training_sets(spectrum, levels, seeds=config.networks, samples=config.training_samples, key=key)
    return _trained(config, spectrum, sets, initial_gain)


def _on_photographs(config: Config, key: PRNGKeyArray) -> Arrays:
    """One network, from the middle one of the initial gains."""
    patch_key, noise_key = jax.random.split(key)
    patches = natural_image_patches(patch_key, count=config.patches, size=config.patch_size)
    full = Spectrum.from_samples(patches)
    clean = full.to_modes(jnp.asarray(patches))[:, : config.modes]
    embedded = jnp.concatenate([clean, jnp.zeros((len(clean), EMPTY), clean.dtype)], axis=1).astype(jnp.float32)
    sets = training_sets_from_samples(embedded, _levels(config), seeds=1, noise_repeats=4, key=noise_key)
    spectrum = _flat_spectrum(full.variance[: config.modes])
    found = _trained(config, spectrum, sets, config.initial_gains[len(config.initial_gains) // 2])
    return {name: value[0] for name, value in found.items()}


def _levels(config: Config) -> jax.Array:
    return log_snr_schedule(PROCESS, config.noise_levels - 1)


def _trained(config: Config, spectrum: Spectrum, sets: SecondMoments, initial_gain: float) -> Arrays:
    times, levels = _times(config), _levels(config)
    curvature = curvature_of_levels(PROCESS, levels, float(spectrum.variance[0]))
    maps = descend_every_level(sets, curvature, times, initial_gain=initial_gain, smallest_steps=config.smallest_steps)
    return _beside(maps, OneLayer(spectrum, PROCESS, initial_gain, 1.0), times, levels)


def _of_two_layers(config: Config, key: PRNGKeyArray) -> Arrays:
    """Two independent layers, from balanced factors, with equal steps at all noise levels: none of them lags."""
    data_key, network_key = jax.random.split(key)
    spectrum, gain = _flat_spectrum(jnp.asarray(config.variances)), 0.5
    times, levels = np.geomspace(*config.two_layer_times), log_snr_schedule(SHORT_PROCESS, config.two_layer_levels - 1)
    sets = gaussian_training_sets(
        spectrum, levels, seeds=config.networks, samples=config.training_samples, key=data_key
    )
    # Of a loss of two factors the curvature is 4(λ + σ²) at gains of one.
    curvature = 2 * curvature_of_levels(SHORT_PROCESS, levels, float(spectrum.variance[0])).max()
    clock = common_clock(times, np.full(len(levels), curvature), smallest_steps=20, safety=config.step_safety)
    network = deep_linear_denoiser(network_key, spectrum.dimension, 2, gain)
    trained = train_full_batch(network, sets, jnp.asarray(clock.step_sizes, jnp.float32), jnp.asarray(clock.steps))
    maps = np.asarray(total_maps_of(trained), float)
    return _beside(maps, TwoLayer(spectrum, SHORT_PROCESS, gain, 1.0), times, levels)


def _beside(maps: np.ndarray, denoiser: AbstractDenoiser, times: np.ndarray, levels: jax.Array) -> Arrays:
    """Maps are (networks, levels, snapshots, modes, modes)."""
    flow = flow_of(DenoiserTarget(), denoiser.process, levels)
    by_snapshot = jnp.asarray(np.swapaxes(maps, 1, 2))
    return {
        "variance": np.asarray(denoiser.spectrum.variance)[None],
        "generated_trained": generated_mode_variances(by_snapshot, flow, None),
        "generated_theory": np.asarray(generated_variance_on_schedule(denoiser, jnp.asarray(times), levels))[None],
        "thickness": np.asarray(thickness(denoiser, times))[None],
    }
