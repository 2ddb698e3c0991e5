"""Table 1 of Wang & Pehlevan 2025 with every cell checked: what each architecture does to the learning of a spectrum.

Five networks learn the same stationary data on a ring: one layer, tied and untied two layers, the full-width and a
patch convolution. Each cell holds what the theory says and what trained networks measured. The columns are the time at
which weights emerge, the exponent of the generated variance, the speed against one layer, and whether the data's
spectrum is reached in the end. All of them start aligned with the data; tied layers are trained once more from weights
that are not.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from figures.common.stages import Arrays, RunStage, Stage
from figures.studies.trained_modes.experiment import (
    TINY_SIZES,
    Sizes,
    as_stage,
    clock_for,
    levels_with_shown,
    named,
    theory_of_modes,
    trained_modes,
    training_sets,
)
from figures.wang2025.table1.unaligned import run_unaligned
from sims.networks.convolution import convolution_denoiser
from sims.networks.linear import AbstractLinearNetwork, linear_denoiser, tied_two_layer_denoiser, two_layer_denoiser
from sims.training.descent import Clock
from sims.training.pairs import SecondMoments
from theory.definitions.processes import EDM
from theory.definitions.spectra import Spectrum
from theory.spectral_law.denoiser import AbstractDenoiser
from theory.spectral_law.parametrisations.full_width_convolution import FullWidthConvolution
from theory.spectral_law.parametrisations.one_layer import OneLayer
from theory.spectral_law.parametrisations.patch_convolution import PatchConvolution
from theory.spectral_law.parametrisations.symmetric_two_layer import SymmetricTwoLayer
from theory.spectral_law.parametrisations.two_layer import TwoLayer

PROCESS = EDM(sigma_min=0.01, sigma_max=20.0)
WIDTH = 3


@dataclass(frozen=True)
class Config:
    """Sizes of the run. Times are ητ with η = 1."""

    sizes: Sizes
    points: int = 9
    initial_gain: float = 0.1
    weight_noise_level: float = 0.3
    noise_levels: int = 28


PRESETS = {
    "quick": Config(
        Sizes(
            first_time=2e-3,
            last_time=2e1,
            snapshots=24,
            seeds=8,
            training_samples=262144,
            smallest_steps=16,
        )
    ),
    "paper": Config(
        Sizes(
            first_time=1e-3,
            last_time=5e1,
            snapshots=48,
            seeds=24,
            training_samples=2097152,
            smallest_steps=24,
        ),
        points=15,
        noise_levels=96,
    ),
    "tiny": Config(replace(TINY_SIZES, smallest_steps=8), points=5, noise_levels=8),
}

# name: words, layers (for the steps), how many positions share a weight (per point of the ring)
ROWS: dict[str, tuple[str, int, bool]] = {
    "one_layer": ("one layer", 1, False),
    "tied": ("two layers, tied", 2, False),
    "untied": ("two layers, untied", 2, False),
    "full_width": ("full-width convolution", 1, True),
    "patch": (f"patch convolution, width {WIDTH}", 1, True),
}


def autocovariance(points: int) -> np.ndarray:
    """A ring whose Fourier variances fall from 3 as (1 + 2k)^-3/2."""
    frequency = np.minimum(np.arange(points), points - np.arange(points))
    return np.fft.ifft(3.0 / (1.0 + 2 * frequency) ** 1.5).real


def _denoisers(config: Config) -> dict[str, AbstractDenoiser]:
    ring = autocovariance(config.points)
    spectrum, gain = Spectrum.from_autocovariance(ring), config.initial_gain
    return {
        "one_layer": OneLayer(spectrum, PROCESS, gain, 1.0),
        "tied": SymmetricTwoLayer(spectrum, PROCESS, gain, 1.0),
        "untied": TwoLayer(spectrum, PROCESS, gain, 1.0),
        "full_width": FullWidthConvolution.from_autocovariance(ring, PROCESS, gain, 1.0),
        "patch": PatchConvolution.from_autocovariance(ring, WIDTH, PROCESS, gain, 1.0),
    }


def _network(name: str, config: Config, key: PRNGKeyArray) -> AbstractLinearNetwork:
    points, gain = config.points, config.initial_gain
    build: dict[str, Callable[[], AbstractLinearNetwork]] = {
        "one_layer": lambda: linear_denoiser(points, gain),
        "tied": lambda: tied_two_layer_denoiser(key, points, gain),
        "untied": lambda: two_layer_denoiser(key, points, gain),
        "full_width": lambda: convolution_denoiser((points,), (points,), gain),
        "patch": lambda: convolution_denoiser((points,), (WIDTH,), gain),
    }
    return build[name]()


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Theory and trained networks of every row; keys end in the row's name, or in that of the start."""
    data_key, *run_keys, start_key = jax.random.split(key, 2 + len(ROWS))
    denoisers = _denoisers(config)
    arrays: Arrays = {
        "variance": np.asarray(denoisers["one_layer"].spectrum.variance),
        "weight_noise_level": np.asarray(config.weight_noise_level),
        "times": config.sizes.times,
    }
    # All rows learn the same data at the same noise levels.
    levels = levels_with_shown(PROCESS, config.noise_levels, config.weight_noise_level)
    draw_sets = partial(training_sets, denoisers["one_layer"], levels, config.sizes, data_key)
    moments = as_stage(stage, draw_sets, SecondMoments, share=0.1)
    tied, clock = denoisers["tied"], _clock(config, "tied", denoisers["tied"], levels)
    assert isinstance(tied, SymmetricTwoLayer)
    stages = []
    for (name, denoiser), run_key in zip(denoisers.items(), run_keys, strict=True):
        known = clock if denoiser is tied else None
        run = partial(_run, config, name, denoiser, levels, moments, known, run_key)
        stages.append(Stage(ROWS[name][0], run, 0.7 / len(ROWS)))
    run = partial(run_unaligned, tied, moments, levels, clock, start_key)
    stages.append(Stage("two layers, tied, from two starts", run, 0.2))
    *rows, starts = stage.all(stages)
    for name, results in zip(denoisers, rows, strict=True):
        arrays |= named(results, name)
    return arrays | named(starts, "two_starts")


def _run(
    config: Config, name: str, denoiser: AbstractDenoiser, levels, moments, clock: Clock | None, key: PRNGKeyArray
) -> Arrays:
    scaled = _sizes(config, name)
    clock = _clock(config, name, denoiser, levels) if clock is None else clock
    network = _network(name, config, key)
    trained = trained_modes(denoiser, network, moments, levels, clock, shown=1)
    theory = theory_of_modes(denoiser, levels, clock, scaled, shown=1)
    return {
        "snapshots": scaled.times,
        "fine": theory["fine_times"],
        "gain": theory["gain_curve"][0],
        "gain_trained": trained["gain_trained"][:, 0],
        "variance": theory["variance_curve"],
        "variance_finite_steps": theory["variance_finite_steps"],
        "variance_trained": trained["variance_trained"],
    }


def _speed(config: Config, name: str) -> int:
    """Shared weights learn `points` times as fast, so they are followed over times that much shorter."""
    return config.points if ROWS[name][2] else 1


def _sizes(config: Config, name: str) -> Sizes:
    sizes, speed = config.sizes, _speed(config, name)
    return replace(sizes, first_time=sizes.first_time / speed, last_time=sizes.last_time / speed)


def _clock(config: Config, name: str, denoiser: AbstractDenoiser, levels: jax.Array) -> Clock:
    rate = _speed(config, name) * (2 if name == "tied" else 1)
    return clock_for(denoiser, levels, _sizes(config, name), layers=ROWS[name][1], rate=rate)
