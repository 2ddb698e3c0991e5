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
from matplotlib.figure import Figure

from figures.common.claims import Claim
from figures.common.panels import draw_mode_curves
from figures.common.stages import Arrays, RunStage
from figures.common.style import label_panels, plt, styled
from figures.studies.trained_modes.experiment import (
    Sizes,
    as_stage,
    clock_for,
    discretisation,
    flow_matching_times,
    follows_closed_form,
    share_of_gains,
    share_of_variances,
    theory_of_modes,
    trained_modes,
    training_sets,
)
from sims.measurements.estimates import mean_over
from sims.measurements.modes import variance_over_seeds
from sims.networks.linear import linear_denoiser, tied_two_layer_denoiser
from theory.definitions.processes import FlowMatching
from theory.definitions.spectra import Spectrum
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
            generated_samples=1024,
        ),
    ),
    "paper": Config(
        Sizes(
            first_time=1e-4,
            last_time=1e3,
            snapshots=57,
            seeds=24,
            training_samples=2097152,
            generated_samples=4096,
        ),
        variances=(10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 0.001),
        sampling_times=128,
    ),
}
LAYERS = {"one_layer": OneLayer, "two_layer": SymmetricTwoLayer}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Theory curves and trained networks of both parametrisations; keys end in the parametrisation's name."""
    rotation_key, data_key, start_key, *run_keys = jax.random.split(key, 5)
    variances = jnp.asarray(config.variances)
    basis, _ = jnp.linalg.qr(jax.random.normal(rotation_key, (variances.size, variances.size)))
    spectrum = Spectrum(jnp.zeros_like(variances), variances, basis)
    levels = jnp.concatenate([flow_matching_times(config.sampling_times), jnp.asarray(config.shown_times)])
    arrays: Arrays = {
        "variance": np.asarray(variances),
        "times": config.sizes.times,
        "shown_times": np.asarray(config.shown_times),
        "training_samples": np.asarray(config.sizes.training_samples),
    }
    # What is trained for does not depend on the number of layers.
    single = OneLayer(spectrum, FlowMatching(), config.initial_gain, learning_rate=1.0)
    moments = as_stage(stage, partial(training_sets, single, levels, config.sizes, data_key), share=0.1)
    for layers, ((name, build), run_key) in enumerate(zip(LAYERS.items(), run_keys, strict=True), start=1):
        denoiser = build(spectrum, FlowMatching(), config.initial_gain, learning_rate=1.0)
        network = linear_denoiser(variances.size, config.initial_gain)
        if name == "two_layer":
            network = tied_two_layer_denoiser(start_key, variances.size, config.initial_gain)
        # A tied step moves both factors at once: it is twice as steep as an independent pair of layers.
        clock = clock_for(denoiser, levels, config.sizes, layers=layers, rate=layers, together=True)
        theory = partial(theory_of_modes, denoiser, levels, clock, config.sizes, shown=len(config.shown_times))
        arrays |= _named(name, stage(f"theory, {name}", theory, share=0.15))
        train = partial(_train, config, denoiser, network, levels, clock, moments, run_key)
        arrays |= _named(name, stage(f"trained networks, {name}", train, share=0.3))
    return arrays


def _train(config: Config, denoiser, network, levels, clock, moments, key: PRNGKeyArray) -> Arrays:
    shown = len(config.shown_times)
    return trained_modes(denoiser, network, moments, levels, clock, config.sizes, shown=shown, key=key)


def _named(name: str, arrays: Arrays) -> Arrays:
    return {f"{key}_{name}": value for key, value in arrays.items()}


def claims(data: Arrays) -> list[Claim]:
    statements = []
    for name in LAYERS:
        words, source = name.replace("_", "-"), "Wang & Pehlevan 2025, App. H, Fig. 7"
        within = share_of_variances(data[f"variance_trained_{name}"], data[f"variance_finite_steps_{name}"])
        statements.append(follows_closed_form(f"flow matching, {words}: generated variance", source, within))
        gains, expected = data[f"gain_trained_{name}"], data[f"gain_finite_steps_{name}"]
        within = share_of_gains(gains, expected, int(data["training_samples"]))
        statements.append(follows_closed_form(f"flow matching, {words}: weights", source, within))
        statements.append(
            discretisation(
                f"flow matching, {words}", data[f"variance_finite_steps_{name}"], data[f"variance_closed_form_{name}"]
            )
        )
    return [*statements, _wrong_limit(data)]


def _wrong_limit(data: Arrays) -> Claim:
    """λ̃/(λ + 1) of the tied network after the longest training, averaged over the modes that are learned by then."""
    # A mode is learned once 8ητλ is large; slower ones have not reached their limit at the last snapshot.
    learned = 8 * data["times"][-1] * data["variance"] > 30
    ratio = data["variance_trained_two_layer"][:, -1, learned] / (data["variance"][learned] + 1)[None]
    estimate = mean_over(ratio.mean(axis=1))
    return Claim(
        "flow matching, tied two-layer: wrong limit",
        "this project, from App. H",
        "a tied network cannot fit a negative velocity and generates λ + 1: mean of λ̃(∞)/(λ + 1) over learned modes",
        None,
        1.0,
        float(estimate.value),
        estimate.interval,
        0.03,
    )


@styled
def draw(data: Arrays) -> Figure:
    shown = data["shown_times"]
    figure, axes = plt.subplots(2, shown.size + 1, figsize=(15, 6.2))
    for row, (name, words) in zip(axes, (("one_layer", "one layer"), ("two_layer", "tied two-layer")), strict=True):
        for index, time in enumerate(shown):
            _draw_gain(row[index], data, name, index)
            row[index].set_title(f"{words}, weight at t = {time:g}")
        curves = (data[f"fine_times_{name}"], data[f"variance_curve_{name}"])
        measured = variance_over_seeds(data[f"variance_trained_{name}"])
        draw_mode_curves(row[-1], data["variance"], np.arange(data["variance"].size), curves, data["times"], measured)
        row[-1].set_yscale("log")
        row[-1].set_ylabel("generated variance λ̃")
        row[-1].set_title(f"{words}, generated variance")
        row[0].set_ylabel("gain uᵀWu")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside right upper", title="lines: theory\npoints: trained", title_fontsize=7.5
    )
    label_panels(axes)
    return figure


def _draw_gain(axis, data: Arrays, name: str, index: int) -> None:
    curves = (data[f"fine_times_{name}"], data[f"gain_curve_{name}"][index])
    measured = mean_over(data[f"gain_trained_{name}"][:, index])
    draw_mode_curves(axis, data["variance"], np.arange(data["variance"].size), curves, data["times"], measured)
    axis.axhline(0.0, color="0.8", lw=0.8, zorder=0)
