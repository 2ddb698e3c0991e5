"""Emergence time against variance for several initial gains: closed form, and trained one-layer networks.

Shared by the figures that show it on different processes. A mode emerges when its generated variance reaches the
geometric or the harmonic mean of its initial and its target variance.
"""

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray
from matplotlib.figure import Figure

from figures.common.claims import Claim
from figures.common.panels import exponents
from figures.common.stages import Arrays, RunStage
from figures.common.style import PALETTE, label_panels, plt, power_law_guide, styled
from figures.studies.trained_modes.experiment import pair_coefficients, sampling_flow
from sims.experiments.linear import gaussian_training_sets, generated_mode_variances
from sims.measurements.estimates import mean_over
from sims.measurements.modes import first_crossing
from sims.networks.linear import linear_denoiser
from sims.training.descent import Clock, train_full_batch
from sims.training.pairs import SecondMoments
from theory.definitions.processes import AbstractProcess
from theory.definitions.spectra import Spectrum
from theory.spectral_law.emergence import emergence_level, emergence_time, rises
from theory.spectral_law.parametrisations.one_layer import OneLayer

MEANS = ("geometric", "harmonic")
# A mode whose initial variance is within this factor of its target has nothing to learn and no emergence to speak of.
_DISTINCT = np.e


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
    generated_samples: int = 768

    @property
    def times(self) -> np.ndarray:
        """Training times of the snapshots."""
        return np.geomspace(self.first_time, self.last_time, self.snapshots)


class Setting(NamedTuple):
    """Where the networks live and how they are trained: process, its times with a network each, steps."""

    process: AbstractProcess
    levels: Float[Array, " levels"]
    clock: Clock


