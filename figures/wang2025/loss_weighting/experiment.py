"""The exponent of the spectral law is set by the loss weighting: τ* ∝ λ^-(1-a) for the weight w = σ^-2a.

Under λ, σ² → kλ, kσ² the optimal gains are unchanged and every training rate (λ + σ²)σ^-2a is multiplied by k^(1-a), so
a level in proportion to λ is reached at times ∝ λ^-(1-a): a = 1 trains all modes at once. One-layer denoisers trained
with six values of a, and with two weightings in common use, beside the theory. What counts as emerged matters: at the
geometric mean of initial and target variance, whose level goes as √λ, the exponent is 1 - a/2.
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from figures.common.emergence import measured_emergence
from figures.common.stages import Arrays, RunStage, Stage
from figures.studies.trained_modes.experiment import (
    Sizes,
    largest_curvature,
    measured_modes,
    moments_from,
    pair_coefficients,
    training_set_stage,
    training_sets,
)
from sims.networks.linear import linear_denoiser
from sims.sampling.schedules import log_snr_schedule
from sims.training.one_layer_descent import clock_of_every_level, train_one_layer
from sims.training.pairs import SecondMoments
from theory.definitions.objectives import Objective
from theory.definitions.preconditionings import EDMPreconditioning
from theory.definitions.processes import EDM
from theory.definitions.spectra import Spectrum
from theory.definitions.weights import (
    AbstractWeight,
    EDMWeight,
    LogNormalDensity,
    MinSNRWeight,
    PowerWeight,
    ProductWeight,
    TrainingSpeed,
)
from theory.spectral_law.emergence import Mean, emergence_level, emergence_time
from theory.spectral_law.parametrisations.one_layer import OneLayer

# Data in units of EDM's σ_d; its noise levels are drawn about ln σ = -1.2 for σ_d = 1/2, with standard deviation 1.2.
_EDM_SPEED = TrainingSpeed(EDMWeight(1.0), EDMPreconditioning(1.0))
COMMON: dict[str, AbstractWeight] = {
    "uniform (a = 0)": PowerWeight(jnp.asarray(0.0)),
    "noise prediction (a = 1)": PowerWeight(jnp.asarray(1.0)),
    "Min-SNR-5": MinSNRWeight(5.0),
    "EDM, without its density": _EDM_SPEED,
    "EDM": ProductWeight(_EDM_SPEED, LogNormalDensity(float(np.log(2) - 1.2), 1.2)),
}
TRAINED_COMMON = ("Min-SNR-5", "EDM")
MEANS: tuple[Mean, ...] = ("arithmetic", "geometric")


@dataclass(frozen=True)
class Config:
    """Sizes of the run. Times are ητ with η = 1; the window of each run is set by its theoretical emergence times."""

    exponents: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25)
    trained_variances: tuple[float, float, int] = (1e-1, 1e1, 7)  # first, last, number
    theory_variances: tuple[float, float, int] = (1e-2, 1e3, 31)
    noise_levels: int = 40
    snapshots: int = 26
    seeds: int = 8
    training_samples: int = 262144


PRESETS = {
    "quick": Config(),
    "paper": Config(
        trained_variances=(1e-2, 1e2, 13),
        noise_levels=128,
        snapshots=80,
        seeds=16,
        training_samples=2097152,
    ),
    "tiny": Config(
        exponents=(0.0, 0.5, 1.0),
        trained_variances=(0.3, 3.0, 3),
        theory_variances=(0.1, 10.0, 3),
        noise_levels=8,
        snapshots=6,
        seeds=2,
        training_samples=4096,
    ),
}
PROCESS = EDM(sigma_min=0.004, sigma_max=160.0)  # Karras et al. 2022's noise levels in the same units


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Emergence times, closed form and trained: [weight, (seed,) mode], keys end in the mean's name."""
    trained = Spectrum.from_variances(np.geomspace(*config.trained_variances)[::-1])
    weights = {f"a = {a:g}": _power(a) for a in config.exponents} | {name: COMMON[name] for name in TRAINED_COMMON}
    arrays: Arrays = {
        "exponents": np.asarray(config.exponents),
        "variance": np.asarray(trained.variance),
        "wide_variance": np.geomspace(*config.theory_variances),
    }
    levels = log_snr_schedule(PROCESS, config.noise_levels - 1)
    # The training sets differ in the weight of their loss alone, so they are drawn once.
    draw_sets = partial(training_sets, _denoiser(trained, _power(0.0)), levels, _sizes(config, 0.0, 1.0), key)
    theory, sets = stage.all(
        [Stage("theory", partial(_theory, config, trained, weights), 0.5), training_set_stage(draw_sets, 0.05)]
    )
    moments, stages = moments_from(sets, SecondMoments), []
    for index, name in enumerate(weights):
        expected = {mean: theory[f"emergence_theory_{mean}"][index] for mean in MEANS}
        run = partial(_train, config, _denoiser(trained, weights[name]), expected, levels, moments)
        stages.append(Stage(f"trained networks, {name}", run, 0.45 / len(weights)))
    runs = stage.all(stages)
    return arrays | theory | {name: np.stack([run[name] for run in runs]) for name in runs[0]}


