"""One linear denoiser over training sets: its mean is the spectral law, its covariance the V-kernel.

Ensembles of one-layer denoisers are trained by full-batch gradient descent, each member on a training set of its own:
n data with m noises each (m = 1: independent triples). Their mean and variance, element by element and at every
training time, are held against the one formula that has Wang & Pehlevan 2025's spectral law as its mean, Vastola 2025's
V-kernel as a part of its covariance, and Wang, Zavatone-Veth & Pehlevan 2026 as the limit m = ∞. Its orders left out
are 1/n: with n = 160 d they change variances by less than 1 %.
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from figures.both.unification.half_times import half_times
from figures.common.stages import Arrays, RunStage, Stage
from sims.experiments.linear import descend, loss_on_fresh_data
from sims.measurements.estimates import mean_over
from sims.measurements.modes import first_crossing
from sims.measurements.resampling import pooled_variance_ratio, variance_over_members
from sims.training.descent import Clock, common_clock
from sims.training.training_sets import noise_averaged_training_sets, shared_data_training_sets
from theory.definitions.processes import EDM
from theory.definitions.spectra import Spectrum
from theory.finite_data.learning_curves import expected_gain_over_data, expected_loss_over_data
from theory.finite_data.weight_covariances import (
    one_layer_v_kernel,
    weight_variance_at_ratio,
    weight_variance_of_shared_data,
    weight_variance_over_draws,
)
from theory.spectral_law.parametrisations.one_layer import OneLayer

GROUPS = 8  # of members: the replicates of what is no mean over members


@dataclass(frozen=True)
class Config:
    """Sizes of the run. Times are ητ with η = 1; every member starts from W = 0."""

    variances: tuple[float, ...] = (3.0, 1.0, 0.3, 0.1, 0.03)
    noise_levels: tuple[float, ...] = (0.3, 1.0)
    times: tuple[float, float, int] = (0.03, 30.0, 13)  # first, last, number
    smallest_steps: int = 24
    data: int = 800
    noises: tuple[int, ...] = (1, 3, 10, 30)
    members: int = 2000
    points: int = 12  # at which scores are compared
    few_draws: tuple[int, int, int] = (20, 40, 600)  # dimension, P, members: d/P = 1/2
    scarce_data: tuple[int, int, int] = (48, 36, 40)  # dimension, n, sets


PRESETS = {
    "quick": Config(),
    "paper": Config(members=4000, few_draws=(40, 80, 1000), scarce_data=(100, 80, 200), times=(0.01, 100.0, 25)),
    "tiny": Config(
        variances=(3.0, 0.4, 0.05),
        times=(0.03, 3.0, 6),
        smallest_steps=4,
        data=64,
        noises=(1, 3),
        members=24,
        points=3,
        few_draws=(4, 8, 24),
        scarce_data=(6, 4, 6),
    ),
}
FEW_LEVEL = 0.3
SCARCE_LEVEL = 0.2
LINE_POINTS = 40  # of the lines of theory beside the data sets that are smaller than their dimension


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Measured and predicted, indexed [m, time, noise level, k, l] where all of these apply."""
    ensemble_key, few_key, scarce_key, point_key = jax.random.split(key, 4)
    arrays: Arrays = {
        "variance": np.asarray(config.variances),
        "noise_levels": np.asarray(config.noise_levels),
        "noises": np.asarray(config.noises),
        "data": np.asarray(config.data),
        "members": np.asarray(config.members),
    }
    stages, share = [Stage("theory", partial(_theory_lines, config), share=0.08)], 0.4 / len(config.noises)
    for noises, run_key in zip(config.noises, jax.random.split(ensemble_key, len(config.noises)), strict=True):
        work = partial(_shared_data, config, noises, run_key, point_key)
        stages.append(Stage(f"ensemble of {noises} noises per datum", work, share=share))
    stages.append(Stage("two draws per dimension", partial(_few_draws, config, few_key), share=0.22))
    stages.append(Stage("fewer data than dimensions", partial(_scarce_data, config, scarce_key), share=0.3))
    theory, *runs, few, scarce = stage.all(stages)
    arrays |= {name: value for run in runs for name, value in run.items() if not name.startswith("shared_")}
    arrays |= {name: np.stack([run[name] for run in runs]) for name in runs[0] if name.startswith("shared_")}
    return arrays | theory | few | scarce


def _denoiser(variances) -> OneLayer:
    return OneLayer(Spectrum.from_variances(variances), EDM(), initial_gain=0.0, learning_rate=1.0)


def _clock(config: Config, largest_variance: float, ratio: float, levels: tuple[float, ...]) -> Clock:
    """Steps stable for the largest eigenvalue that a sample covariance at d/n = `ratio` has.

    The larger noise levels lag: nothing is generated from them together, and every prediction is of the time that its
    own level has reached.
    """
    curvature = [2 * (largest_variance + level**2) * (1 + np.sqrt(ratio)) ** 2 for level in levels]
    return common_clock(np.geomspace(*config.times), np.asarray(curvature), smallest_steps=config.smallest_steps)


