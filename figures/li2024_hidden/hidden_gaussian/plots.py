"""Linear and nonlinear nats over training, mode by mode and together, gains, and the linearity score."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import BLACK, BLUE, EXACT, VERMILION, WIDEST, label_panels, mode_colours, plt, styled
from figures.li2024_hidden.hidden_gaussian.statistics import (
    course,
    nats,
    when_modes_are_half,
    when_modes_are_half_by_law,
)
from sims.measurements.estimates import mean_over

CAPTION = (
    "MLPs in training on eight clusters at the corners of a box (a, c, d, e) and on patches of photographs without "
    "their brightness (b). a, b: nats that the affine map nearest to the network misses of the Wiener filter's, and "
    "nats that the rest of the network has beyond it; dashed: all that there are, KL(data‖Gaussian of the same "
    "moments). c: the same by modes, λ their variance (filled: linear nats that are there, as a share; open: "
    "nonlinear ones, of the ideal denoiser's). d: when half of a mode's linear nats are there, against one linear "
    "layer of the same preconditioning (line: proportional); slope "
    "{{linear nats in the order of the spectral law|value .2f}} "
    "{{linear nats in the order of the spectral law|interval .2f}}. e: slope of the nearest affine map at one noise "
    "level (dashed: Wiener filter). f: linearity score."
)
DIFFERS = "all of it: the paper's networks are U-Nets for images; f is its score, at every noise level."


@styled
def draw(data: Arrays) -> Figure:
    figure, axes = plt.subplots(2, 3, figsize=(WIDEST, 7.0))
    _draw_courses(axes[0, 0], data, "box", "eight clusters")
    axes[0, 0].axhline(data["nats_box"].sum(), color=BLACK, lw=1.0, ls="--")
    _draw_courses(axes[0, 1], data, "photographs", "photographs")
    _draw_shares(axes[0, 2], data)
    _draw_law(axes[1, 0], data)
    _draw_gains(axes[1, 1], data)
    _draw_linearity(axes[1, 2], data)
    label_panels(axes)
    return figure


def _bars(axis: Axes, x: np.ndarray, values: np.ndarray, **style) -> None:
    found = mean_over(values)
    axis.errorbar(x, found.value, yerr=found.half_width, ms=3.4, lw=1.0, **style)


def _draw_courses(axis: Axes, data: Arrays, where: str, words: str) -> None:
    steps = data[f"steps_{where}"][1:]
    for which, colour, label in (
        ("missed", BLUE, "linear nats missing"),
        ("beyond", VERMILION, "nonlinear nats there"),
    ):
        _bars(axis, steps, course(data, which, where)[:, 1:], fmt="o-", color=colour, label=label)
    axis.set(xscale="log", xlabel="training step", ylabel="nats", title=words)
    axis.legend(loc="upper left", bbox_to_anchor=(0.0, 0.9))


def _draw_shares(axis: Axes, data: Arrays) -> None:
    steps, missed = data["steps_box"][1:], nats(data, "missed", "box")
    there = 1 - missed[:, 1:] / missed[:, :1]
    beyond = nats(data, "beyond", "box")[:, 1:] / data["nats_box"]
    for mode, colour in enumerate(mode_colours(missed.shape[-1])):
        label = f"λ = {data['variance_box'][mode]:.2g}"
        _bars(axis, steps, there[..., mode], fmt="o-", color=colour, label=label)
        _bars(axis, steps, beyond[..., mode], fmt="o--", mfc="white", color=colour)
    axis.set(xscale="log", ylim=(-0.15, 1.3), xlabel="training step", ylabel="share of nats that is there")
    axis.set_title("by modes: linear (filled), nonlinear (open)")
    axis.legend(loc="upper left", ncols=3)


def _draw_law(axis: Axes, data: Arrays) -> None:
    law, trained = when_modes_are_half_by_law(data), when_modes_are_half(data)
    found = mean_over(np.log(trained))
    axis.plot(np.tile(law, len(trained)), trained.ravel(), ".", ms=4, color=EXACT, label="each network")
    value = np.exp(found.value)
    bars = np.abs(np.exp(found.value + np.array([[-1], [1]]) * found.half_width) - value)
    axis.errorbar(law, value, yerr=bars, fmt="o", ms=4.5, color=VERMILION, label="trained, mean")
    clock = np.exp(np.mean(found.value - np.log(law)))
    axis.plot(law, clock * law, color=BLACK, lw=1.2, label="proportional")
    axis.set(xscale="log", yscale="log", xlabel="ητ at which one linear layer has half", ylabel="training step")
    axis.set_xticks(law, [f"{time:.2g}" for time in law])
    axis.minorticks_off()
    axis.set_title("half of a mode's linear nats")
    axis.legend(loc="upper left")


def _draw_gains(axis: Axes, data: Arrays) -> None:
    level = int(np.argmin(np.abs(np.log(data["levels"] / 0.5))))
    sigma, variance, gain = data["levels"][level], data["variance_box"], data["gain_box"][:, 1:, level]
    for mode, colour in enumerate(mode_colours(variance.size)):
        label = f"λ = {variance[mode]:.2g}"
        _bars(axis, data["steps_box"][1:], gain[..., mode], fmt="o-", color=colour, label=label)
        axis.axhline(variance[mode] / (variance[mode] + sigma**2), color=colour, lw=1.2, ls="--")
    axis.set(xscale="log", ylim=(0, 1.2), xlabel="training step", ylabel="gain")
    axis.set_title(f"affine part at σ = {sigma:.2f} (dashed: Wiener filter)")
    axis.legend(loc="upper left", ncols=3)


def _draw_linearity(axis: Axes, data: Arrays) -> None:
    levels = data["levels"]
    axis.plot(levels, data["linearity_ideal"].mean(axis=0), color=EXACT, lw=1.8, label="ideal, clusters")
    axis.plot(levels, data["linearity_remembered"].mean(axis=0), ":", color=EXACT, lw=1.8, label="memorising, patches")
    for where, colour, words in (("box", VERMILION, "clusters"), ("photographs", BLUE, "photographs")):
        _bars(axis, levels, data[f"linearity_{where}"][:, -1], fmt="o", color=colour, label=f"trained, {words}")
    axis.set(xscale="log", ylim=(0.6, 1.02), xlabel="noise level σ", ylabel="linearity score", title="end of training")
    axis.legend(loc="lower left")
