"""Density and distribution of the eigenvalues, measured and by the fixed point, for few and for more points."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.bonnaire2025.spectrum.statistics import distances, largest_draws
from figures.common.stages import Arrays
from figures.common.style import (
    BLACK,
    EXACT,
    VERMILION,
    WIDEST,
    label_panels,
    plt,
    power_law_guide,
    setting_colours,
    styled,
)
from sims.measurements.estimates import mean_over

CAPTION = (
    "Eigenvalues λ of U, the features' second moments over training points and noise: the n + d largest of p = ψ_p d, "
    "all draws together; the others lie at s_t². Vermilion: tanh features, drawn. Black: the fixed point for d → ∞. "
    "Dotted: the left edge of ρ_1, by which τ_mem is defined, and of ρ_2. The d largest are learned first and do not "
    "know n; with more points ρ_1 moves to the left, and is learned later. d eigenvalues lie left of ρ_1. e: how far "
    "one draw lies from the fixed point's distribution, by dimension, with 95 % intervals; Gaussian equivalents are "
    "what the theorem replaces tanh by, at the same d."
)
DIFFERS = "the distribution and the second number of points are ours; the dimension is smaller under `quick`."
_BINS = 70


@styled
def draw(data: Arrays) -> Figure:
    rows = len(data["samples"])
    figure = plt.figure(figsize=(WIDEST, 3.3 * rows))
    grid = figure.add_gridspec(rows, 3)
    axes = np.array([[figure.add_subplot(grid[row, column]) for column in (0, 1)] for row in range(rows)])
    for place, (left, right) in enumerate(axes):
        _draw_density(left, data, place)
        _draw_distribution(right, data, place)
        for axis in (left, right):
            axis.set_xlabel("eigenvalue λ of U")
    by_dimension = figure.add_subplot(grid[:, 2])
    _draw_distances(by_dimension, data)
    label_panels(np.array([*axes.flat, by_dimension]))
    return figure


def _draw_density(axis: Axes, data: Arrays, place: int) -> None:
    eigenvalues, shown = largest_draws(data, place), data["shown"]
    bins = np.linspace(np.log(eigenvalues.min()), np.log(shown[-1]), _BINS + 1)
    count = np.histogram(np.log(eigenvalues), bins)[0] / eigenvalues.size / np.diff(bins)
    axis.stairs(count, np.exp(bins), fill=True, color=VERMILION, alpha=0.4, label="drawn")
    axis.plot(shown, data["density"][place], color=BLACK, lw=1.2, label="fixed point")
    _draw_edges(axis, data, place)
    axis.set(
        xscale="log",
        xlim=(0.7 * data["atom"], shown[-1]),
        ylim=(0, 1.2 * max(count.max(), data["density"][place].max())),
    )
    axis.set_ylabel("density per unit of ln λ")
    axis.set_title(f"{_sizes(data, place)}: density")
    if place == 0:
        axis.legend(loc="center", bbox_to_anchor=(0.69, 0.55), handlelength=1)


def _draw_distribution(axis: Axes, data: Arrays, place: int) -> None:
    eigenvalues = np.sort(largest_draws(data, place).ravel())
    axis.step(eigenvalues, np.arange(1, eigenvalues.size + 1) / eigenvalues.size, color=VERMILION, lw=2, label="drawn")
    axis.plot(data["shown"], data["distribution"][place], color=BLACK, lw=1, label="fixed point")
    _draw_edges(axis, data, place)
    axis.set(xscale="log", ylim=(-0.02, 1.12))
    axis.set_ylabel("share up to λ, of those above $s_t^2$")
    axis.set_title(f"{_sizes(data, place)}: distribution")


def _draw_distances(axis: Axes, data: Arrays) -> None:
    dimension = data["dimension"].astype(float)
    colours = setting_colours(len(data["samples"]))
    for place, (number, colour) in enumerate(zip(data["samples"], colours, strict=True)):
        found = mean_over(distances(data, place), axis=1)
        axis.errorbar(
            dimension, found.value, yerr=found.half_width, fmt="o", ms=4, color=colour, label=rf"$\psi_n$ = {number}"
        )
        found = mean_over(distances(data, place, "equivalent"), axis=1)
        label = rf"$\psi_n$ = {number}, Gaussian equivalents"
        axis.errorbar(
            dimension, found.value, yerr=found.half_width, fmt="s", ms=4, mfc="none", color=colour, label=label
        )
    first = dimension[0], float(distances(data, 0)[0].mean())
    power_law_guide(axis, dimension, first, 1.0, "proportional to 1/d")
    axis.set(xscale="log", yscale="log", xlabel="dimension d", ylabel="Kolmogorov-Smirnov distance")
    axis.set_xticks(dimension, [f"{each:g}" for each in dimension])
    axis.minorticks_off()
    axis.set_title("distance of one draw to the fixed point")
    axis.legend()


def _draw_edges(axis: Axes, data: Arrays, place: int) -> None:
    axis.axvline(float(data["atom"]), color=EXACT, lw=1, label="$s_t^2$")
    for edge, name in zip(data["edge"][place], ("ρ₁", "ρ₂"), strict=True):
        axis.axvline(edge, color=BLACK, lw=0.8, ls=":")
        axis.annotate(f" {name} →", (edge, 0.97), xycoords=("data", "axes fraction"), va="top", fontsize=8)


def _sizes(data: Arrays, place: int) -> str:
    sizes = rf"$\psi_p$ = {int(data['features'])}, $\psi_n$ = {int(data['samples'][place])}"
    return f"{sizes}, d = {int(data['dimension'][-1])}"
