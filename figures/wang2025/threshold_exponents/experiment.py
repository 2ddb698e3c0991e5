"""The threshold of emergence decides the exponent of the spectral law, and so does momentum.

A mode has emerged at the log-fraction f when ln λ̃ = (1-f) ln λ̃(0) + f ln λ. A network in EDM's preconditioning, with
EDM's loss weight times σ^-2a, then has τ* ∝ λ^-f(1-a) where its modes fall and λ^-(1-f(1+a)) where they rise; a raw
weight matrix has f(1-a) from the gain one and 1-fa from the gain zero (`theory.spectral_law.threshold_exponents`). One
linear network per noise level is really trained, by full-batch gradient descent on training sets of its own, inside the
preconditioning and without it; MLPs on all noise levels stand beside them. Networks trained with momentum: α = 1 if
damping is strong, ½ if it is weak.

Lengths are in units of the standard deviation that the untrained network generates: σ_d, σ_0 or σ_T.
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import PRNGKeyArray

from figures.common.emergence import measured_emergence
from figures.common.stages import Arrays, RunStage, Stage
from figures.studies.trained_modes.experiment import (
    largest_curvature,
    measured_modes,
    pair_coefficients,
)
from figures.wang2025.threshold_exponents.mlps import PAPER, QUICK, TINY, MLPs, train_mlps
from sims.networks.linear import AbstractLinearNetwork, PreconditionedDenoiser, linear_denoiser
from sims.sampling.schedules import log_snr_schedule
from sims.training.descent import train_full_batch
from sims.training.one_layer_descent import clock_of_every_level, train_one_layer
from sims.training.pairs import SecondMoments, pairs_inside
from sims.training.training_sets import gaussian_training_sets
from theory.definitions.objectives import Objective
from theory.definitions.preconditionings import AbstractPreconditioning, EDMPreconditioning, NoPreconditioning
from theory.definitions.processes import EDM
from theory.definitions.spectra import Spectrum
from theory.definitions.weights import AbstractWeight, EDMWeight, PowerWeight, ProductWeight, UniformWeight
from theory.spectral_law.denoiser import AbstractDenoiser, scales_at
from theory.spectral_law.emergence import emergence_level, emergence_time
from theory.spectral_law.parametrisations.heavy_ball import HeavyBall
from theory.spectral_law.parametrisations.one_layer import OneLayer
from theory.spectral_law.threshold_exponents import preconditioned_exponents, raw_exponents


@dataclass(frozen=True)
class Setting:
    """A network and a branch: noise levels, and what the network generates before it is trained."""

    branch: str
    process: EDM
    initial_gain: float
    preconditioned: bool

    @property
    def preconditioning(self) -> AbstractPreconditioning:
        return EDMPreconditioning(1.0) if self.preconditioned else NoPreconditioning()

    @property
    def weight(self) -> AbstractWeight:
        return EDMWeight(1.0) if self.preconditioned else UniformWeight()


SETTINGS = {
    "preconditioned_falling": Setting("falling", EDM(1e-3, 30.0), 0.0, True),
    "preconditioned_rising": Setting("rising", EDM(0.03, 1e3), 0.0, True),
    "raw_falling": Setting("falling", EDM(1e-3, 1.0), 1.0, False),
    "raw_rising": Setting("rising", EDM(1.0, 1e3), 0.0, False),
}
MOMENTUM_PROCESS, MOMENTUM_GAIN = EDM(0.02, 10.0), 0.1


@dataclass(frozen=True)
class Config:
    """Sizes of the run. Times are ητ with η = 1; each run's window is set by its theoretical emergence times."""

    weight_exponents: tuple[float, ...] = (0.0, 0.5, 1.0)
    fractions: tuple[float, float, int] = (0.1, 0.9, 9)  # first, last, number
    variances: tuple[float, float, int] = (1e2, 1e4, 6)  # of rising modes; falling ones have their inverses
    noise_levels: int = 64
    snapshots: int = 40
    dampings: tuple[float, ...] = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
    damping_curve: int = 13
    momentum_variances: tuple[float, float, int] = (1e-1, 1e1, 5)
    seeds: int = 8
    training_samples: int = 262144
    momentum_samples: int = 1048576  # weakly damped strong modes overshoot, and from fewer samples leak into weak ones
    mlps: tuple[MLPs, ...] = QUICK


