"""Linear convolutions on photographs: what a filter generates, and when, against its width.

One filter per noise level, trained by full-batch gradient descent on patches of photographs with periodic boundaries
(Wang & Pehlevan 2025, Props. 5.3 and 5.4). A filter as wide as the patch learns every Fourier mode as one layer does,
N times as fast. A narrower one has fewer weights than there are modes: it generates a spectrum of its own, whose
logarithm is a trigonometric polynomial, so that emergence is measured against its own final variance. The closed form
of that spectrum is this project's (App. G.4 integrates numerically).

For filters of 3 and 5 pixels emergence is no power law of the data's variance: a component of the patch moves many
modes at once, some of them down before they rise. The exponents fitted there hang on the mode of largest variance, the
mean grey level, so that they are shown with it and without it.
"""

from dataclasses import dataclass, replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from figures.common.stages import Arrays, RunStage, Stage
from figures.studies.trained_modes.experiment import (
    TINY_SIZES,
    Sizes,
    as_stage,
    clock_for,
    levels_with_shown,
    measured_modes,
    named,
    pair_coefficients,
    theory_of_modes,
)
from sims.data.built_in import natural_image_patches
from sims.networks.convolution import convolution_denoiser
from sims.training.convolution_descent import train_one_filter
from sims.training.linear_losses import ShiftMoments, shift_moments
from sims.training.training_sets import training_sets_from_samples
from theory.definitions.processes import EDM
from theory.definitions.spectra import stationary_autocovariance
from theory.spectral_law.generation import generated_variance, generated_variance_by_quadrature
from theory.spectral_law.parametrisations.full_width_convolution import FullWidthConvolution
from theory.spectral_law.parametrisations.one_layer import OneLayer
from theory.spectral_law.parametrisations.patch_convolution import PatchConvolution


@dataclass(frozen=True)
class Config:
    """Sizes of the run. Times are Nητ with η = 1, N the number of pixels."""

    sizes: Sizes
    patches: int = 8192
    patch_size: int = 8
    noise_repeats: int = 8
    widths: tuple[int, ...] = (1, 3, 5, 7)
    initial_gain: float = 0.1
    weight_noise_level: float = 0.3
    noise_levels: int = 32


PRESETS = {
    "quick": Config(
        Sizes(
            first_time=1e-3,
            last_time=2e2,
            snapshots=24,
            seeds=12,
            training_samples=8192 * 8,
            smallest_steps=16,
        )
    ),
    "paper": Config(
        Sizes(
            first_time=1e-4,
            last_time=1e3,
            snapshots=48,
            seeds=16,
            training_samples=32768 * 16,
            smallest_steps=24,
        ),
        patches=32768,
        patch_size=16,
        noise_repeats=16,
        widths=(1, 3, 5, 9, 15),
        noise_levels=96,
    ),
    "tiny": Config(TINY_SIZES, patches=64, patch_size=4, noise_repeats=1, widths=(1, 3), noise_levels=8),
}
PROCESS = EDM(sigma_min=0.01, sigma_max=40.0)
FULL = "full"


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Theory and trained filters of every width; keys end in the width, or in `full`."""
    patch_key, noise_key = jax.random.split(key)
    samples = natural_image_patches(patch_key, count=config.patches, size=config.patch_size, channels="grey")
    samples = np.asarray(samples, np.float32) - np.mean(samples)
    grid = (config.patch_size, config.patch_size)
    autocovariance = stationary_autocovariance(samples.reshape(-1, *grid))
    denoisers = {
        str(width): PatchConvolution.from_autocovariance(autocovariance, width, PROCESS, config.initial_gain, 1.0)
        for width in config.widths
    }
    full = FullWidthConvolution.from_autocovariance(autocovariance, PROCESS, config.initial_gain, 1.0)
    one_layer = OneLayer(full.spectrum, PROCESS, config.initial_gain, 1.0)
    modes = _distinct_modes(grid, np.asarray(full.spectrum.variance))
    arrays: Arrays = {
        "variance": np.asarray(full.spectrum.variance)[modes],
        "widths": np.asarray(config.widths),
        "pixels": np.asarray(full.spectrum.dimension),
        "one_layer_curve": np.asarray(generated_variance(one_layer, config.sizes.times))[:, modes],
    }
    draw_sets = partial(_training_sets, config, full, samples, noise_key)
    moments = as_stage(stage, draw_sets, ShiftMoments, share=0.1)
    share = 0.9 / (1 + len(config.widths))
    every, stages = denoisers | {FULL: full}, []
    for name, denoiser in every.items():
        run = partial(_run, config, name, denoiser, moments, modes)
        stages.append(Stage("full width" if name == FULL else f"width {name}", run, share))
    for name, results in zip(every, stage.all(stages), strict=True):
        arrays |= named(results, name)
    return arrays


def _distinct_modes(grid: tuple[int, int], variance: np.ndarray) -> np.ndarray:
    """One of each pair of frequencies k and -k, which have one variance, in decreasing order of it."""
    frequencies = np.indices(grid).reshape(2, -1)
    opposite = np.ravel_multi_index(tuple(-frequencies), grid, mode="wrap")
    distinct = np.flatnonzero(np.arange(variance.size) <= opposite)
    return distinct[np.argsort(-variance[distinct])]


def _levels(config: Config) -> jax.Array:
    """Every noise level that has a filter: those of the sampler and, last, the one whose gains are compared."""
    return levels_with_shown(PROCESS, config.noise_levels, config.weight_noise_level)


def _training_sets(config: Config, denoiser, samples, key: PRNGKeyArray) -> ShiftMoments:
    """The patches under fresh noise for every seed; what is trained for does not depend on the width."""
    pairs = pair_coefficients(denoiser, _levels(config))
    repeats, seeds = config.noise_repeats, config.sizes.seeds
    moments = training_sets_from_samples(jnp.asarray(samples), pairs, seeds=seeds, noise_repeats=repeats, key=key)
    return shift_moments(moments, denoiser.grid)


def _run(config: Config, name: str, denoiser, moments: ShiftMoments, modes) -> Arrays:
    pixels = denoiser.spectrum.dimension
    # Shared weights learn `pixels` times as fast.
    sizes = replace(
        config.sizes, first_time=config.sizes.first_time / pixels, last_time=config.sizes.last_time / pixels
    )
    levels = _levels(config)
    clock = clock_for(denoiser, levels, sizes, rate=pixels, together=True)
    width = config.patch_size if name == FULL else int(name)
    network = convolution_denoiser(denoiser.grid, (width, width), config.initial_gain)
    trained = measured_modes(denoiser, train_one_filter(network, moments, clock), levels, shown=1)
    theory = theory_of_modes(denoiser, levels, clock, sizes, shown=1)
    quadrature = np.asarray(generated_variance_by_quadrature(denoiser, sizes.times))
    error = np.abs(np.log(theory["variance_closed_form"] / quadrature)).max()
    return {
        "times": sizes.times,
        "fine_times": theory["fine_times"],
        "closed_form_error": np.asarray(error),
        "gain_trained": trained["gain_trained"][:, 0][..., modes],
        "gain_finite_steps": theory["gain_finite_steps"][0][:, modes],
        "variance_trained": trained["variance_trained"][..., modes],
        **{
            name: theory[name][:, modes] for name in ("variance_curve", "variance_closed_form", "variance_finite_steps")
        },
    }
