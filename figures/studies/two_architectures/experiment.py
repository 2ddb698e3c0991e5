"""Weights and generated variance per eigenmode, one and two layers, and the power law of emergence.

One-layer and tied two-layer linear denoisers, one network per noise level, trained by full-batch gradient descent on
noisy samples of Gaussian data. The networks are trained together through a clock of finite steps and sampled with
Heun's method on their own noise levels; both discretisations are computed from the theory and shown apart.

The training sets are large because a network fitted to P samples leaks variance ∝ 1/P from learned modes into modes
that have not emerged; the closed forms are the limit P → ∞. What fewer samples do is a claim of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from figures.common.stages import Arrays, RunStage, Stage
from figures.studies.trained_modes.experiment import (
    Sizes,
    as_stage,
    gain_at,
    levels_with_shown,
    named,
    rotated_spectrum,
    trained_modes,
    training_sets,
)
from figures.studies.trained_modes.finite_steps import with_finite_steps
from figures.studies.trained_modes.lag import without_lag
from figures.studies.trained_modes.seed_blocks import joined_seeds, seed_stages
from sims.networks.linear import AbstractLinearNetwork, linear_denoiser, tied_two_layer_denoiser
from sims.training.descent import Clock, common_clock
from sims.training.pairs import SecondMoments
from theory.definitions.processes import EDM
from theory.definitions.spectra import Spectrum
from theory.spectral_law.emergence import emergence_level, emergence_time
from theory.spectral_law.generation import generated_variance
from theory.spectral_law.parametrisations.one_layer import OneLayer
from theory.spectral_law.parametrisations.symmetric_two_layer import SymmetricTwoLayer


@dataclass(frozen=True)
class ArchitecturesConfig:
    """Sizes of the run. Times are ητ with η = 1."""

    variances: tuple[float, ...] = (10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 0.001)
    initial_gain: float = 0.1
    weight_noise_level: float = 1.0  # where the weights of the left panels are shown
    first_time: float = 1e-4
    last_time: float = 1e2
    snapshots: int = 37
    noise_levels: int = 48
    seeds: int = 12
    training_samples: int = 524288
    fewer_training_samples: int | None = 65536  # one-layer networks once more, or not
    smallest_steps: int = 24  # between snapshots

    @property
    def sizes(self) -> Sizes:
        """How much is trained and sampled."""
        return Sizes(
            first_time=self.first_time,
            last_time=self.last_time,
            snapshots=self.snapshots,
            seeds=self.seeds,
            training_samples=self.training_samples,
            smallest_steps=self.smallest_steps,
            safety=0.9,
        )


Denoiser = OneLayer | SymmetricTwoLayer


class Architecture(NamedTuple):
    """Theory, initial network (from key, dimension and gain), curvature of the loss at every noise level."""

    denoiser: Callable[..., Denoiser]
    network: Callable[[PRNGKeyArray, int, float], AbstractLinearNetwork]
    curvature: Callable[[ArchitecturesConfig, np.ndarray], np.ndarray]


def _linear_network(key: PRNGKeyArray, dimension: int, gain: float) -> AbstractLinearNetwork:
    del key
    return linear_denoiser(dimension, gain)


def _curvature(config: ArchitecturesConfig, levels: np.ndarray) -> np.ndarray:
    return 2 * (max(config.variances) + levels**2)


def _tied_curvature(config: ArchitecturesConfig, levels: np.ndarray) -> np.ndarray:
    """Second derivative of the loss in P, 4(3Sψ - λ), at the larger of the initial and the final gain."""
    largest = max(config.variances)
    return 12 * np.maximum((largest + levels**2) * config.initial_gain, largest)


ARCHITECTURES = {
    "one_layer": Architecture(OneLayer, _linear_network, _curvature),
    "two_layer": Architecture(SymmetricTwoLayer, tied_two_layer_denoiser, _tied_curvature),
}


def compute_architectures(config: ArchitecturesConfig, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Theory curves, and trained networks measured at the snapshots; keys end in the parametrisation's name."""
    rotation_key, data_key, one_key, two_key, fewer_key = jax.random.split(key, 5)
    spectrum = rotated_spectrum(config.variances, rotation_key)
    arrays: Arrays = {"variance": np.asarray(spectrum.variance), "times": config.sizes.times}
    # What is trained for does not depend on the number of layers.
    draw_sets = partial(_training_sets, config, spectrum, config.training_samples, data_key)
    moments = as_stage(stage, draw_sets, SecondMoments, share=0.2 if config.fewer_training_samples is not None else 0.3)
    stages = []
    for name, run_key, share in zip(ARCHITECTURES, (one_key, two_key), (0.2, 0.4), strict=True):
        stages.append(Stage(f"theory, {name}", partial(_theory, config, name, spectrum), 0.05))
        train = partial(_train, config, name, spectrum, run_key)
        training = seed_stages(f"trained networks, {name}", train, moments, share=share)
        stages += training
    if config.fewer_training_samples is not None:
        train = partial(_train_on_fewer, config, spectrum, fewer_key)
        stages.append(Stage("one_layer, fewer training samples", train, 0.1))
    results = iter(stage.all(stages))
    for name in ARCHITECTURES:
        theory, runs = next(results), [next(results) for _ in training]
        arrays |= named(theory | joined_seeds(runs), name)
    for run in results:
        arrays |= run
    return arrays