def _power(a: float) -> PowerWeight:
    """The weight with its exponent as an array: all powers then share what is compiled."""
    return PowerWeight(jnp.asarray(a))


def _denoiser(spectrum: Spectrum, weight: AbstractWeight) -> OneLayer:
    return OneLayer(spectrum, PROCESS, initial_gain=0.0, learning_rate=1.0, objective=Objective(weight=weight))


def _theory(config: Config, trained: Spectrum, weights: dict[str, AbstractWeight]) -> Arrays:
    """Emergence times on the trained variances and on a wide range, computed as one spectrum of both."""
    wide = np.geomspace(*config.theory_variances)
    both = Spectrum.from_variances(np.concatenate([wide, trained.variance]))

    def emergence(weight: AbstractWeight, mean: Mean) -> np.ndarray:
        return np.asarray(emergence_time(_denoiser(both, weight), mean))

    times = {mean: np.stack([emergence(weight, mean) for weight in weights.values()]) for mean in MEANS}
    common = [emergence(weight, "arithmetic")[: wide.size] for weight in COMMON.values()]
    return {f"emergence_theory_{mean}": times[mean][:, wide.size :] for mean in MEANS} | {
        "wide_emergence": times["arithmetic"][:, : wide.size],
        "common_emergence": np.stack(common),
    }


def _sizes(config: Config, first_time: float, last_time: float) -> Sizes:
    return Sizes(
        first_time=first_time,
        last_time=last_time,
        snapshots=config.snapshots,
        seeds=config.seeds,
        training_samples=config.training_samples,
        smallest_steps=40,
    )


def _train(
    config: Config,
    denoiser: OneLayer,
    expected: dict[str, np.ndarray],
    levels: jax.Array,
    moments: SecondMoments,
) -> Arrays:
    """Train and sample with one weight; measured emergence times for both means."""
    every = np.concatenate([times[np.isfinite(times)] for times in expected.values()])
    sizes = _sizes(config, every.min() / 20, 2.5 * every.max())
    # At small noise levels the strongest mode allows small steps only, and the weakest needs as many as the spectrum is
    # wide: a common number of steps would leave weak modes behind, by factors where the spectrum spans four decades.
    curvature = largest_curvature(denoiser, levels)
    clock = clock_of_every_level(sizes.times, curvature, smallest_steps=sizes.smallest_steps, safety=sizes.safety)
    moments = SecondMoments(*(jnp.asarray(moment, float) for moment in moments))
    weight = pair_coefficients(denoiser, levels).weight
    moments = moments._replace(weight=jnp.broadcast_to(weight[None], moments.weight.shape))
    layers = train_one_layer(linear_denoiser(denoiser.spectrum.dimension, 0.0), moments, clock)
    trained = measured_modes(denoiser, layers, levels, shown=0)
    return {
        f"emergence_{mean}": measured_emergence(
            sizes.times, trained["variance_trained"], np.asarray(emergence_level(denoiser, mean))
        )
        for mean in MEANS
    }
