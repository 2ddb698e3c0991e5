"""Emergence time against variance for several initial gains: closed form, and trained one-layer networks.

Shared by the figures that show it on different processes. A mode emerges when its generated variance reaches the
geometric or the harmonic mean of its initial and its target variance.
"""

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from figures.common.stages import Arrays, RunStage
from figures.studies.trained_modes.experiment import pair_coefficients, sampling_flow
from sims.experiments.linear import gaussian_training_sets, generated_mode_variances
from sims.networks.linear import linear_denoiser
from sims.training.descent import Clock, train_full_batch
from sims.training.pairs import SecondMoments
from theory.definitions.processes import AbstractProcess
from theory.definitions.spectra import Spectrum
from theory.spectral_law.emergence import emergence_level, emergence_time, rises
from theory.spectral_law.parametrisations.one_layer import OneLayer

MEANS = ("geometric", "harmonic")


@dataclass(frozen=True)
class EmergenceConfig:
    """Sizes of the run. Times are ητ with η = 1."""

    initial_gains: tuple[float, ...] = (0.0, 0.1, 0.5, 0.6, 1.0)
    theory_variances: tuple[float, float, int] = (1e-3, 1e2, 20)  # first, last, number
    trained_variances: tuple[float, float, int] = (3e-2, 3e1, 7)
    first_time: float = 1e-5
    last_time: float = 20.0
    snapshots: int = 30
    noise_levels: int = 40
    seeds: int = 6
    training_samples: int = 131072
    generated_samples: int = 768

    @property
    def times(self) -> np.ndarray:
        """Training times of the snapshots."""
        return np.geomspace(self.first_time, self.last_time, self.snapshots)


class Setting(NamedTuple):
    """Where the networks live and how they are trained: process, its times with a network each, steps."""

    process: AbstractProcess
    levels: Float[Array, " levels"]
    clock: Clock


def compute_emergence(config: EmergenceConfig, setting: Setting, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Closed-form and measured emergence times, indexed [initial gain, (seed,) mode]; keys end in the mean's name."""
    data_key, *run_keys = jax.random.split(key, 1 + len(config.initial_gains))
    trained = Spectrum.from_variances(np.geomspace(*config.trained_variances)[::-1])
    arrays: Arrays = {
        "initial_gain": np.asarray(config.initial_gains),
        "variance": np.geomspace(*config.theory_variances),
        "trained_variance": np.asarray(trained.variance),
        "times": config.times,
    }
    arrays |= stage("theory", partial(_theory, config, setting.process, trained), share=0.3)
    sets = partial(_training_sets, config, setting, trained, data_key)
    moments = stage("training sets", sets, share=0.2)
    share = 0.5 / len(config.initial_gains)
    runs = [
        stage(
            f"trained networks, Q = {gain:g}",
            partial(_train, config, setting, trained, moments, gain, run_key),
            share=share,
        )
        for gain, run_key in zip(config.initial_gains, run_keys, strict=True)
    ]
    return arrays | {"variance_trained": np.stack([run["variance_trained"] for run in runs])}


def _theory(config: EmergenceConfig, process: AbstractProcess, trained: Spectrum) -> Arrays:
    """Closed forms on the fine grid of variances and on the trained ones, computed as one spectrum of both."""
    wide = np.geomspace(*config.theory_variances)
    both = Spectrum.from_variances(np.concatenate([wide, trained.variance]))
    denoisers = [OneLayer(both, process, gain, learning_rate=1.0) for gain in config.initial_gains]
    arrays: Arrays = {}
    for mean in MEANS:
        emergence = np.stack([np.asarray(emergence_time(denoiser, mean)) for denoiser in denoisers])
        level = np.stack([np.asarray(emergence_level(denoiser, mean)) for denoiser in denoisers])
        arrays[f"emergence_{mean}"] = emergence[:, : wide.size]
        arrays[f"emergence_of_trained_{mean}"] = emergence[:, wide.size :]
        arrays[f"level_{mean}"] = level[:, wide.size :]
    rising = np.stack([np.asarray(rises(denoiser)) for denoiser in denoisers])
    return arrays | {"rises": rising[:, : wide.size], "trained_rises": rising[:, wide.size :]}


def _training_sets(config: EmergenceConfig, setting: Setting, spectrum: Spectrum, key: PRNGKeyArray) -> Arrays:
    pairs = pair_coefficients(OneLayer(spectrum, setting.process, 0.0, 1.0), setting.levels)
    return gaussian_training_sets(
        spectrum, pairs, seeds=config.seeds, samples=config.training_samples, key=key
    )._asdict()


def _train(
    config: EmergenceConfig,
    setting: Setting,
    spectrum: Spectrum,
    moments: Arrays,
    initial_gain: float,
    key: PRNGKeyArray,
) -> Arrays:
    networks = train_full_batch(
        linear_denoiser(spectrum.dimension, initial_gain),
        SecondMoments(**{name: jnp.asarray(value) for name, value in moments.items()}),
        jnp.asarray(setting.clock.step_sizes, jnp.float32),
        jnp.asarray(setting.clock.steps),
    )
    total_maps = jnp.swapaxes(networks.weight, 1, 2)
    flow = sampling_flow(OneLayer(spectrum, setting.process, initial_gain, 1.0), setting.levels)
    return {
        "variance_trained": generated_mode_variances(total_maps, flow, None, samples=config.generated_samples, key=key)
    }