def _theory_lines(config: Config) -> Arrays:
    """Gains and variances on a fine grid of times, [time, level, ...]."""
    denoiser, levels = _denoiser(config.variances), jnp.asarray(config.noise_levels)
    first, last, _ = config.times
    fine = np.geomspace(first / 3, last * 1.5, 160)
    grid, level = jnp.asarray(fine)[:, None], levels[None]
    variance = weight_variance_over_draws(denoiser, grid, level, config.data)
    return {
        "fine_times": fine,
        "gain_curve": np.asarray(denoiser.gain(grid, level)),
        "targets_curve": np.asarray(variance.targets),
        "total_curve": np.asarray(variance.total),
    }


def _shared_data(config: Config, noises: int, key: PRNGKeyArray, point_key: PRNGKeyArray) -> Arrays:
    """One ensemble with m noises per datum; the one of fresh triples is looked at element by element."""
    denoiser, levels = _denoiser(config.variances), jnp.asarray(config.noise_levels)
    ratio = len(config.variances) / config.data
    clock = _clock(config, max(config.variances), ratio, config.noise_levels)
    moments = shared_data_training_sets(
        denoiser.spectrum, levels, members=config.members, data=config.data, noises=noises, key=key
    )
    weights = descend(denoiser.spectrum, moments, clock, initial_gain=0.0)
    theory, endless = (
        np.asarray(
            weight_variance_of_shared_data(
                denoiser, jnp.asarray(clock.reached), levels[None], data=config.data, noises=jnp.asarray(count)
            )
        )
        for count in (float(noises), np.inf)
    )
    pooled = pooled_variance_ratio(weights, theory)
    arrays = {
        "shared_ratio": pooled.value,
        "shared_ratio_stderr": pooled.stderr,
        "shared_ratio_of_groups": np.stack(
            [_variance_ratio(group, theory).mean((-2, -1)) for group in _groups(weights)]
        ),
        "shared_measured": variance_over_members(weights).value.mean(axis=(-2, -1)),
        "shared_theory": theory.mean(axis=(-2, -1)),
        "shared_endless": endless.mean(axis=(-2, -1)),
    }
    if noises == 1:
        arrays |= _element_by_element(denoiser, weights, clock, levels, config.data)
        arrays |= _score_covariance(config, denoiser, weights, clock, point_key)
    return arrays


def _groups(weights: np.ndarray) -> list[np.ndarray]:
    """Members that were drawn independently, in groups of (nearly) one size."""
    return np.array_split(weights, GROUPS)


