"""Linear filters in the place of a denoiser, as a picture."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import EXACT, GREEN, VERMILION, WIDEST, label_panels, plt, setting_colours, styled
from figures.studies.photograph_networks.denoisers import middle
from figures.studies.trained_networks.plots import draw_band, key_below, places, step_axis, step_in_words
from figures.wang2025.fig15.statistics import (
    distance,
    early_record,
    exact_distance,
    exact_share,
    log_distance,
    share_explained,
)
from sims.measurements.estimates import mean_over

CAPTION = (
    "Linear filters fitted to what a one-level CNN makes of photograph patches with noise; bands and bars: mean and "
    "95 % over models. Within a tenth of training the widest filter explains "
    "{{early denoiser: a linear convolution|value .3f}} {{early denoiser: a linear convolution|interval .3f}} of the "
    "variance at σ from 0.1 to 1. Dashed: the exact denoiser of a Gaussian, which is linear but sees edges. d, e: one "
    "model, one σ; black: the centre row of Σ_P(Σ_P + σ²)⁻¹."
)
DIFFERS = (
    "typical photograph patches, several, in place of one face, a network of eight channels, and the exact denoiser of "
    "a Gaussian beside it."
)

_LOWEST = -0.25  # share that is drawn; a filter may be worse than a constant


@styled
def draw(data: Arrays) -> Figure:
    figure = plt.figure(figsize=(WIDEST, 8.0))
    grid = figure.add_gridspec(2, 3)
    over_steps, early, late = (figure.add_subplot(grid[0, column]) for column in range(3))
    _draw_shares(over_steps, data)
    key_below(over_steps, columns=3)
    record, last = early_record(data), len(data["steps"]) - 1
    _draw_by_width(early, data, data["r_squared"][:, record], f"{step_in_words(data['steps'][record])}")
    _draw_by_width(late, data, data["r_squared"][:, last], f"{step_in_words(data['steps'][last])}")
    for axis in (over_steps, early, late):
        axis.set_ylim(_LOWEST, 1.05)
    level = int(np.flatnonzero(middle(data["noise_levels"]))[middle(data["noise_levels"]).sum() // 2])
    first = _draw_filters(figure, grid[1, 0], data, level, {"theory": None, **_shown(data, record, last)})
    section, away = figure.add_subplot(grid[1, 1]), figure.add_subplot(grid[1, 2])
    _draw_section(section, data, level, _shown(data, record, last))
    _draw_distances(away, data)
    label_panels(np.array([over_steps, early, late, first, section, away]))
    return figure


def _shown(data: Arrays, early: int, last: int) -> dict[str, int]:
    """Records and their names."""
    return {f"{step_in_words(data['steps'][record])}": record for record in (0, early, last)}


def _levels(data: Arrays):
    """Place, name and colour of every noise level."""
    levels = data["noise_levels"]
    colours = setting_colours(len(levels))
    return [(place, f"σ = {levels[place]:g}", colours[place]) for place in range(len(levels))]


def _draw_shares(axis: Axes, data: Arrays) -> None:
    for place, label, colour in _levels(data):
        draw_band(axis, places(data["steps"]), data["r_squared"][:, :, place, -1], colour, label)
        axis.axhline(data["exact_r_squared"][:, place, -1].mean(), color=colour, lw=0.8, ls="--")
    step_axis(axis)
    axis.set_ylabel("share R² of the widest filter")
    axis.set_title(f"{data['widths'][-1]} × {data['widths'][-1]} filter, over training")


def _draw_by_width(axis: Axes, data: Arrays, shares: np.ndarray, when: str) -> None:
    """R² (models, levels, widths) by width, with that of the exact denoiser of a Gaussian."""
    for place, _, colour in _levels(data):
        found = mean_over(shares[:, place])
        axis.errorbar(data["widths"], found.value, yerr=found.half_width, fmt="o-", ms=3, lw=1, color=colour)
        axis.plot(data["widths"], data["exact_r_squared"][:, place].mean(axis=0), color=colour, lw=0.8, ls="--")
    axis.set_xlabel("width P of the filter, pixels")
    axis.set_ylabel("share R² on other noise")
    axis.set_title(f"by width, {when}")


def _draw_filters(figure: Figure, cell, data: Arrays, level: int, shown: dict[str, int | None]) -> Axes:
    theory = data["theory_taps"][0, level]
    limit = np.abs(theory).max()
    cells = cell.subgridspec(2, 2)
    axes = []
    for place, (name, record) in enumerate(shown.items()):
        axis = figure.add_subplot(cells[place // 2, place % 2])
        taps = theory if record is None else data["taps"][0, record, level]
        axis.imshow(taps, cmap="RdBu_r", vmin=-limit, vmax=limit)
        axis.set_title(f"{name}, σ = {data['noise_levels'][level]:g}" if record is None else name)
        axis.set_axis_off()
        axes.append(axis)
    return axes[0]


def _draw_section(axis: Axes, data: Arrays, level: int, shown: dict[str, int]) -> None:
    """The middle row of the filters of one model."""
    width = int(data["compared"])
    offset = np.arange(width) - width // 2
    for (name, record), colour in zip(shown.items(), (EXACT, GREEN, VERMILION), strict=False):
        axis.plot(offset, data["taps"][0, record, level, width // 2], "o-", ms=3.5, lw=1, color=colour, label=name)
    axis.plot(offset, data["theory_taps"][0, level, width // 2], "k-", lw=1.4, label="theory")
    axis.set_xlabel("offset, pixels")
    axis.set_ylabel("weight of the filter")
    axis.set_title(f"middle row of the {width} × {width} filter, σ = {data['noise_levels'][level]:g}")
    key_below(axis, columns=4)


def _draw_distances(axis: Axes, data: Arrays) -> None:
    found, exact = distance(data), exact_distance(data)
    for place, label, colour in _levels(data):
        draw_band(axis, places(data["steps"]), found[:, :, place], colour, label)
        axis.axhline(exact[:, place].mean(), color=colour, lw=0.8, ls="--")
    axis.set_yscale("log")
    axis.set_ylim(bottom=min(found.min(), exact.min()) / 2)  # bands may reach below zero
    step_axis(axis)
    axis.set_ylabel("distance |w − w*|/|w*| from theory's filter")
    axis.set_title("distance over training")
    key_below(axis, columns=3)


def notes(data: Arrays) -> list[str]:
    """Shares early, late, and of the exact denoiser of a Gaussian."""
    early, last = (share_explained(data, record).mean() for record in (early_record(data), len(data["steps"]) - 1))
    away = np.exp([log_distance(data, record).mean() for record in range(len(data["steps"]))])
    nearest = int(away.argmin())
    return [
        f"σ from 0.1 to 1: the widest filter explains {early:.3f} within a tenth of training, {last:.3f} at the end, "
        f"and {exact_share(data).mean():.3f} of the exact denoiser of a Gaussian.",
        f"The {data['compared']} × {data['compared']} filter's distance from theory's is {away[0]:.2f} at step 0 and "
        f"least, {away[nearest]:.2f}, at {step_in_words(data['steps'][nearest])} (root mean square over the same σ).",
    ]
