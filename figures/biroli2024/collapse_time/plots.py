"""Levels of collapse against the number of points, of Gaussians and of data."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.biroli2024.collapse_time.experiment import DATA_SETS
from figures.biroli2024.collapse_time.statistics import log_levels
from figures.common.stages import Arrays
from figures.common.style import BLACK, EXACT, KINDS, WIDEST, label_panels, plt, setting_colours, styled
from sims.measurements.estimates import mean_over

CAPTION = (
    "The noise level at which the posterior of N points collapses onto the one that x came from: filled, its mean "
    "weight is ½; open, .9. Bars and bands: 95 %. a: Gaussians of variance 1; lines: theory, x tells ln N nats, "
    "σ_C² = 1/(N^{2/d} - 1). b: the same over theory. c: digits and grey patches of photographs, 64 pixels; lines: "
    "theory with the data's spectrum; dashed: with one variance. d: the mean weight over the noise level, for the "
    "largest N."
)
DIFFERS = "measured weights for finite N and d, data with a spectrum."
_WEIGHTS = ((0.5, "o", "full"), (0.9, "o", "none"))


@styled
def draw(data: Arrays) -> Figure:
    figure, axes = plt.subplots(2, 2, figsize=(WIDEST, 7.6))
    colours = setting_colours(len(data["dimensions"]))
    for place, (dimension, colour) in enumerate(zip(data["dimensions"], colours, strict=True)):
        axes[0, 0].plot(data["counts"], data["formula"][place], color=colour, lw=1.2)
        for weight, marker, fill in _WEIGHTS:
            _points(axes[0, 0], data, log_levels(data, weight)[:, place], data["formula"][place], colour, marker, fill)
        axes[0, 0].plot([], [], color=colour, label=f"d = {dimension}")
    axes[0, 0].set(xscale="log", yscale="log")
    axes[0, 0].set_xlabel("points N")
    axes[0, 0].set_ylabel("noise level σ")
    axes[0, 0].set_title("Gaussians")
    axes[0, 0].legend(ncols=2)
    _draw_ratios(axes[0, 1], data)
    _draw_data(axes[1, 0], data)
    _draw_curves(axes[1, 1], data, colours)
    label_panels(axes)
    return figure


def _points(
    axis: Axes, data: Arrays, logs: np.ndarray, formula: np.ndarray, colour, marker: str, fill: str, counts="counts"
) -> None:
    found = mean_over(logs)
    middle, low, high = (formula * np.exp(found.value + side * found.half_width) for side in (0, -1, 1))
    error = np.stack([middle - low, high - middle])
    axis.errorbar(data[counts], middle, yerr=error, fmt=marker, ms=4.5, color=colour, fillstyle=fill)


def _draw_ratios(axis: Axes, data: Arrays) -> None:
    for weight, marker, fill in _WEIGHTS:
        for place, (count, colour) in enumerate(zip(data["counts"], setting_colours(len(data["counts"])), strict=True)):
            found = mean_over(log_levels(data, weight)[:, :, place])
            label = f"N = {count}, weight {weight:g}"
            axis.errorbar(
                data["dimensions"] * 1.04 ** (place - 1),
                found.value,
                yerr=found.half_width,
                fmt=marker,
                ms=4.5,
                color=colour,
                fillstyle=fill,
                label=label,
            )
    axis.axhline(0, color=BLACK, lw=0.8)
    axis.set_xscale("log", base=2)
    axis.set_xticks(data["dimensions"], [str(dimension) for dimension in data["dimensions"]])
    axis.set_xlabel("dimension d")
    axis.set_ylabel("ln (level / level of ln N nats)")
    axis.set_title("Gaussians, over theory")
    axis.legend()


def _draw_data(axis: Axes, data: Arrays) -> None:
    for name, colour in zip(DATA_SETS, KINDS, strict=False):
        axis.plot(data["data_counts"], data[f"formula_{name}"], color=colour, lw=1.2, label=name)
        axis.plot(data["data_counts"], data[f"isotropic_{name}"], color=colour, lw=1.2, ls="--")
        for weight, marker, fill in _WEIGHTS:
            logs = log_levels(data, weight, name)
            _points(axis, data, logs, data[f"formula_{name}"], colour, marker, fill, "data_counts")
    axis.set(xscale="log", yscale="log")
    axis.set_xlabel("points N")
    axis.set_ylabel("noise level σ")
    axis.set_title("data sets (dashed: one variance)")
    axis.legend()


def _draw_curves(axis: Axes, data: Arrays, colours: np.ndarray) -> None:
    for place, (dimension, colour) in enumerate(zip(data["dimensions"], colours, strict=True)):
        found = mean_over(data["own"][:, place, -1])
        axis.plot(data["ratios"], found.value, color=colour, lw=1.2, label=f"d = {dimension}")
        low, high = found.value - found.half_width, found.value + found.half_width
        axis.fill_between(data["ratios"], low, high, color=colour, alpha=0.2, lw=0)
    for weight, _, _ in _WEIGHTS:
        axis.axhline(weight, color=EXACT, lw=0.8, zorder=0)
    axis.axvline(1, color=BLACK, lw=0.8, zorder=0)
    axis.set_xscale("log")
    axis.set_xlabel("noise level over that of ln N nats")
    axis.set_ylabel("posterior weight of the drawn point")
    axis.set_title(f"Gaussians, N = {int(data['counts'][-1])}")
    axis.legend()