PRESETS = {
    "quick": Config(),
    "paper": Config(
        variances=(1e2, 1e5, 10),
        noise_levels=160,
        snapshots=80,
        dampings=(0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0),
        damping_curve=25,
        momentum_variances=(1e-1, 1e1, 9),
        training_samples=1048576,
        seeds=16,
        mlps=PAPER,
    ),
    "tiny": Config(
        weight_exponents=(0.0, 0.5),
        fractions=(0.3, 0.7, 2),
        variances=(1e2, 1e3, 3),
        noise_levels=12,
        snapshots=8,
        dampings=(1.0,),
        damping_curve=2,
        momentum_variances=(0.3, 3.0, 3),
        seeds=2,
        training_samples=4096,
        momentum_samples=4096,
        mlps=TINY,
    ),
}
_SETTING_SHARE, _MLP_SHARE = 0.07, 0.35


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Emergence times of the closed gains and of linear networks; records of MLPs as `train_mlps` has them.

    "theory_…" and "linear_…" of every setting are (weights, fractions, modes) and (weights, fractions, seeds, modes);
    "momentum_theory" and "momentum_linear" are (dampings, modes) and (dampings, seeds, modes). NaN where a network does
    not reach the level.
    """
    keys = dict(zip([*SETTINGS, "momentum"], jax.random.split(key, len(SETTINGS) + 1), strict=True))
    stages = [
        Stage(f"networks, {name.replace('_', ' ')}", partial(_thresholds, config, name, keys[name]), _SETTING_SHARE)
        for name in SETTINGS
    ]
    rest = 1 - _MLP_SHARE - _SETTING_SHARE * len(SETTINGS)
    momentum = Stage("networks with momentum", partial(_momentum, config, keys["momentum"]), rest)
    arrays: Arrays = {
        "weight_exponent": np.asarray(config.weight_exponents),
        "fraction": np.linspace(*config.fractions),
        "variance_rising": np.geomspace(*config.variances)[::-1],
        "variance_falling": 1 / np.geomspace(*config.variances),
        "damping": np.asarray(config.dampings),
        "momentum_variance": np.geomspace(*config.momentum_variances)[::-1],
    }
    for result in stage.all([momentum, *stages]):  # the longest first
        arrays |= result
    mlp_key = jax.random.fold_in(key, len(keys))  # beyond those that the split has given
    return arrays | train_mlps(config.mlps, key=mlp_key, stage=stage, share=_MLP_SHARE)


# --- Thresholds ---


def _thresholds(config: Config, name: str, key: PRNGKeyArray) -> Arrays:
    """Closed form, asymptotic law and trained networks of one setting, for every weight."""
    setting, fractions = SETTINGS[name], np.linspace(*config.fractions)
    variance = (
        np.geomspace(*config.variances)[::-1] if setting.branch == "rising" else 1 / np.geomspace(*config.variances)
    )
    spectrum, theory, linear, asymptotic = Spectrum.from_variances(variance), [], [], []
    law = preconditioned_exponents if setting.preconditioned else raw_exponents
    for a, weight_key in zip(config.weight_exponents, jax.random.split(key, len(config.weight_exponents)), strict=True):
        # As an array: all weights then share what is compiled.
        weight = ProductWeight(setting.weight, PowerWeight(jnp.asarray(a)))
        objective = Objective(weight=weight, preconditioning=setting.preconditioning)
        denoiser = OneLayer(spectrum, setting.process, setting.initial_gain, 1.0, objective)
        expected = np.asarray(emergence_time(denoiser, fraction=fractions))
        theory.append(expected)
        linear.append(_trained(config, denoiser, expected, fractions, weight_key))
        asymptotic.append(np.asarray(getattr(law(fractions, a), setting.branch)))
    return {
        f"theory_{name}": np.stack(theory),
        f"linear_{name}": np.stack(linear),
        f"asymptotic_{name}": np.stack(asymptotic),
    }


def _trained(
    config: Config, denoiser: OneLayer, expected: np.ndarray, fractions: np.ndarray, key: PRNGKeyArray
) -> np.ndarray:
    """Emergence times of linear networks trained for the denoiser's objective, (fractions, seeds, modes)."""
    levels = log_snr_schedule(denoiser.process, config.noise_levels - 1)
    times = np.geomspace(expected.min() / 5, 2 * expected.max(), config.snapshots)
    scales = scales_at(denoiser, levels)
    pairs = pairs_inside(pair_coefficients(denoiser, levels), scales)
    moments = gaussian_training_sets(
        denoiser.spectrum, pairs, seeds=config.seeds, samples=config.training_samples, key=key
    )
    # Strong modes allow small steps only at small noise levels, and the weak ones need many of them: in 64 bits.
    moments = jax.tree.map(lambda leaf: leaf.astype(float), moments)
    clock = clock_of_every_level(times, largest_curvature(denoiser, levels), smallest_steps=20, safety=0.1)
    start = linear_denoiser(denoiser.spectrum.dimension, denoiser.initial_gain[0], float)
    layers = train_one_layer(start, moments, clock)
    skip, output, divisor = (
        jnp.broadcast_to(scale[None, :, None], layers.weight.shape[:3])  # seeds, levels, snapshots
        for scale in (scales.skip, scales.output, scales.divisor)
    )
    networks = PreconditionedDenoiser(skip, output, divisor, layers)
    return _emergence(denoiser, networks, levels, times, np.asarray(emergence_level(denoiser, fraction=fractions)))


