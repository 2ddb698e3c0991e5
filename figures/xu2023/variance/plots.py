"""Variance of the target against the noise level, and the nats under the curves."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import BLACK, KINDS, VERMILION, WIDEST, label_panels, plt, setting_colours, styled
from figures.xu2023.variance.experiment import DATA_SETS
from figures.xu2023.variance.statistics import nats
from sims.measurements.estimates import mean_over

CAPTION = (
    "The variance V of a regression target, in units of 1/σ². Denoising score matching is n = 1; the stable target "
    "field averages n points by how likely the noisy one came from each. Two points: theory (lines) and drawn targets. "
    "Many points: drawn targets; dashed, the noise level at which a Gaussian of the same covariance has the "
    "information ln n. Last panel: the areas under all curves, in nats, without what chance they share with "
    "denoising score matching, whose variance given the noisy point is known. n references take away ln n of them, "
    "whatever the data."
)
DIFFERS = "two more data sets, and the areas, which the paper does not have."


@styled
def draw(data: Arrays) -> Figure:
    figure, axes = plt.subplots(2, 2, figsize=(WIDEST, 7.2))
    _draw_two_points(axes[0, 0], data)
    for axis, name in zip((axes[0, 1], axes[1, 0]), DATA_SETS, strict=True):
        _draw_data_set(axis, data, name)
    _draw_nats(axes[1, 1], data)
    label_panels(axes)
    return figure


def _draw_two_points(axis: Axes, data: Arrays) -> None:
    levels, words = data["two_point_levels"], ("n = 1: DSM", "n = 2, with replacement")
    for index, (colour, label) in enumerate(zip(setting_colours(3), words, strict=False)):
        axis.semilogx(levels, data["two_points_theory"][index], color=colour, label=f"{label}, theory")
        found = mean_over(data["two_points_measured"][:, index])
        axis.errorbar(levels, found.value, yerr=found.half_width, fmt="o", ms=3, color=colour, label="drawn targets")
    axis.set_title("two points at ±1")
    _name_axes(axis)
    axis.legend()


def _draw_data_set(axis: Axes, data: Arrays, name: str) -> None:
    references = data["references"]
    for index, (number, colour) in enumerate(zip(references, setting_colours(len(references)), strict=True)):
        found = mean_over(data[f"{name}_measured"][:, index])
        label = "n = 1: DSM" if number == 1 else f"n = {number}"
        axis.errorbar(
            data["levels"], found.value, yerr=found.half_width, fmt="o-", ms=2.5, lw=1, color=colour, label=label
        )
        if index:
            axis.axvline(data[f"{name}_half"][index - 1], color=colour, lw=0.9, ls="--")
    axis.set_xscale("log")
    axis.set_title(f"{name}: N = {int(data[f'{name}_points'])} points in 64 dimensions")
    _name_axes(axis)
    axis.legend()


def _name_axes(axis: Axes) -> None:
    axis.set_xlabel("noise level σ")
    axis.set_ylabel("variance of the target, σ²V")
    axis.set_ylim(bottom=0)


def _draw_nats(axis: Axes, data: Arrays) -> None:
    references = data["references"]
    for name, colour, marker in zip(DATA_SETS, (VERMILION, KINDS[0]), "os", strict=False):
        found = nats(data, name)
        removed = [np.log(int(data[f"{name}_points"])) - float(each.value) for each in found.estimates]
        error = [float(each.half_width) for each in found.estimates]
        axis.errorbar(references, removed, yerr=error, fmt=marker, ms=5, mfc="none", color=colour, label=name)
    axis.semilogx(references, np.log(references), color=BLACK, lw=1, label="ln n, theory", zorder=0)
    axis.set_xlabel("references n")
    axis.set_ylabel("nats taken from ln N: ln N − ∫σV dσ")
    axis.set_title("what references take, whatever the data")
    axis.legend()
