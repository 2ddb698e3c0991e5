"""Weights and generated variance per eigenmode, one and two layers, and the power law of emergence.

One-layer and tied two-layer linear denoisers, one network per noise level, trained by full-batch gradient descent on
noisy samples of Gaussian data. The networks are trained together through a clock of finite steps and sampled with
Heun's method on their own noise levels; both discretisations are computed from the theory and shown apart.

The training sets are large because a network fitted to P samples leaks variance ∝ 1/P from learned modes into modes
that have not emerged; the closed forms are the limit P → ∞. What fewer samples do is a claim of its own.
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from figures.common.stages import Arrays, RunStage
from sims.experiments.linear import gaussian_training_sets, generated_mode_variances, mode_gains
from sims.networks.linear import linear_denoiser, tied_two_layer_denoiser, total_maps_of
from sims.sampling.schedules import log_snr_schedule
from sims.training.descent import Clock, common_clock, train_full_batch
from sims.training.pairs import SecondMoments
from theory.definitions.processes import EDM
from theory.definitions.spectra import Spectrum
from theory.spectral_law.denoiser import regression_at
from theory.spectral_law.emergence import emergence_level, emergence_time
from theory.spectral_law.generation import generated_variance, generated_variance_on_schedule
from theory.spectral_law.parametrisations.one_layer import OneLayer
from theory.spectral_law.parametrisations.symmetric_two_layer import SymmetricTwoLayer, tied_gradient_descent
from theory.spectral_law.regression import gradient_descent


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
    generated_samples: int = 1024


LAYERS = ("one_layer", "two_layer")


def compute_architectures(config: ArchitecturesConfig, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Theory curves, and trained networks measured at the snapshots; keys end in the parametrisation's name."""
    rotation_key, data_key, one_key, two_key, fewer_key = jax.random.split(key, 5)
    variances = jnp.asarray(config.variances)
    basis, _ = jnp.linalg.qr(jax.random.normal(rotation_key, (variances.size, variances.size)))
    spectrum = Spectrum(jnp.zeros_like(variances), variances, basis)
    arrays: Arrays = {"variance": np.asarray(variances), "times": _snapshot_times(config)}
    draw_sets = partial(_training_sets, config, spectrum, config.training_samples, data_key)
    moments = stage("training sets", draw_sets, share=0.2 if config.fewer_training_samples is not None else 0.3)
    denoisers = {"one_layer": OneLayer, "two_layer": SymmetricTwoLayer}
    for name, run_key, share in zip(LAYERS, (one_key, two_key), (0.2, 0.4), strict=True):
        denoiser = denoisers[name](spectrum, EDM(), config.initial_gain, learning_rate=1.0)
        arrays |= _named(name, stage(f"theory, {name}", partial(_theory, config, denoiser), share=0.05))
        train = partial(_train, config, denoiser, moments, run_key)
        arrays |= _named(name, stage(f"trained networks, {name}", train, share=share))
    if config.fewer_training_samples is None:
        return arrays
    fewer = stage("one_layer, fewer training samples", partial(_train_on_fewer, config, spectrum, fewer_key), share=0.1)
    return arrays | fewer


def _named(name: str, arrays: Arrays) -> Arrays:
    return {f"{key}_{name}": value for key, value in arrays.items()}


def _snapshot_times(config: ArchitecturesConfig) -> np.ndarray:
    return np.geomspace(config.first_time, config.last_time, config.snapshots)


def _sampling_levels(config: ArchitecturesConfig) -> jnp.ndarray:
    return log_snr_schedule(EDM(), config.noise_levels - 1)


def _all_levels(config: ArchitecturesConfig) -> jnp.ndarray:
    """Every noise level that has a network: those of the sampler and, last, the one whose weights are shown."""
    return jnp.append(_sampling_levels(config), config.weight_noise_level)