def _variance_ratio(weights: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Measured over predicted variance of every element, of one group of members."""
    return weights.var(axis=0, ddof=1) / predicted


def _element_by_element(denoiser: OneLayer, weights: np.ndarray, clock: Clock, levels, draws: int) -> Arrays:
    times = jnp.asarray(clock.reached)
    theory = weight_variance_over_draws(denoiser, times, levels[None], draws)
    gain, variance = mean_over(np.diagonal(weights, axis1=-2, axis2=-1)), variance_over_members(weights)
    alone = pooled_variance_ratio(weights, np.asarray(theory.targets))
    groups = _groups(weights)
    halves = [half_times(clock.reached[:, 0], group[:, :, 0].var(axis=0, ddof=1)) for group in groups]
    return {
        "times": clock.reached,
        "gain": gain.value,
        "gain_stderr": gain.stderr,
        "gain_theory": np.asarray(denoiser.gain(times, levels[None])),
        "gain_of_groups": np.stack([np.diagonal(group, axis1=-2, axis2=-1).mean(axis=0) for group in groups]),
        "element_ratio_of_groups": np.stack([_variance_ratio(group, np.asarray(theory.total)) for group in groups]),
        "alone_ratio_of_groups": np.stack(
            [_variance_ratio(group, np.asarray(theory.targets)).mean((-2, -1)) for group in groups]
        ),
        "alone_theory": np.mean(np.asarray(theory.total / theory.targets), axis=(-2, -1)),
        "weight_variance": variance.value,
        "weight_variance_stderr": variance.stderr,
        "targets_theory": np.asarray(theory.targets),
        "total_theory": np.asarray(theory.total),
        "alone_ratio": alone.value,
        "alone_ratio_stderr": alone.stderr,
        "half_times": np.stack(halves),
        "half_times_of_gains": first_crossing(clock.reached[:, 0], gain.value[:, 0], gain.value[-1, 0] / 2),
    }


def _score_covariance(config: Config, denoiser: OneLayer, weights: np.ndarray, clock: Clock, key) -> Arrays:
    """Covariance of learned scores at points of p(x, σ), all pairs, at three times and the smallest noise level."""
    level, count = config.noise_levels[0], clock.reached.shape[0]
    chosen = np.array([0, count // 2, count - 1])
    points = np.asarray(jax.random.normal(key, (config.points, denoiser.spectrum.dimension))) * np.sqrt(
        np.asarray(denoiser.spectrum.variance) + level**2
    )
    upper = np.triu_indices(points.size)
    pairs = {
        "score_times": clock.reached[chosen, 0],
        "score_measured": [],
        "score_predicted": [],
        "score_deviation_of_groups": [],
    }
    for index in chosen:
        kernel = one_layer_v_kernel(denoiser, jnp.asarray(clock.reached[index, 0]), level, jnp.asarray(config.data))
        blocks = kernel(jnp.asarray(points)[:, None], jnp.asarray(points)[None])
        predicted = np.asarray(blocks).transpose(0, 2, 1, 3).reshape(points.size, points.size)
        scores = (np.einsum("mkl,pl->mpk", weights[:, index, 0], points) - points) / level**2
        scores = scores.reshape(len(weights), -1)
        pairs["score_measured"].append(np.cov(scores, rowvar=False)[upper])
        pairs["score_predicted"].append(predicted[upper])
        # In units of the predicted standard deviations, so that every pair counts alike.
        unit = np.sqrt(np.outer(np.diagonal(predicted), np.diagonal(predicted)))
        deviations = [(np.cov(group, rowvar=False) - predicted) / unit for group in _groups(scores)]
        pairs["score_deviation_of_groups"].append(np.stack([deviation[upper] for deviation in deviations]))
    return {name: np.asarray(value) for name, value in pairs.items()}


def _few_draws(config: Config, key: PRNGKeyArray) -> Arrays:
    """Triples at d/P far from zero: the leading order in 1/P, and the form for any ratio."""
    dimension, draws, members = config.few_draws
    denoiser = _denoiser(3.0 / np.arange(1, dimension + 1))
    clock = _clock(config, 3.0, dimension / draws, (FEW_LEVEL,))
    moments = shared_data_training_sets(
        denoiser.spectrum, jnp.asarray([FEW_LEVEL]), members=members, data=draws, noises=1, key=key
    )
    weights = descend(denoiser.spectrum, moments, clock, initial_gain=0.0)[:, :, 0]
    times = jnp.asarray(clock.reached[:, 0])
    leading, any_ratio = (
        np.asarray(of(denoiser, times, FEW_LEVEL, jnp.asarray(float(draws))).total)
        for of in (weight_variance_over_draws, weight_variance_at_ratio)
    )
    arrays: Arrays = {
        "few_times": clock.reached[:, 0],
        "few_ratio": np.asarray(dimension / draws),
        "few_members": np.asarray(members),
        "few_correction": np.mean(any_ratio / leading, axis=(-2, -1)),
    }
    for name, predicted in (("leading", leading), ("any_ratio", any_ratio)):
        pooled = pooled_variance_ratio(weights, predicted)
        of_groups = np.stack([_variance_ratio(group, predicted).mean((-2, -1)) for group in _groups(weights)])
        arrays |= {
            f"few_{name}": pooled.value,
            f"few_{name}_stderr": pooled.stderr,
            f"few_{name}_of_groups": of_groups,
        }
    return arrays


def _scarce_data(config: Config, key: PRNGKeyArray) -> Arrays:
    """Learning curves of data sets smaller than their dimension, all noise averaged."""
    dimension, data, sets = config.scarce_data
    variance = 3.0 / np.arange(1, dimension + 1)
    denoiser, level = _denoiser(variance), jnp.asarray(SCARCE_LEVEL)
    clock = _clock(config, 3.0, dimension / data, (SCARCE_LEVEL,))
    moments = noise_averaged_training_sets(
        denoiser.spectrum, jnp.asarray([SCARCE_LEVEL]), members=sets, data=data, key=key
    )
    maps = descend(denoiser.spectrum, moments, clock, initial_gain=0.0)[:, :, 0]
    gains = np.diagonal(maps, axis1=-2, axis2=-1)
    gain = mean_over(gains)
    loss = np.asarray(loss_on_fresh_data(jnp.asarray(maps), denoiser.spectrum, SCARCE_LEVEL))
    snapshots, count = clock.reached[:, 0], jnp.asarray(float(data))
    fine = np.geomspace(snapshots[0], snapshots[-1], LINE_POINTS)
    times, estimate = jnp.asarray(np.concatenate([snapshots, fine])), mean_over(loss)
    theory = {
        "gain_theory": expected_gain_over_data(denoiser, times, level, count),
        "gain_naive": denoiser.gain(times, level),
        "loss_theory": expected_loss_over_data(denoiser, times, level, count),
        "loss_naive": loss_on_fresh_data(denoiser.weights(times, level), denoiser.spectrum, SCARCE_LEVEL),
    }
    return {
        "scarce_variance": variance,
        "scarce_data": np.asarray(data),
        "scarce_level": np.asarray(SCARCE_LEVEL),
        "scarce_times": snapshots,
        "scarce_fine_times": fine,
        "scarce_gain": gain.value,
        "scarce_gain_stderr": gain.stderr,
        "scarce_gain_of_sets": gains,
        "scarce_loss_of_sets": loss,
        "scarce_loss": estimate.value,
        "scarce_loss_stderr": estimate.stderr,
        **{f"scarce_{name}": np.asarray(curve)[: snapshots.size] for name, curve in theory.items()},
        **{f"scarce_{name}_curve": np.asarray(curve)[snapshots.size :] for name, curve in theory.items()},
    }