def _denoiser(config: ArchitecturesConfig, name: str, spectrum: Spectrum) -> Denoiser:
    return ARCHITECTURES[name].denoiser(spectrum, EDM(), config.initial_gain, learning_rate=1.0)


def _levels(config: ArchitecturesConfig) -> jax.Array:
    return levels_with_shown(EDM(), config.noise_levels, config.weight_noise_level)


def _clock(config: ArchitecturesConfig, name: str, spectrum: Spectrum) -> Clock:
    levels, sizes = _levels(config), config.sizes
    curvature = ARCHITECTURES[name].curvature(config, np.asarray(levels))
    clock = common_clock(sizes.times, curvature, smallest_steps=sizes.smallest_steps, safety=sizes.safety)
    return without_lag(clock, _denoiser(config, name, spectrum), levels, sizes.times)


def _training_sets(config: ArchitecturesConfig, spectrum: Spectrum, samples: int, key: PRNGKeyArray) -> SecondMoments:
    sizes = replace(config.sizes, training_samples=samples)
    return training_sets(_denoiser(config, "one_layer", spectrum), _levels(config), sizes, key)


def _theory(config: ArchitecturesConfig, name: str, spectrum: Spectrum) -> Arrays:
    """Closed forms on a fine grid and at the snapshots, and what finite steps and Heun's method make of them."""
    denoiser, levels, clock, times = (
        _denoiser(config, name, spectrum),
        _levels(config),
        _clock(config, name, spectrum),
        config.sizes.times,
    )
    fine = np.geomspace(config.first_time, max(config.last_time, 1e3), 400)
    finite_steps = with_finite_steps(denoiser, levels, clock, times, shown=1)
    return {
        "fine_times": fine,
        "gain_curve": np.asarray(gain_at(denoiser, jnp.asarray(fine), levels[-1])),
        "variance_curve": np.asarray(generated_variance(denoiser, fine)),
        "variance_closed_form": np.asarray(generated_variance(denoiser, times)),
        "variance_finite_steps": finite_steps.variance,
        "gain_finite_steps": finite_steps.gain[:, -1],
        "emergence_theory": np.asarray(emergence_time(denoiser)),
        "level": np.asarray(emergence_level(denoiser)),
    }


def _train_on_fewer(config: ArchitecturesConfig, spectrum: Spectrum, key: PRNGKeyArray) -> Arrays:
    data_key, run_key = jax.random.split(key)
    assert config.fewer_training_samples is not None
    moments = _training_sets(config, spectrum, config.fewer_training_samples, data_key)
    return {
        "variance_trained_fewer_samples": _train(config, "one_layer", spectrum, run_key, moments)["variance_trained"],
        "fewer_training_samples": np.asarray(config.fewer_training_samples),
    }


def _train(
    config: ArchitecturesConfig, name: str, spectrum: Spectrum, key: PRNGKeyArray, moments: SecondMoments
) -> Arrays:
    """Train every seed and noise level, sample from every snapshot, measure in the data's eigenbasis."""
    network = ARCHITECTURES[name].network(key, spectrum.dimension, config.initial_gain)
    denoiser, levels, clock = _denoiser(config, name, spectrum), _levels(config), _clock(config, name, spectrum)
    trained = trained_modes(denoiser, network, moments, levels, clock, shown=1)
    return trained | {"gain_trained": trained["gain_trained"][:, 0]}
