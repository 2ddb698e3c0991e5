"""Errors of generated densities against the number of points, and against where the exact score is stopped."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import BLACK, EXACT, ORANGE, VERMILION, WIDEST, label_panels, plt, setting_colours, styled
from figures.oko2023.estimation_rate.statistics import exact_at_best, linear_theory
from sims.measurements.estimates import mean_over

CAPTION = (
    "a to c: E∫(p̂ - p)²/∫p² of the density p̂ that a model of n points generates. Grey: exact empirical score, stopped "
    "at the best noise level; red and orange: linear denoisers at the end of training and at ητ = 3; lines: theory (c: "
    "dashed, linear denoisers of infinitely many points, where red lies below orange). Rates: "
    "{{Gaussian data, d = 1: exact score, rate|value .2f}} "
    "and {{Gaussian data, d = 2: exact score, rate|value .2f}} of the exact score, "
    "{{Gaussian data, d = 1: linear denoisers, rate|value .2f}} of linear denoisers. d: exact score, stopped at other "
    "levels (Gaussian data, d = 1). e: best level. f: density of the leading mode of photographs, in its standard "
    "deviations, and the Gaussian that linear denoisers end at."
)
DIFFERS = "all of it: the paper bounds rates of neural networks in other distances, and measures none."


@styled
def draw(data: Arrays) -> Figure:
    figure, axes = plt.subplots(2, 3, figsize=(WIDEST, 6.6))
    titles = {
        "line": "Gaussian data, d = 1",
        "plane": "Gaussian data, d = 2",
        "photographs": "leading mode of photographs",
    }
    for axis, (where, title) in zip(axes[0], titles.items(), strict=True):
        _draw_errors(axis, data, where)
        axis.set_title(title)
    _draw_levels(axes[1, 0], data)
    _draw_best(axes[1, 1], data, titles)
    _draw_density(axes[1, 2], data)
    label_panels(axes)
    return figure


def _points(axis: Axes, sizes: np.ndarray, values: np.ndarray, colour: str, label: str) -> None:
    found = mean_over(values)
    axis.errorbar(sizes, found.value, yerr=found.half_width, fmt="o", ms=3.5, lw=0.9, color=colour, label=label)


def _draw_errors(axis: Axes, data: Arrays, where: str) -> None:
    sizes = data["data"]
    _points(axis, sizes, exact_at_best(data, where), EXACT, "exact score, stopped")
    axis.plot(sizes, data[f"exact_theory_{where}"][:, 1], color=BLACK, lw=1.1)
    for time, colour, words in ((-1, VERMILION, "linear, end of training"), (0, ORANGE, "linear, ητ = 3")):
        _points(axis, sizes, data[f"linear_{where}"][:, :, time], colour, words)
        if where == "photographs":
            axis.axhline(data["floor_photographs"][time], color=BLACK, lw=0.9, ls="--")
        elif where == "line" or time:
            axis.plot(sizes, linear_theory(data, where)[:, time], color=BLACK, lw=1.1)
    axis.set(yscale="log", ylabel="E∫(p̂ - p)²/∫p²", ylim=(3e-4, 3.0))
    _mark_sizes(axis, sizes)
    axis.legend(loc="lower left")


def _draw_levels(axis: Axes, data: Arrays) -> None:
    multiples, sizes = np.array([0.5, 1.0, 2.0]), data["data"]
    for place, (size, colour) in enumerate(zip(sizes, setting_colours(sizes.size), strict=True)):
        levels = multiples * data["level_line"][place]
        _points(axis, levels, data["exact_line"][:, place], colour, f"n = {size}")
        axis.plot(
            levels, data["exact_theory_line"][place], "_", ms=14, color=BLACK, label="theory" if not place else None
        )
    axis.set(xscale="log", yscale="log", xlabel="noise level σ at which it is stopped", ylabel="E∫(p̂ - p)²/∫p²")
    axis.set(xlim=(0.12, 1.9), ylim=(5e-3, 0.6))
    axis.set_xticks([0.2, 0.5, 1.0], labels=["0.2", "0.5", "1"])
    axis.xaxis.set_minor_locator(plt.NullLocator())
    axis.set_title("exact score, at ½, 1 and 2 times the best level")
    axis.legend(loc="upper right", ncols=2)


def _draw_best(axis: Axes, data: Arrays, titles: dict[str, str]) -> None:
    for (where, title), marker in zip(titles.items(), "osD", strict=True):
        axis.plot(data["data"], data[f"level_{where}"], marker, ms=4, color=BLACK, mfc="none", label=title)
    axis.set(yscale="log", ylabel="best noise level σ(n), theory", ylim=(0.03, 1.0), title="where to stop")
    axis.set_yticks([0.05, 0.1, 0.2, 0.5], labels=["0.05", "0.1", "0.2", "0.5"])
    axis.yaxis.set_minor_locator(plt.NullLocator())
    _mark_sizes(axis, data["data"])
    axis.legend(loc="lower left")


def _draw_density(axis: Axes, data: Arrays) -> None:
    density = data["density_photographs"]
    places = np.linspace(-3.0, 3.0, density.size)
    axis.plot(places, density, color=BLACK, lw=1.2, label="population")
    axis.plot(places, np.exp(-(places**2) / 2) / np.sqrt(2 * np.pi), color=VERMILION, lw=1.2, label="linear, n → ∞")
    axis.set(xlabel="leading mode of photographs", ylabel="density", ylim=(0, 1.25), title="what linear denoisers miss")
    axis.legend(loc="upper right")


def _mark_sizes(axis: Axes, sizes: np.ndarray) -> None:
    axis.set(xscale="log", xlabel="points n")
    axis.set_xticks(sizes, labels=[str(size) for size in sizes])
    axis.xaxis.set_minor_locator(plt.NullLocator())
