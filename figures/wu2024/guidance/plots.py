"""Narrowing over training, where it ends, what it does to digits and photographs, and two clusters."""

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
    "means do not scatter along the modes of a class; blue: the formula for modes that commute. d: the same of patches "
    "of one photograph, guided away from those of both. e, f: two clusters, exact scores: entropy and confidence of "
    "guided samples."
)
DIFFERS = "all of it: the paper prints no such figure."


@styled
def draw(data: Arrays) -> Figure:
    figure, grid = plt.subplots(3, 2, figsize=(WIDEST, 10.5))
    axes = grid.ravel()
    _draw_curves(axes[0], data)
    _draw_modes(axes[1], data)
    _draw_whole(axes[2], data, "digits", "handwritten digits (black: theory of whole covariances)")
    _draw_whole(axes[3], data, "photographs", "patches of one photograph, guided away from two")
    _draw_clusters(axes[4], data, "entropy", "entropy $H_w - H_0$ in nats")
    _draw_clusters(axes[5], data, "confidence", "confidence p(+μ | x)")
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


def _draw_whole(axis: Axes, data: Arrays, where: str, title: str) -> None:
    """Of a data set whose classes have other modes than all together."""
    times = data["times"]
    shown = np.unique(np.linspace(0, data[f"variance_{where}"].shape[1] - 1, 4).astype(int))
    trained = mean_over(narrowing(data, "trained", where))
    for mode, style in zip(shown, ("-", "--", "-.", ":"), strict=False):
        for which, colour in (("theory", BLACK), ("commuting", BLUE)):
            axis.plot(times, narrowing(data, which, where).mean(axis=0)[:, mode], style, color=colour, lw=1.2)
        own, between = (data[f"{each}_{where}"][:, mode].mean() for each in ("variance", "between"))
        label = f"λ = {own:.2g}, of all {own + between:.2g}"
        axis.plot([], [], style, color=BLACK, label=label)
        value, half = trained.value[:, mode], trained.half_width[:, mode]
        axis.errorbar(times, value, yerr=half, fmt="o", ms=2.8, lw=0.8, color=VERMILION)
    axis.plot([], [], "o", ms=2.8, color=VERMILION, label="trained")
    axis.plot([], [], color=BLUE, label="as if modes commuted")
    axis.set(xscale="log", xlabel="training time ητ", ylabel="narrowing ln(λ̃ class alone / λ̃ guided)")
    axis.set_ylim(top=1.45 * axis.get_ylim()[1])  # room for the key
    axis.set_title(title)
    axis.legend(loc="best")


def _draw_clusters(axis: Axes, data: Arrays, what: str, words: str) -> None:
    strengths, found = data["cluster_strengths"], mean_over(data[f"{what}_samples"])
    axis.plot(strengths, data[f"{what}_theory"], color=BLACK, lw=1.2, label="theory")
    axis.errorbar(
        strengths, found.value, yerr=found.half_width, fmt="o", ms=4, color=VERMILION, label="samples, exact scores"
    )
    axis.set(xlabel="strength w", ylabel=words, title="two clusters")
    axis.legend(loc="best")
