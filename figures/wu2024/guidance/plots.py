"""Narrowing over training, where it ends, what it does to digits, and two clusters."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import BLACK, BLUE, VERMILION, WIDEST, label_panels, mode_colours, plt, styled
from figures.wu2024.guidance.statistics import at_end, narrowing, overshoot
from sims.measurements.estimates import mean_over

CAPTION = (
    "Guided denoisers (1 + w)D_c - wD_u in training, w = 2. a: how far guidance narrows the modes of Gaussian classes "
    "(lines: theory, points: trained with 95 % intervals): it begins with the spectral law and overshoots what it does "
    "in the end (dashed, the same for all modes here). b: how far at most, over the end. c: digits, whose class "
    "means do not scatter along the modes of a class; blue: the formula for modes that commute. d: two clusters, exact "
    "scores: entropy and confidence of guided samples."
)
DIFFERS = "all of it: the paper prints no such figure."


@styled
def draw(data: Arrays) -> Figure:
    figure, axes = plt.subplots(2, 2, figsize=(WIDEST, 7.4))
    _draw_curves(axes[0, 0], data)
    _draw_modes(axes[0, 1], data)
    _draw_digits(axes[1, 0], data)
    _draw_clusters(axes[1, 1], data)
    label_panels(axes)
    return figure


def _draw_curves(axis: Axes, data: Arrays) -> None:
    variance, times = data["variance_gaussian"][0], data["times"]
    theory, trained = narrowing(data, "theory", "gaussian")[0], mean_over(narrowing(data, "trained", "gaussian"))
    for mode, colour in enumerate(mode_colours(variance.size)):
        axis.plot(times, theory[:, mode], color=colour, lw=1.2)
        value, half = trained.value[:, mode], trained.half_width[:, mode]
        axis.errorbar(times, value, yerr=half, fmt="o", ms=2.8, lw=0.8, color=colour, label=f"λ = {variance[mode]:.2g}")
    axis.axhline(at_end(data, "gaussian")[0, 0], color="0.5", lw=0.9, ls="--")
    axis.set(xscale="log", xlabel="training time ητ", ylabel="narrowing ln(λ̃ class alone / λ̃ guided)")
    axis.set_title("Gaussian classes (lines: theory, points: trained)")
    axis.legend(loc="upper left")


def _draw_modes(axis: Axes, data: Arrays) -> None:
    """Of both data sets."""
    for where, words, marker in (("gaussian", "Gaussian classes", "o"), ("digits", "digits", "s")):
        variance = (data[f"variance_{where}"] + data[f"between_{where}"]).mean(axis=0)
        theory, trained = (overshoot(data, which, where) for which in ("theory", "trained"))
        found = mean_over(trained)
        axis.plot(variance, theory.mean(axis=0), "_", ms=12, color=BLACK)
        axis.errorbar(
            variance, found.value, yerr=found.half_width, fmt=marker, ms=4, color=VERMILION, label=f"{words}, trained"
        )
    axis.plot([], [], "_", ms=12, color=BLACK, label="theory")
    axis.axhline(1.0, color="0.5", lw=0.9, ls="--")
    axis.set(xscale="log", ylim=(0, None), xlabel="variance λ + m² of all classes along the mode")
    axis.set_ylabel("largest narrowing / that in the end")
    axis.set_title("guidance overshoots in training")
    axis.legend(loc="lower right")


def _draw_digits(axis: Axes, data: Arrays) -> None:
    times = data["times"]
    shown = np.unique(np.linspace(0, data["variance_digits"].shape[1] - 1, 4).astype(int))
    trained = mean_over(narrowing(data, "trained", "digits"))
    for mode, style in zip(shown, ("-", "--", "-.", ":"), strict=False):
        for which, colour in (("theory", BLACK), ("commuting", BLUE)):
            axis.plot(times, narrowing(data, which, "digits").mean(axis=0)[:, mode], style, color=colour, lw=1.2)
        label = f"λ = {data['variance_digits'][:, mode].mean():.2g}, m² = {data['between_digits'][:, mode].mean():.2g}"
        axis.plot([], [], style, color=BLACK, label=label)
        value, half = trained.value[:, mode], trained.half_width[:, mode]
        axis.errorbar(times, value, yerr=half, fmt="o", ms=2.8, lw=0.8, color=VERMILION)
    axis.plot([], [], "o", ms=2.8, color=VERMILION, label="trained")
    axis.plot([], [], color=BLUE, label="as if modes commuted")
    axis.set(xscale="log", xlabel="training time ητ", ylabel="narrowing ln(λ̃ class alone / λ̃ guided)")
    axis.set_title("handwritten digits (black: theory of whole covariances)")
    axis.legend(loc="upper left")


def _draw_clusters(axis: Axes, data: Arrays) -> None:
    strengths = data["cluster_strengths"]
    right = axis.twinx()
    for each, what, marker, words in (
        (axis, "entropy", "o", "entropy $H_w - H_0$ in nats"),
        (right, "confidence", "s", "confidence p(+μ | x)"),
    ):
        each.plot(strengths, data[f"{what}_theory"], color=BLACK, lw=1.2, ls="-" if each is axis else "--")
        found = mean_over(data[f"{what}_samples"])
        each.errorbar(strengths, found.value, yerr=found.half_width, fmt=marker, ms=4, color=VERMILION)
        each.set_ylabel(words)
        axis.plot([], [], marker, ls="-" if each is axis else "--", ms=4, color=VERMILION, label=what)
    right.spines["right"].set_visible(True)
    axis.set_xlabel("strength w")
    axis.set_title("two clusters, exact scores (lines: theory, points: samples)")
    axis.legend(loc="center right")
