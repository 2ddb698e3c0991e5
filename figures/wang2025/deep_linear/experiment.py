"""Deep linear denoisers of depth 1 to 6, aligned and balanced (Wang & Pehlevan 2025, App. F.3).

Depth sharpens the transition of every mode and, from a small initial gain, makes it wait: τ ∝ Q^{2/L-1}/λ. The
inverse-variance law of the weights survives at every depth. Networks of depth 3 and 4 with generic layers whose product
is aligned are trained by full-batch gradient descent beside the implicit solution.
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from figures.common.stages import Arrays, RunStage, Stage
from figures.studies.trained_modes.experiment import (
    FINE_TIMES,
    TINY_SIZES,
    Sizes,
    as_stage,
    clock_for,
    gain_at,
    levels_with_shown,
    named,
    rotated_spectrum,
    theory_of_modes,
    trained_modes,
    training_sets,
)
from figures.studies.trained_modes.seed_blocks import joined_seeds, seed_stages
from sims.measurements.modes import first_crossing
from sims.networks.linear import deep_linear_denoiser
from sims.training.descent import Clock
from sims.training.pairs import SecondMoments
from theory.definitions.processes import EDM
from theory.definitions.spectra import Spectrum
from theory.spectral_law.generation import generated_variance
from theory.spectral_law.parametrisations.deep_linear import DeepLinear


@dataclass(frozen=True)
class Config:
    """Sizes of the run. Times are ητ with η = 1."""

    sizes: Sizes
    variances: tuple[float, ...] = (3.0, 1.5, 0.75, 0.36, 0.18, 0.09)
    initial_gain: float = 0.1
    weight_noise_level: float = 1.0
    noise_levels: int = 30
    depths: tuple[int, ...] = (1, 2, 3, 4, 6)
    trained_depths: tuple[int, ...] = (3, 4)
    initial_gains: tuple[float, float, int] = (1e-6, 1e-1, 21)  # for the waiting time: first, last, number


_QUICK = Sizes(
    first_time=3e-2,
    last_time=1.5e1,
    snapshots=16,
    seeds=12,
    training_samples=524288,
    smallest_steps=24,
)
PRESETS = {
    "quick": Config(_QUICK),
    "paper": Config(
        Sizes(
            first_time=1e-2,
            last_time=1e2,
            snapshots=40,
            seeds=24,
            training_samples=2097152,
            smallest_steps=24,
        ),
        noise_levels=96,
        trained_depths=(2, 3, 4, 6),
    ),
    "tiny": Config(
        TINY_SIZES,
        variances=(3.0, 1.0, 0.3),
        noise_levels=8,
        depths=(1, 3),
        trained_depths=(3,),
        initial_gains=(1e-3, 1e-1, 4),
    ),
}
PROCESS = EDM(sigma_min=0.01, sigma_max=20.0)
SEEDS_PER_STAGE = 6  # the deepest networks of the paper preset take minutes even so


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Theory for every depth, [depth, ...], and trained networks, whose keys end in their depth."""
    rotation_key, data_key, *run_keys = jax.random.split(key, 2 + len(config.trained_depths))
    spectrum = rotated_spectrum(config.variances, rotation_key)
    arrays: Arrays = {
        "variance": np.asarray(spectrum.variance),
        "times": config.sizes.times,
        "depths": np.asarray(config.depths),
        "trained_depths": np.asarray(config.trained_depths),
    }
    # What is trained for does not depend on the depth.
    levels = levels_with_shown(PROCESS, config.noise_levels, config.weight_noise_level)
    shallow = _denoiser(config, spectrum, 1)
    draw_sets = partial(training_sets, shallow, levels, config.sizes, data_key)
    moments = as_stage(stage, draw_sets, SecondMoments, share=0.05)
    stages = [Stage("theory of all depths", partial(_all_depths, config, spectrum), 0.25)]
    share = 0.7 / len(config.trained_depths)
    for depth, run_key in zip(config.trained_depths, run_keys, strict=True):
        theory = partial(_theory, config, spectrum, depth, levels)
        stages.append(Stage(f"theory, depth {depth}", theory, 0.3 * share))
        train = partial(_train, config, spectrum, depth, levels, run_key)
        training = seed_stages(f"depth {depth}", train, moments, per_stage=SEEDS_PER_STAGE, share=0.7 * share)
        stages += training
    every, *rest = stage.all(stages)
    results = iter(rest)
    arrays |= every
    for depth in config.trained_depths:
        theory, runs = next(results), [next(results) for _ in training]
        arrays |= named(theory | joined_seeds(runs), str(depth))
    return arrays


