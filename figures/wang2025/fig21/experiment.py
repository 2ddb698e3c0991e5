"""Figure 21 of Wang & Pehlevan 2025: on data whose mean is not zero, learning the mean and the covariance interact.

One-layer denoisers with a trained bias, for means of three sizes. The mean is a direction of large second moment: the
weights fit it early, overshoot, and hand it over to the bias later. Meanwhile modes of the data mix in the weights and
in what is generated.
"""

from dataclasses import dataclass
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from figures.common.stages import Arrays, RunStage, Stage
from figures.studies.trained_modes.experiment import (
    TINY_SIZES,
    Sizes,
    levels_with_shown,
    sampling_flow,
    training_sets,
)
from figures.studies.trained_modes.lag import without_lag
from sims.experiments.linear import generated_moments, mode_gains
from sims.networks.linear import linear_denoiser, offsets_of, total_maps_of
from sims.training.descent import Clock, common_clock, train_full_batch
from theory.definitions.processes import EDM
from theory.definitions.spectra import Spectrum
from theory.spectral_law.distances import alignment, kl_divergence
from theory.spectral_law.generation import generated_variance
from theory.spectral_law.moments import generated_mean, moments_on_schedule
from theory.spectral_law.parametrisations.one_layer_with_bias import OneLayerWithBias, map_after_steps

# The bias relaxes at the rate 2ητ of the constant input whatever σ, while steps are limited by σ²: the largest noise
# level is kept small enough for all networks to take the same small steps, so that no bias lags behind.
PROCESS = EDM(sigma_min=0.01, sigma_max=20.0)


@dataclass(frozen=True)
class Config:
    """Sizes of the run. Times are ητ with η = 1."""

    sizes: Sizes
    variances: tuple[float, ...] = (3.0, 1.0, 0.3, 0.1)
    mean_lengths: tuple[float, ...] = (0.0, 1.0, 3.0)
    initial_gain: float = 0.1
    weight_noise_level: float = 1.0
    noise_levels: int = 40