def compute_emergence(config: EmergenceConfig, setting: Setting, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Closed-form and measured emergence times, indexed [initial gain, (seed,) mode]; keys end in the mean's name."""
    data_key, *run_keys = jax.random.split(key, 1 + len(config.initial_gains))
    trained = Spectrum.from_variances(np.geomspace(*config.trained_variances)[::-1])
    arrays: Arrays = {
        "initial_gain": np.asarray(config.initial_gains),
        "variance": np.geomspace(*config.theory_variances),
        "trained_variance": np.asarray(trained.variance),
        "times": config.times,
    }
    arrays |= stage("theory", partial(_theory, config, setting.process, trained), share=0.3)
    sets = partial(_training_sets, config, setting, trained, data_key)
    moments = stage("training sets", sets, share=0.2)
    share = 0.5 / len(config.initial_gains)
    runs = [
        stage(
            f"trained networks, Q = {gain:g}",
            partial(_train, config, setting, trained, moments, gain, run_key),
            share=share,
        )
        for gain, run_key in zip(config.initial_gains, run_keys, strict=True)
    ]
    return arrays | {"variance_trained": np.stack([run["variance_trained"] for run in runs])}


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


def _training_sets(config: EmergenceConfig, setting: Setting, spectrum: Spectrum, key: PRNGKeyArray) -> Arrays:
    pairs = pair_coefficients(OneLayer(spectrum, setting.process, 0.0, 1.0), setting.levels)
    return gaussian_training_sets(
        spectrum, pairs, seeds=config.seeds, samples=config.training_samples, key=key
    )._asdict()


def _train(
    config: EmergenceConfig,
    setting: Setting,
    spectrum: Spectrum,
    moments: Arrays,
    initial_gain: float,
    key: PRNGKeyArray,
) -> Arrays:
    networks = train_full_batch(
        linear_denoiser(spectrum.dimension, initial_gain),
        SecondMoments(**{name: jnp.asarray(value) for name, value in moments.items()}),
        jnp.asarray(setting.clock.step_sizes, jnp.float32),
        jnp.asarray(setting.clock.steps),
    )
    total_maps = jnp.swapaxes(networks.weight, 1, 2)
    flow = sampling_flow(OneLayer(spectrum, setting.process, initial_gain, 1.0), setting.levels)
    return {
        "variance_trained": generated_mode_variances(total_maps, flow, None, samples=config.generated_samples, key=key)
    }


def measured_emergence(data: Arrays, mean: str) -> np.ndarray:
    """Emergence time of every network, (initial gain, seed, mode); NaN where not reached or nothing to learn."""
    emergence = np.stack(
        [
            first_crossing(data["times"], np.moveaxis(curves, 1, 0), level[None])
            for curves, level in zip(data["variance_trained"], data[f"level_{mean}"], strict=True)
        ]
    )
    geometric = data["level_geometric"]
    contrast = np.maximum(geometric / data["trained_variance"], data["trained_variance"] / geometric) ** 2
    return np.where((contrast > _DISTINCT)[:, None], emergence, np.nan)


def exponent_of_branch(data: Arrays, gain: float, mean: str, branch: str, source: str) -> Claim:
    """Exponent of one branch from the trained networks, held against the paper's statement."""
    index = int(np.flatnonzero(data["initial_gain"] == gain)[0])
    times = measured_emergence(data, mean)[index]
    on_branch = data["trained_rises"][index] == (branch == "rising")
    used = on_branch & np.isfinite(times).all(axis=0)
    measured, interval = np.nan, (np.nan, np.nan)
    if used.sum() >= 3:
        fitted = exponents(data["trained_variance"][used], times[:, used])
        measured, interval = float(fitted.value), fitted.interval
    return Claim(
        f"exponent, Q = {gain:g}, {branch} branch, {mean} mean",
        source,
        "τ* ∝ λ^-α with α ≈ 1",
        1.0,
        None,
        measured,
        interval,
        0.1,
    )


def agreement(data: Arrays, mean: str, source: str) -> Claim:
    logarithm = np.log(measured_emergence(data, mean) / data[f"emergence_of_trained_{mean}"][:, None])
    ratio = mean_over(np.nanmean(logarithm, axis=(0, 2)))
    return Claim(
        f"emergence times, {mean} mean",
        source,
        "mean over initialisations and modes of ln(τ* trained / τ* closed form) is zero",
        None,
        0.0,
        float(ratio.value),
        ratio.interval,
        0.05,
    )


@styled
def draw_emergence_times(data: Arrays) -> Figure:
    figure, axes = plt.subplots(1, 2, figsize=(10, 4.4), sharey=True)
    for axis, mean in zip(axes, MEANS, strict=True):
        _draw_mean(axis, data, mean)
    axes[0].set_ylabel("emergence time ητ*")
    handles, labels = axes[0].get_legend_handles_labels()
    title = "solid: rising\ndashed: falling\npoints: trained"
    figure.legend(handles, labels, loc="outside right upper", title=title, title_fontsize=7.5)
    label_panels(axes)
    return figure


def _draw_mean(axis, data: Arrays, mean: str) -> None:
    measured = measured_emergence(data, mean)
    for index, (gain, colour) in enumerate(zip(data["initial_gain"], PALETTE, strict=False)):
        for rising, style in ((True, "-"), (False, "--")):
            branch = data["rises"][index] == rising
            times = np.where(branch, data[f"emergence_{mean}"][index], np.nan)
            axis.loglog(data["variance"], times, style, color=colour, lw=1.3)
        axis.plot([], [], "o-", color=colour, ms=3.5, label=f"Q = {gain:g}")
        seen = np.isfinite(measured[index]).all(axis=0)
        estimate = mean_over(measured[index][:, seen])
        axis.errorbar(
            data["trained_variance"][seen], estimate.value, yerr=2 * estimate.stderr, fmt="o", ms=3.5, color=colour
        )
    power_law_guide(axis, data["variance"], (1.0, 3.0), 1.0, "slope -1")
    axis.set_xlabel("variance λ of the mode")
    axis.set_title(f"level: {mean} mean of initial and target variance")