def _denoiser(config: Config, spectrum: Spectrum, depth: int) -> DeepLinear:
    return DeepLinear(spectrum, PROCESS, config.initial_gain, learning_rate=1.0, depth=depth)


def _all_depths(config: Config, spectrum: Spectrum) -> Arrays:
    """Gains of one mode, emergence times of weights and variances, and how long a mode waits from a small gain."""
    # As many times as `theory_of_modes` asks for, which for the trained depths then runs what is compiled here.
    count = FINE_TIMES + config.sizes.snapshots
    fine = np.geomspace(config.sizes.first_time / 10, 3 * config.sizes.last_time, count)
    level = jnp.asarray(config.weight_noise_level, float)
    arrays = [_one_depth(_denoiser(config, spectrum, depth), fine, level) for depth in config.depths]
    gains = np.geomspace(*config.initial_gains)
    # One mode of unit variance per initial gain; its optimum is λ/(λ + σ²).
    copies, long = Spectrum.from_variances(np.ones(gains.size)), np.geomspace(1e-2, 1e6, 1200)
    half = (gains + 1 / (1 + config.weight_noise_level**2)) / 2
    waits = [
        gain_at(DeepLinear(copies, PROCESS, gains, learning_rate=1.0, depth=depth), jnp.asarray(long), level)
        for depth in config.depths
    ]
    return {name: np.stack([each[name] for each in arrays]) for name in arrays[0]} | {
        "fine_times": fine,
        "initial_gains": gains,
        "waiting": np.stack([first_crossing(long, np.asarray(curve), half) for curve in waits]),
    }


def _one_depth(denoiser: DeepLinear, fine: np.ndarray, level: jax.Array) -> Arrays:
    """Gains at the shown noise level; when they pass the harmonic mean of their ends, and variances their level."""
    *gains, final = np.asarray(gain_at(denoiser, jnp.append(fine, jnp.inf), level))
    every = np.asarray(generated_variance(denoiser, np.append(fine, 0.0)))
    variances, geometric = every[:-1], np.sqrt(every[-1] * np.asarray(denoiser.spectrum.variance))
    initial, gains = np.asarray(denoiser.initial_gain), np.asarray(gains)
    middle = 2 * initial * final / (initial + final)
    return {
        "gain_by_depth": gains,
        "weight_emergence": np.where(final > 1.2 * initial, first_crossing(fine, gains, middle), np.nan),
        "emergence": first_crossing(fine, variances, geometric),
    }


def _clock(config: Config, spectrum: Spectrum, depth: int, levels) -> Clock:
    return clock_for(_denoiser(config, spectrum, depth), levels, config.sizes, layers=depth, together=True)


def _theory(config: Config, spectrum: Spectrum, depth: int, levels) -> Arrays:
    clock = _clock(config, spectrum, depth, levels)
    return theory_of_modes(_denoiser(config, spectrum, depth), levels, clock, config.sizes, shown=1)


def _train(config: Config, spectrum: Spectrum, depth: int, levels, key: PRNGKeyArray, moments: SecondMoments) -> Arrays:
    network = deep_linear_denoiser(key, spectrum.dimension, depth, config.initial_gain)
    clock = _clock(config, spectrum, depth, levels)
    return trained_modes(_denoiser(config, spectrum, depth), network, moments, levels, clock, shown=1)
