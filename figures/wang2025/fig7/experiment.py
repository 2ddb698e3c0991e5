"""Figure 7 of Wang & Pehlevan 2025: flow matching, weights per eigenmode at four times, and what is generated.

One-layer and tied two-layer velocity networks on x_t = t x_1 + (1-t) x_0. The optimal gain ½ ġ/g, g = t²λ + (1-t)²,
is negative near the noise. A tied network, whose gain is a square, cannot fit it there and goes to zero instead: it
generates λ + 1 where the data have λ.
"""

from dataclasses import dataclass
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
    flow_matching_times,
    named,
    rotated_spectrum,
    theory_of_modes,
    trained_modes,
    training_sets,
)
from figures.studies.trained_modes.seed_blocks import joined_seeds, seed_stages
from sims.networks.linear import linear_denoiser, tied_two_layer_denoiser
from sims.training.pairs import SecondMoments
from theory.definitions.processes import FlowMatching
from theory.spectral_law.parametrisations.one_layer import OneLayer
from theory.spectral_law.parametrisations.symmetric_two_layer import SymmetricTwoLayer


@dataclass(frozen=True)
class Config:
    """Sizes of the run. Times are ητ with η = 1."""

    sizes: Sizes
    variances: tuple[float, ...] = (10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01)
    initial_gain: float = 0.1
    shown_times: tuple[float, ...] = (0.1, 0.5, 0.9, 0.99)
    sampling_times: int = 40


PRESETS = {
    "quick": Config(
        Sizes(
            first_time=1e-3,
            last_time=1e1,
            snapshots=21,
            seeds=12,
            training_samples=262144,
        ),
    ),
    "paper": Config(
        Sizes(
            first_time=1e-4,
            last_time=1e3,
            snapshots=57,
            seeds=24,
            training_samples=2097152,
        ),
        variances=(10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 0.001),
        sampling_times=96,
    ),
    "tiny": Config(TINY_SIZES, variances=(3.0, 0.3, 0.03), sampling_times=8),
}
LAYERS = {"one_layer": OneLayer, "two_layer": SymmetricTwoLayer}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Theory curves and trained networks of both parametrisations; keys end in the parametrisation's name."""
    rotation_key, data_key, start_key = jax.random.split(key, 3)
    spectrum = rotated_spectrum(config.variances, rotation_key)
    levels = jnp.concatenate([flow_matching_times(config.sampling_times), jnp.asarray(config.shown_times)])
    arrays: Arrays = {
        "variance": np.asarray(spectrum.variance),
        "times": config.sizes.times,
        "shown_times": np.asarray(config.shown_times),
    }
    # What is trained for does not depend on the number of layers.
    single = OneLayer(spectrum, FlowMatching(), config.initial_gain, learning_rate=1.0)
    draw_sets = partial(training_sets, single, levels, config.sizes, data_key)
    moments = as_stage(stage, draw_sets, SecondMoments, share=0.1)
    stages = []
    for layers, (name, build) in enumerate(LAYERS.items(), start=1):
        denoiser = build(spectrum, FlowMatching(), config.initial_gain, learning_rate=1.0)
        network = linear_denoiser(spectrum.dimension, config.initial_gain)
        if name == "two_layer":
            network = tied_two_layer_denoiser(start_key, spectrum.dimension, config.initial_gain)
        # A tied step moves both factors at once: it is twice as steep as an independent pair of layers.
        clock = clock_for(denoiser, levels, config.sizes, layers=layers, rate=layers, together=True)
        theory = partial(theory_of_modes, denoiser, levels, clock, config.sizes, shown=len(config.shown_times))
        stages.append(Stage(f"theory, {name}", theory, 0.15))
        train = partial(_train, config, denoiser, network, levels, clock)
        training = seed_stages(f"trained networks, {name}", train, moments, share=0.3)
        stages += training
    results = iter(stage.all(stages))
    for name in LAYERS:
        theory, runs = next(results), [next(results) for _ in training]
        arrays |= named(theory | joined_seeds(runs), name)
    return arrays


def _train(config: Config, denoiser, network, levels, clock, moments) -> Arrays:
    shown = len(config.shown_times)
    return trained_modes(denoiser, network, moments, levels, clock, shown=shown)
