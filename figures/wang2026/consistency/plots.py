"""Over-shrinkage, the mean sampling map, and how samples of models of disjoint data agree."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import (
    BLACK,
    BLUE,
    EXACT,
    ORANGE,
    VERMILION,
    WIDEST,
    label_panels,
    plt,
    setting_colours,
    styled,
)
from sims.measurements.estimates import mean_over

CAPTION = (
    "a, b: gain of the denoiser over that of infinite data, and element u·Au of the map from noise to samples over √(λ "
    "+ σ_0²)/√(λ + σ_T²), mean over networks of n points each, end of training; lines: theory. c, d: disagreement 1 - "
    "E x·x'/E|x|² of samples x, x' from the same noise by two models of disjoint data, lines: theory (dotted: ητ = 1; "
    "blue: with the fourth moments of the photographs). e, f: variance of matrix elements over data sets, trained over "
    "theory, with the fourth moments of the data where it says so."
)
DIFFERS = "all of it: linear denoisers of small data sets in place of image networks."


@styled
def draw(data: Arrays) -> Figure:
    figure, axes = plt.subplots(2, 3, figsize=(WIDEST, 6.6))
    level, ends = float(data["level"]), data["range"] ** 2
    variance = data["variance_gaussian"]
    _draw_modes(axes[0, 0], data, "gains", variance / (variance + level**2))
    axes[0, 0].set(ylabel="gain over that of infinite data", title=f"few data overshrink (σ = {level:.2g})")
    _draw_modes(axes[0, 1], data, "maps", np.sqrt((variance + ends[1]) / (variance + ends[0])) ** -1)
    axes[0, 1].set(ylabel="u·Au over that of infinite data", title="mean of the sampling map")
    for axis, setting, words in (
        (axes[0, 2], "gaussian", "Gaussian data"),
        (axes[1, 0], "photographs", "photographs"),
    ):
        _draw_agreement(axis, data, setting)
        axis.set_title(f"same noise, disjoint data: {words}")
    for axis, setting, words in (
        (axes[1, 1], "gaussian", "Gaussian data"),
        (axes[1, 2], "photographs", "photographs"),
    ):
        _draw_spread(axis, data, setting)
        axis.set_title(f"variance over data sets: {words}")
    label_panels(axes)
    return figure


def _draw_modes(axis: Axes, data: Arrays, name: str, infinite: np.ndarray) -> None:
    variance = data["variance_gaussian"]
    shown = np.unique(np.round(np.geomspace(1, variance.size, 10)).astype(int)) - 1
    for place, (size, colour) in enumerate(zip(data["data"], setting_colours(data["data"].size), strict=True)):
        axis.plot(variance, data[f"{name}_theory_gaussian"][place, -1] / infinite, color=colour, lw=1.2)
        trained = mean_over(data[f"{name}_gaussian"][:, place, -1] / infinite)
        axis.errorbar(
            variance[shown],
            trained.value[shown],
            yerr=trained.half_width[shown],
            fmt="o",
            ms=2.8,
            lw=0.8,
            color=colour,
            label=f"n = {size}",
        )
    axis.axhline(1.0, color=EXACT, lw=0.9, ls="--")
    axis.set(xscale="log", xlabel="variance λ of the mode (Gaussian data)")
    axis.legend(loc="lower right")


def _draw_agreement(axis: Axes, data: Arrays, setting: str) -> None:
    sizes = data["data"]
    for time, colour, words in ((0, ORANGE, "ητ = 1"), (-1, VERMILION, "end of training")):
        trained = mean_over(1 - data[f"agreement_{setting}"][:, :, time])
        axis.errorbar(sizes, trained.value, yerr=trained.half_width, fmt="o", ms=3.5, color=colour, label=words)
        style = "-" if time else ":"
        axis.plot(sizes, 1 - data[f"agreement_theory_{setting}"][:, time], style, color=BLACK, lw=1.2)
        if setting == "photographs":
            fourth = 1 - data["agreement_fourth_photographs"][:, time]
            axis.plot(sizes, fourth, style, color=BLUE, lw=1.2)
    axis.set(yscale="log", ylabel="disagreement 1 - E x·x'/E|x|²")
    _mark_sizes(axis, sizes)
    axis.legend(loc="lower left")


def _draw_spread(axis: Axes, data: Arrays, setting: str) -> None:
    sizes = data["data"]
    for shift, (name, words) in enumerate((("gains", "denoiser"), ("maps", "sampling map"))):
        for which, marker, told in (("", "o", ""), ("_fourth", "s", ", fourth moments")):
            if which and setting == "gaussian":
                continue
            ratio = mean_over(data[f"spread_of_{name}{which}_{setting}"][:, :, -1])
            axis.errorbar(
                sizes * 1.06**shift,
                ratio.value,
                yerr=ratio.half_width,
                fmt=marker,
                ms=3.5,
                mfc="none" if shift else None,
                color=BLUE if which else VERMILION,
                label=words + told,
            )
    axis.axhline(1.0, color=BLACK, lw=1.2)
    axis.set(ylabel="variance of elements, trained/theory")
    if setting == "gaussian":
        axis.set_ylim(0.85, 1.15)
    else:
        axis.set(yscale="log", ylim=(0.25, 25.0))
    _mark_sizes(axis, sizes)
    axis.legend(loc="upper left")


def _mark_sizes(axis: Axes, sizes: np.ndarray) -> None:
    axis.set(xscale="log", xlabel="points n of each model")
    axis.set_xticks(sizes, labels=[str(size) for size in sizes])
    axis.minorticks_off()