def _clock(config: ArchitecturesConfig, denoiser) -> Clock:
    levels = np.asarray(_all_levels(config))
    largest = max(config.variances)
    if isinstance(denoiser, OneLayer):
        curvature = 2 * (largest + levels**2)
    else:
        # Second derivative of the loss in P, 4(3Sψ - λ), at the larger of the initial and the final gain.
        curvature = 12 * np.maximum((largest + levels**2) * config.initial_gain, largest)
    return common_clock(_snapshot_times(config), curvature, smallest_steps=24, safety=0.9)


def _theory(config: ArchitecturesConfig, denoiser) -> Arrays:
    """Closed forms on a fine grid and at the snapshots, and what finite steps and Heun's method make of them."""
    times = _snapshot_times(config)
    fine = np.geomspace(config.first_time, max(config.last_time, 1e3), 400)
    clock = _clock(config, denoiser)
    regression = regression_at(denoiser, _all_levels(config))
    descend = gradient_descent if isinstance(denoiser, OneLayer) else tied_gradient_descent
    start = jnp.broadcast_to(denoiser.initial_gain, regression.optimal_gain.shape)
    gains = descend(regression, start, jnp.asarray(clock.step_sizes)[:, :, None], jnp.asarray(clock.steps))
    by_level = jnp.swapaxes(gains[:, :-1], 0, 1)
    return {
        "fine_times": fine,
        "gain_curve": np.asarray(denoiser.gain(jnp.asarray(fine), jnp.asarray(config.weight_noise_level))),
        "variance_curve": np.asarray(generated_variance(denoiser, fine)),
        "variance_closed_form": np.asarray(generated_variance(denoiser, times)),
        "variance_finite_steps": np.asarray(
            generated_variance_on_schedule(denoiser, times, _sampling_levels(config), by_level)
        ),
        "gain_finite_steps": np.asarray(gains[:, -1]),
        "emergence_theory": np.asarray(emergence_time(denoiser)),
        "level": np.asarray(emergence_level(denoiser)),
    }


def _training_sets(config: ArchitecturesConfig, spectrum: Spectrum, samples: int, key: PRNGKeyArray) -> Arrays:
    return gaussian_training_sets(spectrum, _all_levels(config), seeds=config.seeds, samples=samples, key=key)._asdict()


def _train_on_fewer(config: ArchitecturesConfig, spectrum: Spectrum, key: PRNGKeyArray) -> Arrays:
    data_key, run_key = jax.random.split(key)
    assert config.fewer_training_samples is not None
    moments = _training_sets(config, spectrum, config.fewer_training_samples, data_key)
    denoiser = OneLayer(spectrum, EDM(), config.initial_gain, learning_rate=1.0)
    variances = _train(config, denoiser, moments, run_key)["variance_trained"]
    return {
        "variance_trained_fewer_samples": variances,
        "fewer_training_samples": np.asarray(config.fewer_training_samples),
    }


def _train(config: ArchitecturesConfig, denoiser, moments: Arrays, key: PRNGKeyArray) -> Arrays:
    """Train every seed and noise level, sample from every snapshot, measure in the data's eigenbasis."""
    start_key, sample_key = jax.random.split(key)
    spectrum, dimension = denoiser.spectrum, denoiser.spectrum.dimension
    if isinstance(denoiser, OneLayer):
        network = linear_denoiser(dimension, config.initial_gain)
    else:
        network = tied_two_layer_denoiser(start_key, dimension, config.initial_gain)
    clock = _clock(config, denoiser)
    training_sets = SecondMoments(**{name: jnp.asarray(value) for name, value in moments.items()})
    trained = train_full_batch(
        network, training_sets, jnp.asarray(clock.step_sizes, jnp.float32), jnp.asarray(clock.steps)
    )
    total_maps = jnp.swapaxes(total_maps_of(trained), 1, 2)  # (seeds, snapshots, levels, dim, dim)
    variances = generated_mode_variances(
        total_maps[:, :, :-1],
        _sampling_levels(config),
        spectrum.basis,
        samples=config.generated_samples,
        key=sample_key,
    )
    gains = mode_gains(total_maps[:, :, -1], spectrum.basis)
    return {"gain_trained": np.asarray(gains), "variance_trained": variances}