def _emergence(
    denoiser: AbstractDenoiser,
    networks: AbstractLinearNetwork,
    levels: jax.Array,
    times: np.ndarray,
    thresholds: np.ndarray,
) -> np.ndarray:
    """When what the networks generate passes each of the thresholds (..., modes): (..., seeds, modes)."""
    curves = measured_modes(denoiser, networks, levels, shown=0)["variance_trained"]
    rows = thresholds.reshape(-1, thresholds.shape[-1])
    passed = np.stack([measured_emergence(times, curves, level) for level in rows])
    return passed.reshape(*thresholds.shape[:-1], *passed.shape[1:])


# --- Momentum ---


def _momentum(config: Config, key: PRNGKeyArray) -> Arrays:
    """Closed form on a curve of dampings; closed form and trained networks at those of the configuration.

    Networks of one seed have the same training set at every damping: its effect is seen in pairs.
    """
    spectrum = Spectrum.from_variances(np.geomspace(*config.momentum_variances)[::-1])
    curve = np.geomspace(config.dampings[0] / 3, 3 * config.dampings[-1], config.damping_curve)
    levels = log_snr_schedule(MOMENTUM_PROCESS, config.noise_levels - 1)
    pairs = pair_coefficients(_heavy_ball(spectrum, curve[0]), levels)
    moments = gaussian_training_sets(spectrum, pairs, seeds=config.seeds, samples=config.momentum_samples, key=key)
    theory, linear = [], []
    for damping in config.dampings:
        denoiser = _heavy_ball(spectrum, damping)
        expected = np.asarray(emergence_time(denoiser))
        theory.append(expected)
        linear.append(_trained_with_momentum(denoiser, expected, levels, moments, config.snapshots))
    return {
        "damping_curve": curve,
        "momentum_curve": np.stack([np.asarray(emergence_time(_heavy_ball(spectrum, damping))) for damping in curve]),
        "momentum_theory": np.stack(theory),
        "momentum_linear": np.stack(linear),
    }


def _heavy_ball(spectrum: Spectrum, damping: float) -> HeavyBall:
    return HeavyBall(spectrum, MOMENTUM_PROCESS, MOMENTUM_GAIN, 1.0, damping=damping)


def _trained_with_momentum(
    denoiser: HeavyBall, expected: np.ndarray, levels: jax.Array, moments: SecondMoments, snapshots: int
) -> np.ndarray:
    """Emergence times of linear networks trained by `optax.sgd` with momentum, (seeds, modes)."""
    damping = float(denoiser.damping)
    # Units of time per step: a fraction of a radian of the fastest oscillation, and of the decay time.
    unit = float(min(0.3 / np.sqrt(largest_curvature(denoiser, levels).max()), 0.5 / damping))
    momentum = (1 - damping * unit / 2) / (1 + damping * unit / 2)
    learning_rate = (1 + momentum) / 2 * unit**2
    counts = np.unique(np.round(np.geomspace(expected.min() / 5, 1.5 * expected.max(), snapshots) / unit))
    counts = counts[counts > 0].astype(int)
    networks = train_full_batch(
        linear_denoiser(denoiser.spectrum.dimension, MOMENTUM_GAIN),
        moments,
        jnp.full((counts.size, levels.size), learning_rate, jnp.float32),
        jnp.asarray(np.diff(counts, prepend=0)),
        optimiser=optax.sgd(1.0, momentum=momentum),
    )
    return _emergence(denoiser, networks, levels, (counts + 0.5) * unit, np.asarray(emergence_level(denoiser)))