_QUICK = Sizes(
    first_time=1e-3,
    last_time=1.5e1,
    snapshots=22,
    seeds=12,
    training_samples=262144,
    smallest_steps=24,
)
PRESETS = {
    "quick": Config(_QUICK),
    "paper": Config(
        Sizes(
            first_time=1e-4,
            last_time=5e1,
            snapshots=48,
            seeds=24,
            training_samples=2097152,
            smallest_steps=24,
        ),
        noise_levels=128,
    ),
    "tiny": Config(TINY_SIZES, variances=(3.0, 0.3, 0.1), mean_lengths=(0.0, 1.0), noise_levels=8),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Theory and trained networks for every length of the mean, indexed [mean, (seed,) time, mode]."""
    stages = []
    keys = jax.random.split(key, len(config.mean_lengths))
    for length, run_key in zip(config.mean_lengths, keys, strict=True):
        denoiser = _denoiser(config, length)
        stages.append(Stage(f"theory, |μ| = {length:g}", partial(_theory, config, denoiser), 0.4 / len(keys)))
        train = partial(_train, config, denoiser, run_key)
        stages.append(Stage(f"trained networks, |μ| = {length:g}", train, 0.6 / len(keys)))
    results = stage.all(stages)
    runs = [theory | trained for theory, trained in zip(results[::2], results[1::2], strict=True)]
    return {
        "variance": np.asarray(config.variances),
        "mean_length": np.asarray(config.mean_lengths),
        "times": config.sizes.times,
        "fine_times": _fine_times(config),
        "optimal_gain": np.asarray(config.variances) / (np.asarray(config.variances) + config.weight_noise_level**2),
    } | {name: np.stack([run[name] for run in runs]) for name in runs[0]}


def _denoiser(config: Config, length: float) -> OneLayerWithBias:
    """The mean points equally into all modes."""
    variances = jnp.asarray(config.variances)
    mean = length * jnp.ones_like(variances) / jnp.sqrt(variances.size)
    return OneLayerWithBias(Spectrum(mean, variances), PROCESS, config.initial_gain, learning_rate=1.0)


def _fine_times(config: Config) -> np.ndarray:
    return np.geomspace(config.sizes.first_time, config.sizes.last_time, 90)


def _all_levels(config: Config) -> jnp.ndarray:
    """Every noise level that has a network: those of the sampler and, last, the one whose weights are shown."""
    return levels_with_shown(PROCESS, config.noise_levels, config.weight_noise_level)


def _clock(config: Config, denoiser: OneLayerWithBias) -> Clock:
    # The largest eigenvalue of the second moments of (x, 1) is below the largest input variance plus |μ|² + 1.
    largest = max(config.variances) + np.sum(np.asarray(denoiser.spectrum.mean) ** 2) + 1
    curvature = np.full(config.noise_levels + 1, 2 * (largest + PROCESS.sigma_max**2))
    sizes = config.sizes
    clock = common_clock(sizes.times, curvature, smallest_steps=sizes.smallest_steps, safety=sizes.safety)
    return without_lag(clock, denoiser, _all_levels(config), sizes.times)


def _theory(config: Config, denoiser: OneLayerWithBias) -> Arrays:
    fine, levels, clock = jnp.asarray(_fine_times(config)), _all_levels(config), _clock(config, denoiser)
    maps = map_after_steps(denoiser, levels, jnp.asarray(clock.step_sizes), jnp.asarray(clock.steps))
    by_level = jax.tree.map(lambda leaf: jnp.swapaxes(leaf[:, :-1], 0, 1), maps)
    moments = moments_on_schedule(denoiser, by_level, levels[:-1])
    shown = jnp.asarray(config.weight_noise_level)
    return {name: np.asarray(curve) for name, curve in _curves(denoiser, fine, shown).items()} | {
        "mean_finite_steps": np.asarray(moments.mean),
        "variance_finite_steps": np.asarray(jnp.diagonal(moments.covariance, axis1=-2, axis2=-1)),
    }


@eqx.filter_jit
def _curves(denoiser: OneLayerWithBias, times: jax.Array, shown: jax.Array) -> dict[str, jax.Array]:
    """All curves in one compiled function, which integrates the flow of the moments once for all of them."""
    return {
        "gain_curve": denoiser.gain(times, shown),
        "bias_curve": denoiser.weights(times, shown)[1],
        "mean_curve": generated_mean(denoiser, times),
        "variance_curve": generated_variance(denoiser, times),
        "divergence_curve": kl_divergence(denoiser, times),
        "alignment_curve": alignment(denoiser, times),
    }


def _train(config: Config, denoiser: OneLayerWithBias, key: PRNGKeyArray) -> Arrays:
    sizes, levels, clock = config.sizes, _all_levels(config), _clock(config, denoiser)
    moments = training_sets(denoiser, levels, sizes, key)
    network = linear_denoiser(denoiser.spectrum.dimension, config.initial_gain, initial_bias=0.0)
    steps = jnp.asarray(clock.step_sizes, jnp.float32), jnp.asarray(clock.steps)
    trained = train_full_batch(network, moments, *steps)
    maps, offsets = total_maps_of(trained), offsets_of(trained)
    assert offsets is not None
    generated = generated_moments(
        jnp.swapaxes(maps[:, :-1], 1, 2),
        jnp.swapaxes(offsets[:, :-1], 1, 2),
        sampling_flow(denoiser, levels[:-1]),
        None,
    )
    covariance = generated.covariance
    on_axes = np.sum(generated.variance**2, axis=-1) / np.sum(covariance**2, axis=(-2, -1))
    return {
        "gain_trained": np.asarray(mode_gains(maps[:, -1], None)),
        "bias_trained": np.asarray(offsets[:, -1]),
        "mean_trained": generated.mean,
        "variance_trained": np.ascontiguousarray(generated.variance),
        "alignment_trained": on_axes,
    }
