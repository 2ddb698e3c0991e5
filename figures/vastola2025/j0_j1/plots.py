"""Panels of the figure `j0_j1`: densities on the line and on the square, and shares by case."""

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import (
    EXACT,
    GREEN,
    PINK,
    SMALLEST,
    TRAINING_POINTS,
    VERMILION,
    WIDEST,
    label_panels,
    plt,
    styled,
)
from figures.studies.published_setting import GAP, POSITIONS
from figures.vastola2025.j0_j1.experiment import LINE_CASES, OBJECTIVES, SQUARE_CASES
from figures.vastola2025.j0_j1.statistics import words_of_cases
from sims.measurements.estimates import mean_over

CAPTION = (
    "Target noise can fill gaps or empty them: it changes the gap mass of linear models at F/P = 1 by {{target "
    "noise fills gaps, linear, F/P = 1|value z.3f}} {{target noise fills gaps, linear, F/P = 1|interval z.3f}} "
    "and that of MLPs on the line by {{target noise fills gaps, MLP|value z.3f}} {{target noise fills gaps, "
    "MLP|interval z.3f}}."
)

COLOURS = (EXACT, VERMILION, PINK, GREEN)  # of the objectives: the second is what is trained everywhere else


@styled
def draw(data: Arrays) -> Figure:
    figure = plt.figure(figsize=(WIDEST, 12.6))
    line, square, bars = np.asarray(figure.subfigures(3, 1, height_ratios=(0.8, 1.25, 0.8)))
    line_axes = np.asarray(line.subplots(1, 3, sharex=True, sharey=True))
    _draw_densities(line, line_axes, data)
    square_axes = square.subplots(len(SQUARE_CASES), len(OBJECTIVES), sharex=True, sharey=True)
    _draw_squares(square, square_axes, data)
    bars.suptitle("mean and 95 % interval over models; c: dose of the targets' noise", fontsize=9)
    bar_axes = bars.subplots(1, 3)
    for axis, part in zip(bar_axes, ("gap", "memorised", "bridge"), strict=True):
        _draw_shares(axis, data, part)
    handles, labels = bar_axes[0].get_legend_handles_labels()
    bars.legend(handles, labels, loc="outside lower center", ncols=4)
    label_panels(np.concatenate([line_axes.ravel(), square_axes.ravel(), bar_axes.ravel()]))
    return figure


def _draw_densities(block, axes: np.ndarray, data: Arrays) -> None:
    centres, words, floor = (data["edges"][1:] + data["edges"][:-1]) / 2, words_of_cases(data), 1e-3
    for axis, case in zip(axes, LINE_CASES, strict=True):
        for sign in (-1, 1):
            axis.axvspan(sign * GAP[0], sign * GAP[1], color="0.94", lw=0)
        for density, colour, name in zip(data[f"{case}_density"], COLOURS, OBJECTIVES, strict=True):
            style = "--" if name.startswith("isotropic") else "-"
            axis.semilogy(centres, density + floor, style, color=colour, lw=1.3, label=name)
        axis.set_title(words[case])
        axis.set_xlabel("x")
        axis.set_xlim(*POSITIONS)
    axes[0].set_ylabel("average learned density")
    handles, labels = axes[0].get_legend_handles_labels()
    block.legend(handles, labels, loc="outside lower center", ncols=4)


def _draw_squares(block, axes: np.ndarray, data: Arrays) -> None:
    norm, extent = LogNorm(1e-2, 10), (*POSITIONS, *POSITIONS)
    for row, case in zip(axes, SQUARE_CASES, strict=True):
        for axis, density, name in zip(row, data[f"{case}_density"], OBJECTIVES, strict=True):
            image = axis.imshow(np.maximum(density.T, 1e-2), origin="lower", extent=extent, norm=norm)
            axis.plot(*data["corners"].T, **TRAINING_POINTS)
            if case == SQUARE_CASES[0]:
                axis.set_title(name)
            else:
                axis.set_xlabel("x")
        row[0].set_ylabel(f"{words_of_cases(data)[case]}\ny")
    block.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center")
    block.colorbar(image, ax=axes, label="average learned density", shrink=0.8, extend="both")


def _draw_shares(axis, data: Arrays, part: str) -> None:
    """Mean and 95 % interval over models, one group of points per case."""
    titles = {
        "gap": "gap mass",
        "memorised": "memorised fraction",
        "bridge": "mass on the square's edges",
    }
    cases = [case for case in words_of_cases(data) if f"{case}_{part}" in data]
    for index, (name, colour) in enumerate(zip(OBJECTIVES, COLOURS, strict=True)):
        estimates = [mean_over(data[f"{case}_{part}"][index]) for case in cases]
        position = np.arange(len(cases)) + 0.15 * (index - 1.5)
        half_widths = [float(estimate.half_width) for estimate in estimates]
        values = [float(estimate.value) for estimate in estimates]
        axis.errorbar(position, values, half_widths, fmt="o", ms=4, color=colour, capsize=2, label=name)
    words = [words_of_cases(data)[case].replace(", ", ",\n") for case in cases]
    axis.set_xticks(np.arange(len(cases)), words, fontsize=SMALLEST)
    axis.set_ylabel(titles[part])
    axis.set_xlabel("model")
    axis.set_ylim(0, 1.04 * axis.get_ylim()[1])
