"""Emergence time against variance for several initial gains: closed form, and trained one-layer networks.

Shared by the figures that show it on different processes. A mode emerges when its generated variance reaches the
geometric or the harmonic mean of its initial and its target variance.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from figures.common.stages import Arrays, RunStage, Stage
from figures.studies.trained_modes.experiment import Sizes, as_stage, clock_for, trained_modes, training_sets
from sims.networks.linear import linear_denoiser
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

    @property
    def sizes(self) -> Sizes:
        """How much is trained and sampled."""
        return Sizes(
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
    *,
    together: bool,
    key: PRNGKeyArray,
    stage: RunStage,
) -> Arrays:
    """Closed-form and measured emergence times, indexed [initial gain, (seed,) mode]; keys end in the mean's name.

    Networks live at the `levels`, times of the `process`; `together` is that of `clock_for`.
    """
    trained = Spectrum.from_variances(np.geomspace(*config.trained_variances)[::-1])
    arrays: Arrays = {
        "initial_gain": np.asarray(config.initial_gains),
        "variance": np.geomspace(*config.theory_variances),
        "trained_variance": np.asarray(trained.variance),
        "times": config.sizes.times,
    }
    denoisers = [OneLayer(trained, process, gain, learning_rate=1.0) for gain in config.initial_gains]
    # Neither what is trained for nor the steps depend on the initial gain.
    draw_sets = partial(training_sets, denoisers[0], levels, config.sizes, key)
    moments = as_stage(stage, draw_sets, SecondMoments, share=0.2)
    clock = clock_for(denoisers[0], levels, config.sizes, together=together)
    share = 0.5 / len(denoisers)
    stages = [Stage("theory", partial(_theory, config, process, trained), 0.3)]
    for denoiser, gain in zip(denoisers, config.initial_gains, strict=True):
        train = partial(_train, denoiser, gain, moments, levels, clock)
        stages.append(Stage(f"trained networks, Q = {gain:g}", train, share))
    theory, *runs = stage.all(stages)
    return arrays | theory | {"variance_trained": np.stack([run["variance_trained"] for run in runs])}


def _train(denoiser: OneLayer, gain: float, moments: SecondMoments, levels, clock) -> Arrays:
    network = linear_denoiser(denoiser.spectrum.dimension, gain)
    trained = trained_modes(denoiser, network, moments, levels, clock, shown=0)
    return {"variance_trained": trained["variance_trained"]}


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
