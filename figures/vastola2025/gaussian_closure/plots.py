"""Panels of the figure `gaussian_closure`: where Mardia's test rejects, and the cost of the closure."""

import numpy as np
from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import BLACK, BLUE, VERMILION, label_panels, plt, styled
from figures.vastola2025.gaussian_closure.statistics import LEVEL, closure_distance, names_of_kinds, p_values_of
from sims.measurements.estimates import mean_over, share
from sims.measurements.gaussianity import holm_rejected


@styled
def draw(data: Arrays) -> Figure:
    figure = plt.figure(figsize=(11, 9.5))
    maps, bars = np.asarray(figure.subfigures(2, 1, height_ratios=(1.7, 1)))
    map_axes = np.asarray(maps.subplots(2, -(-len(names_of_kinds(data)) // 2), sharex=True, sharey=True))
    _draw_maps(maps, map_axes, data)
    bar_axes = np.asarray(bars.subplots(1, 3))
    _draw_shares(bar_axes[0], data)
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
            label="rejected after Holm",
        )
        axis.set_yscale("log")
        axis.set_title(f"{kind}: {rejected.mean():.0%} rejected")
    for axis in axes[-1]:
        axis.set_xlabel("x")
    for axis in axes[:, 0]:
        axis.set_ylabel("t")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    block.legend(handles, labels, loc="outside lower center")
    block.colorbar(image, ax=axes, label="-log₁₀ p of Mardia's test", extend="max", shrink=0.8)


def _categories(axis, names: list[str]) -> None:
    axis.set_xticks(
        np.arange(len(names)),
        [name.replace(", ", ",\n").replace("random ", "random\n") for name in names],
        fontsize=6.5,
    )
    axis.set_xlabel("model")


def _draw_shares(axis, data: Arrays) -> None:
    p_values = p_values_of(data)
    rules = (("level 0.05, uncorrected", BLACK, -0.12, p_values <= LEVEL),)
    rules += (("after Holm", VERMILION, 0.12, np.array([holm_rejected(row, LEVEL) for row in p_values])),)
    for name, colour, shift, rejected in rules:
        shares = [share(row) for row in rejected]
        values = np.array([value for value, _ in shares])
        bounds = np.array([interval for _, interval in shares])
        errors = np.maximum(np.abs(bounds.T - values), 0)
        axis.errorbar(
            np.arange(len(values)) + shift, values, errors, fmt="o", ms=4, color=colour, capsize=2, label=name
        )
    axis.axhline(LEVEL, color="0.6", lw=0.8, ls="--", label="0.05")
    _categories(axis, names_of_kinds(data))
    axis.set_ylabel("share of points rejected (95 %)")
    axis.set_ylim(-0.02, 1.02)
    axis.legend(loc="best")


def _draw_distances(axis, data: Arrays) -> None:
    kinds, null = names_of_kinds(data)[:-1], data["wasserstein1_null"]
    distance = closure_distance(data)
    position = np.arange(len(kinds))
    low, middle, high = np.quantile(null, [0.025, 0.5, 0.975], axis=1)
    axis.errorbar(
        position + 0.12, middle, [middle - low, high - middle], fmt="s", ms=4, color="0.55", capsize=2, label="one law"
    )
    axis.errorbar(
        position - 0.12,
        distance.value,
        distance.half_width,
        fmt="o",
        ms=4,
        color=BLUE,
        capsize=2,
        label="trained against Gaussian weights",
    )
    axis.set_ylim(0, 1.3 * axis.get_ylim()[1])  # room for the legend
    _categories(axis, kinds)
    axis.set_ylabel("W₁ of average distributions (95 %)")
    axis.legend(loc="upper left")


def _draw_gaps(axis, data: Arrays) -> None:
    kinds = names_of_kinds(data)[:-1]
    for name, words, colour, shift in (
        ("gap", "trained", BLACK, -0.12),
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
