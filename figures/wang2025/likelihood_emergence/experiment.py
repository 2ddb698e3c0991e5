"""When a network in training has the likelihood of its data, mode by mode, and when its samples have the variance.

One linear denoiser per noise level, trained by full-batch gradient descent from zero. The nats that it loses against
the best linear denoiser are measured from its maps, its samples' variance from the same maps. On Gaussian data, where
every network has a training set of its own, and on photographs, where every network has patches and noise of its own
and loses nats on other patches too.
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from figures.common.stages import Arrays, RunStage, Stage
from sims.data.photograph_modes import patches_in_modes
from sims.experiments.linear import curvature_of_levels, descend_every_level, generated_mode_variances
from sims.measurements.path_nats import excess_path_nats
from sims.sampling.linear_flow import flow_of
from sims.sampling.schedules import log_snr_schedule
from sims.training.pairs import SecondMoments
from sims.training.training_sets import gaussian_training_sets, training_sets_from_samples
from theory.definitions.processes import EDM
from theory.definitions.spectra import Spectrum
from theory.definitions.targets import DenoiserTarget
from theory.sampling_questions.likelihood import excess_nats
from theory.spectral_law.generation import generated_variance_on_schedule
from theory.spectral_law.parametrisations.one_layer import OneLayer

PROCESS = EDM()


@dataclass(frozen=True)
class Config:
    """Sizes of the run. Times are ητ with η = 1."""

    variances: tuple[float, float, int] = (10.0, 0.1, 7)  # of the Gaussian: first, last, number
    training_samples: int = 262144  # of each of its networks
    last_time: float = 40.0
    modes: int = 16  # of the photographs
    patches: int = 16384
    patch_size: int = 8
    last_time_on_photographs: float = 120.0
    first_time: float = 1e-3
    snapshots: int = 36
    noise_levels: int = 41  # an odd number, for Simpson's rule
    networks: int = 8
    smallest_steps: int = 2000  # of gradient descent between two snapshots: it is the flow to 5e-4 of τ


PRESETS = {
    "quick": Config(),
    "paper": Config(
        variances=(10.0, 0.1, 13),
        training_samples=1048576,
        modes=48,
        patches=65536,
        snapshots=64,
        noise_levels=81,
        networks=16,
        smallest_steps=4000,
    ),
    "tiny": Config(
        variances=(10.0, 1.0, 3),
        training_samples=2048,
        last_time=4.0,
        modes=3,
        patches=256,
        patch_size=3,
        last_time_on_photographs=400.0,
        snapshots=8,
        noise_levels=7,
        networks=2,
        smallest_steps=20,
    ),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Of both data sets, names ending in theirs, nats and generated variances (networks, snapshots, modes).

    `variance` (networks, modes), one row for the Gaussian; `times` (snapshots,). `excess_trained`, `excess_theory`,
    `excess_held_out` (photographs alone: on patches that no network has seen, against the best linear denoiser for
    them), `generated_trained`, `generated_theory`, by the same steps of the sampler. Theory of photographs has their
    own training patches' spectrum, that of the Gaussian its own. `discretised` is the theory's excess by Simpson's rule
    on the noise levels, of the Gaussian.
    """
    gaussian_key, photograph_key = jax.random.split(key)
    networks = jax.random.split(photograph_key, config.networks)
    stages = [Stage("Gaussian data", partial(_on_gaussian, config, gaussian_key), 0.3)]
    for number, own in enumerate(networks, start=1):
        name = f"photographs, network {number} of {config.networks}"
        stages.append(Stage(name, partial(_on_photographs, config, own), 0.7 / config.networks))
    gaussian, *photographs = stage.all(stages)
    arrays = {f"{name}_gaussian": value for name, value in gaussian.items()}
    arrays |= {f"{name}_photographs": np.stack([each[name] for each in photographs]) for name in photographs[0]}
    return arrays | {
        "times_gaussian": _times(config, config.last_time),
        "times_photographs": _times(config, config.last_time_on_photographs),
    }


def _times(config: Config, last: float) -> np.ndarray:
    return np.geomspace(config.first_time, last, config.snapshots)


def _levels(config: Config) -> jax.Array:
    return log_snr_schedule(PROCESS, config.noise_levels - 1)


def _on_gaussian(config: Config, key: PRNGKeyArray) -> Arrays:
    spectrum = Spectrum.from_variances(np.geomspace(*config.variances))
    times, levels = _times(config, config.last_time), _levels(config)
    sets = gaussian_training_sets(spectrum, levels, seeds=config.networks, samples=config.training_samples, key=key)
    maps = _trained(config, spectrum.variance, sets, times)
    theory = _theory(spectrum.variance, times, levels)
    gains = np.asarray(_denoiser(spectrum.variance).gain(jnp.asarray(times)[None], levels[:, None]))
    diagonal = gains[..., None] * np.eye(spectrum.dimension)
    covariance = np.diag(spectrum.variance)
    return {
        "variance": np.asarray(spectrum.variance)[None],
        "excess_trained": np.stack([excess_path_nats(each, covariance, np.asarray(levels)) for each in maps]),
        "generated_trained": _generated(maps, levels),
        **{name: value[None] for name, value in theory.items()},
        "discretised": excess_path_nats(diagonal, covariance, np.asarray(levels))[None],
    }


def _on_photographs(config: Config, key: PRNGKeyArray) -> Arrays:
    """One network."""
    seen_key, unseen_key, noise_key = jax.random.split(key, 3)
    clean, others, variance = patches_in_modes(
        seen_key, unseen_key, count=config.patches, size=config.patch_size, modes=config.modes
    )
    levels, held_out = _levels(config), np.asarray(others)
    sets = training_sets_from_samples(clean.astype(jnp.float32), levels, seeds=1, noise_repeats=4, key=noise_key)
    times = _times(config, config.last_time_on_photographs)
    maps = _trained(config, variance, sets, times)
    second = held_out.T @ held_out / len(held_out)  # about the mean of the patches that were seen
    return {
        "variance": np.asarray(variance),
        "excess_trained": excess_path_nats(maps[0], np.diag(variance), np.asarray(levels)),
        "excess_held_out": excess_path_nats(maps[0], second, np.asarray(levels)),
        "generated_trained": _generated(maps, levels)[0],
        **_theory(variance, times, levels),
    }


def _denoiser(variance: jax.Array) -> OneLayer:
    return OneLayer(Spectrum(jnp.zeros_like(variance), variance), PROCESS, 0.0, 1.0)


def _theory(variance: jax.Array, times: np.ndarray, levels: jax.Array) -> Arrays:
    denoiser = _denoiser(variance)
    return {
        "excess_theory": np.asarray(excess_nats(denoiser, times)),
        "generated_theory": np.asarray(generated_variance_on_schedule(denoiser, jnp.asarray(times), levels)),
    }


def _trained(config: Config, variance: jax.Array, sets: SecondMoments, times: np.ndarray) -> np.ndarray:
    curvature = curvature_of_levels(PROCESS, _levels(config), float(variance[0]))
    return descend_every_level(sets, curvature, times, smallest_steps=config.smallest_steps)


def _generated(maps: np.ndarray, levels: jax.Array) -> np.ndarray:
    by_snapshot = jnp.asarray(np.swapaxes(maps, 1, 2))
    return generated_mode_variances(by_snapshot, flow_of(DenoiserTarget(), PROCESS, levels), None)
