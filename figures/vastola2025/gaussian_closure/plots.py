"""Panels of the figure `gaussian_closure`: where Mardia's test rejects, and the cost of the closure."""

import numpy as np
from matplotlib.figure import Figure

from figures.common.panels import sizes_with_bars
from figures.common.stages import Arrays
from figures.common.style import BLUE, SMALLEST, VERMILION, WIDEST, label_panels, plt, styled
from figures.vastola2025.gaussian_closure.statistics import (
    DISTANCE,
    LEVEL,
    SHAPES,
    closure_distance,
    names_of_kinds,
    p_values_of,
    shape_of,
)
from sims.measurements.estimates import mean_over
from sims.measurements.gaussianity import holm_rejected

CAPTION = (
    "Over training sets the score of random features is Gaussian, that of localised features and of MLPs is not: "
    "excess kurtosis {{the learned score is Gaussian, random features, F/P = 1/4|value .2f}}, "
    "{{the learned score is Gaussian, linear, F/P = 1/4|value .1f}} at the same F/P = 1/4, "
    "{{the learned score is Gaussian, MLP|value .1f}} of MLPs (root mean square over points; of heavy tails the number "
    "grows with the size of the groups of models, here 150, and 50 of MLPs)."
)


@styled
def draw(data: Arrays) -> Figure:
    figure = plt.figure(figsize=(WIDEST, 9.8))
    maps, bars = np.asarray(figure.subfigures(2, 1, height_ratios=(1.7, 1)))
    map_axes = np.asarray(maps.subplots(2, -(-len(names_of_kinds(data)) // 2), sharex=True, sharey=True))
    _draw_maps(maps, map_axes, data)
    bar_axes = np.asarray(bars.subplots(1, 3))
    _draw_shapes(bar_axes[0], data)
    _draw_distances(bar_axes[1], data)
    _draw_gaps(bar_axes[2], data)
    label_panels(np.concatenate([map_axes.ravel(), bar_axes.ravel()]))
    return figure


def _draw_maps(block, axes: np.ndarray, data: Arrays) -> None:
    """Where the test rejects: p-values at every point, those rejected after Holm's correction ringed."""
    for axis in axes.flat[len(names_of_kinds(data)) :]:
        axis.set_axis_off()
    for axis, kind, p_values in zip(axes.flat, names_of_kinds(data), p_values_of(data), strict=False):
        image = axis.scatter(data["x"], data["time"], c=-np.log10(p_values), vmin=0, vmax=4, s=16, cmap="viridis", lw=0)
        rejected = holm_rejected(p_values, LEVEL)
        axis.scatter(
            data["x"][rejected],
            data["time"][rejected],
            s=34,
            facecolors="none",
            edgecolors=VERMILION,
            lw=0.8,
            label="rejected at 5 %, after Holm's correction",
        )
        axis.set_yscale("log")
        axis.set_title(f"{kind}: {rejected.mean():.0%} rejected")
    for axis in axes[-1]:
        axis.set_xlabel("x")
    for axis in axes[:, 0]:
        axis.set_ylabel("t")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    block.legend(handles, labels, loc="outside lower center")
    block.colorbar(image, ax=axes, label="−log₁₀ p of Mardia's test of normality", extend="max", shrink=0.8)


def _categories(axis, names: list[str]) -> None:
    axis.set_xticks(
        np.arange(len(names)),
        [name.replace(", F/P = ", ",\n").replace("random ", "random\n") for name in names],
        fontsize=SMALLEST,
    )
    axis.set_xlabel("model, F/P")


def _draw_shapes(axis, data: Arrays) -> None:
    """Root mean squares over the points, in units of what is worth naming."""
    for (name, unit), face, shift in zip(SHAPES.items(), (VERMILION, "white"), (-0.12, 0.12), strict=True):
        found = shape_of(data, name)
        value, bars = sizes_with_bars(found, unit)
        words = f"{'excess kurtosis' if name == 'kurtosis' else name}, in units of {unit:g}"
        style = {"fmt": "o", "ms": 4, "color": VERMILION, "mfc": face, "capsize": 2, "clip_on": False}
        axis.errorbar(np.arange(len(found)) + shift, value, bars, label=words, **style)
    axis.axhline(1.0, color="0.6", lw=0.8, ls="--", label="worth naming")
    axis.set_yscale("symlog", linthresh=1.0)
    axis.set_ylim(bottom=0)
    _categories(axis, names_of_kinds(data))
    axis.set_ylabel("shape of the score's law (95 %)")
    axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0))


def _draw_distances(axis, data: Arrays) -> None:
    kinds = names_of_kinds(data)[:-1]
    value, bars = sizes_with_bars([closure_distance(data, row) for row in range(len(kinds))])
    axis.errorbar(np.arange(len(kinds)), value, bars, fmt="o", ms=4, color=VERMILION, capsize=2, clip_on=False)
    axis.axhline(DISTANCE, color="0.6", lw=0.8, ls="--", label=f"{DISTANCE:g}: worth naming")
    axis.set_ylim(bottom=0)
    _categories(axis, kinds)
    axis.set_ylabel("√∫(F − F')² dx, trained to Gaussian")
    axis.legend(loc="upper left")


def _draw_gaps(axis, data: Arrays) -> None:
    kinds = names_of_kinds(data)[:-1]
    for name, words, colour, shift in (
        ("gap", "trained", VERMILION, -0.12),
        ("gap_surrogate", "Gaussian weights", BLUE, 0.12),
    ):
        estimates = [mean_over(row) for row in data[name]]
        values = [float(estimate.value) for estimate in estimates]
        errors = [float(estimate.half_width) for estimate in estimates]
        axis.errorbar(
            np.arange(len(kinds)) + shift, values, errors, fmt="o", ms=4, color=colour, capsize=2, label=words
        )
    _categories(axis, kinds)
    axis.set_ylabel("gap mass (95 %)")
    axis.set_ylim(bottom=0)
    axis.legend(loc="best")
