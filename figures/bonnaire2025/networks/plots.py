"""Memorised share and distance over training, times against the number of points, and stopping."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.bonnaire2025.networks.statistics import (
    SHARE,
    exponents,
    generalisation_times,
    log_distances,
    memorisation_times,
    memorised,
    of_setting,
    words,
)
from figures.common.stages import Arrays
from figures.common.style import (
    BLACK,
    GREEN,
    ORANGE,
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
    "MLPs trained on n points; a row for each size of data and networks. From the left: share of samples that are "
    "memorised, less chance, over training; squared distance of samples from the population, in units of the training "
    "points' own (1 is a copy of these); steps until a fifth is memorised, and until the distance has fallen half-way; "
    "but for digits, distance at the end, where sampling of the last model stops best, and where training does. 95 % "
    "intervals over data sets."
)
DIFFERS = "MLPs on Gaussian points and on digits in place of U-Nets on faces."


@styled
def draw(data: Arrays) -> Figure:
    rows = len(data["dimension"])
    figure, axes = plt.subplots(rows, 4, figsize=(WIDEST, 3.4 * rows), squeeze=False)
    for place, row in enumerate(axes):
        of = of_setting(data, place)
        _draw_curves(row[0], of, memorised(of)[..., -1])
        row[0].axhline(SHARE, color=BLACK, lw=0.7, ls=":")
        row[0].set_ylabel("memorised share less chance")
        row[0].set_title(words(of))
        _draw_curves(row[1], of, of["distance"][..., -1])
        row[1].set_yscale("log")
        row[1].set_ylabel("squared distance")
        _draw_times(row[2], of)
        if of["digits"]:
            row[3].remove()
        else:
            _draw_stops(row[3], of)
    words_of_stops = axes[0, 3].get_legend_handles_labels()
    figure.legend(*words_of_stops, loc="outside lower right", ncols=3, title="right column: which samples")
    label_panels(axes)
    return figure


def _draw_curves(axis: Axes, data: Arrays, values: np.ndarray) -> None:
    for count, of, colour in zip(data["points"], values, setting_colours(len(values)), strict=True):
        found = mean_over(of, axis=1)
        axis.plot(data["steps"], found.value, color=colour, lw=1.4, label=f"n = {count}")
        low, high = found.value - found.half_width, found.value + found.half_width
        axis.fill_between(data["steps"], low, high, color=colour, alpha=0.2, lw=0)
    axis.set_xscale("log")
    axis.set_xlabel("training step")
    axis.legend()


def _draw_times(axis: Axes, data: Arrays) -> None:
    kinds = [("memorise", memorisation_times(data), VERMILION)]
    if not data["digits"]:
        kinds.append(("generalise", generalisation_times(data), GREEN))
    for name, times, colour in kinds:
        complete = np.isfinite(times).all(axis=0)
        slope = exponents(data, times).mean()
        if complete.sum() > 1:
            logs = mean_over(np.log(times[:, complete]), axis=1)
            middle, ends = np.exp(logs.value), np.exp([logs.value - logs.half_width, logs.value + logs.half_width])
            bars = np.abs(ends - middle)
            axis.errorbar(data["points"], middle, bars, fmt="o", color=colour, capsize=2, label=f"{name}: {slope:.2f}")
            if name == "memorise":
                power_law_guide(axis, data["points"], (data["points"][0], middle[0]), -1.0, "∝ n")
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xticks(data["points"], [str(count) for count in data["points"]])
    axis.minorticks_off()
    axis.set_xlabel("training points n")
    axis.set_ylabel("training step")
    if axis.get_legend_handles_labels()[0]:
        axis.legend(title="exponents")


def _draw_stops(axis: Axes, data: Arrays) -> None:
    places = range(len(data["points"]))
    kinds = (
        ("end", "end of training", BLACK),
        ("sampling", "sampling stopped", ORANGE),
        ("training", "training stopped", GREEN),
    )
    for index, (kind, label, colour) in enumerate(kinds):
        found = [mean_over(log_distances(data, place)[kind]) for place in places]
        values, bars = [float(each.value) for each in found], [float(each.half_width) for each in found]
        axis.errorbar(
            np.array(places) + 0.15 * (index - 1), values, bars, fmt="o", color=colour, capsize=2, label=label
        )
    axis.set_xticks(places, [str(count) for count in data["points"]])
    axis.set_xlabel("training points n")
    axis.set_ylabel("ln squared distance")
