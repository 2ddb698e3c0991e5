"""Emergence time against variance for several initial gains: closed form, and trained one- and two-layer networks.

Shared by the figures that show it on different processes. A mode emerges when its generated variance reaches the
geometric or the harmonic mean of its initial and its target variance.
"""

from dataclasses import dataclass, replace
from functools import partial

import jax
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from figures.common.stages import Arrays, RunStage, Stage
from figures.studies.trained_modes.experiment import (
    Sizes,
    as_stage,
    clock_for,
    named,
    trained_modes,
    training_sets,
)
from figures.studies.trained_modes.finite_steps import with_finite_steps
from sims.networks.linear import linear_denoiser, tied_two_layer_denoiser
from sims.training.descent import Clock
from sims.training.pairs import SecondMoments
from theory.definitions.processes import AbstractProcess
from theory.definitions.spectra import Spectrum
from theory.spectral_law.emergence import emergence_level, emergence_time, rises
from theory.spectral_law.parametrisations.one_layer import OneLayer
from theory.spectral_law.parametrisations.symmetric_two_layer import SymmetricTwoLayer

DENOISERS = {"one_layer": OneLayer, "two_layer": SymmetricTwoLayer}
Denoiser = OneLayer | SymmetricTwoLayer
MEANS = ("geometric", "harmonic")


@dataclass(frozen=True)
class EmergenceConfig:
    """Sizes of the run. Times are ητ with η = 1."""

    initial_gains: tuple[float, ...] = (0.0, 0.1, 0.5, 0.6, 1.0)
    theory_variances: tuple[float, float, int] = (1e-3, 1e2, 160)  # first, last, number
    trained_variances: tuple[float, float, int] = (3e-2, 3e1, 7)
    first_time: float = 1e-5
    last_time: float = 20.0
    snapshots: int = 30
    noise_levels: int = 40
    seeds: int = 6
    training_samples: int = 131072
    smallest_steps: int = 12  # between snapshots, of one layer; tied layers take eight times as many

    @property
    def sizes(self) -> Sizes:
        """How much is trained and sampled."""
        return Sizes(
            smallest_steps=self.smallest_steps,
            first_time=self.first_time,
            last_time=self.last_time,
            snapshots=self.snapshots,
            seeds=self.seeds,
            training_samples=self.training_samples,
        )


def compute_emergence(
    config: EmergenceConfig,
    process: AbstractProcess,
    levels: Float[Array, " levels"],
    architectures: tuple[str, ...],
    *,
    together: bool,
    key: PRNGKeyArray,
    stage: RunStage,
) -> Arrays:
    """Closed-form emergence times [initial gain, mode] and generated variances of trained networks [initial gain,
    seed, snapshot, mode], with those of theory with the same steps; keys end in the mean's and the architecture's name.

    Networks live at the `levels`, times of the `process`; `together` is that of `clock_for`. Tied layers that start
    from zero stay there, so they are trained from the other initial gains only.
    """
    trained = Spectrum.from_variances(np.geomspace(*config.trained_variances)[::-1])
    arrays: Arrays = {
        "variance": np.geomspace(*config.theory_variances),
        "trained_variance": np.asarray(trained.variance),
        "times": config.sizes.times,
    }
    # Neither what is trained for nor a single layer's steps depend on the initial gain.
    data_key, network_key = jax.random.split(key)
    single = OneLayer(trained, process, 0.0, learning_rate=1.0)
    draw_sets = partial(training_sets, single, levels, config.sizes, data_key)
    moments = as_stage(stage, draw_sets, SecondMoments, share=0.15)
    stages, share = [], 0.85 / len(architectures)
    for name in architectures:
        gains = [gain for gain in config.initial_gains if gain > 0 or name == "one_layer"]
        arrays |= named({"initial_gain": np.asarray(gains)}, name)
        stages.append(Stage(f"theory, {name}", partial(_theory, config, name, gains, process, trained), 0.4 * share))
        for gain in gains:
            denoiser = DENOISERS[name](trained, process, gain, learning_rate=1.0)
            clock = _clock(config, name, denoiser, levels, together)
            train = partial(_train, name, denoiser, gain, moments, levels, clock, config.sizes.times, network_key)
            stages.append(Stage(f"trained networks, {name}, Q = {gain:g}", train, 0.6 * share / len(gains)))
    results = iter(stage.all(stages))
    for name in architectures:
        theory = next(results)
        runs = [next(results) for _ in arrays[f"initial_gain_{name}"]]
        arrays |= named(theory | {key: np.stack([run[key] for run in runs]) for key in runs[0]}, name)
    return arrays


def _clock(config: EmergenceConfig, name: str, denoiser: Denoiser, levels: jax.Array, together: bool) -> Clock:
    if name == "one_layer":
        return clock_for(denoiser, levels, config.sizes, together=together)
    # From a large gain the first steps of the noisiest levels must be short, or these levels lag. 4(3Sψ - h), the
    # curvature of a tied step, is at most 1.5 times the bound for an independent pair of layers.
    sizes = replace(config.sizes, smallest_steps=8 * config.smallest_steps)
    return clock_for(denoiser, levels, sizes, layers=2, rate=1.5, together=together)


def _train(
    name: str, denoiser: Denoiser, gain: float, moments: SecondMoments, levels, clock: Clock, times: np.ndarray, key
) -> Arrays:
    if name == "one_layer":
        network = linear_denoiser(denoiser.spectrum.dimension, gain)
    else:
        network = tied_two_layer_denoiser(key, denoiser.spectrum.dimension, gain)
    trained = trained_modes(denoiser, network, moments, levels, clock, shown=0)
    return {
        "variance_trained": trained["variance_trained"],
        "variance_finite_steps": with_finite_steps(denoiser, levels, clock, times).variance,
    }


def _theory(
    config: EmergenceConfig, name: str, gains: list[float], process: AbstractProcess, trained: Spectrum
) -> Arrays:
    """Closed forms on the fine grid of variances and on the trained ones, computed as one spectrum of both."""
    wide = np.geomspace(*config.theory_variances)
    both = Spectrum.from_variances(np.concatenate([wide, trained.variance]))
    denoisers = [DENOISERS[name](both, process, gain, learning_rate=1.0) for gain in gains]
    arrays: Arrays = {}
    for mean in MEANS:
        emergence = np.stack([np.asarray(emergence_time(denoiser, mean)) for denoiser in denoisers])
        level = np.stack([np.asarray(emergence_level(denoiser, mean)) for denoiser in denoisers])
        arrays[f"emergence_{mean}"] = emergence[:, : wide.size]
        arrays[f"emergence_of_trained_{mean}"] = emergence[:, wide.size :]
        arrays[f"level_{mean}"] = level[:, wide.size :]
    rising = np.stack([np.asarray(rises(denoiser)) for denoiser in denoisers])
    return arrays | {"rises": rising[:, : wide.size], "trained_rises": rising[:, wide.size :]}
