"""Emergence of falling modes near the start and far from it, beside the closed form."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import BLACK, EXPONENT, GREEN, ORANGE, SKY, VERMILION, WIDEST, label_panels, plt, styled
from figures.studies.trained_networks.plots import draw_emergence, draw_exponent, key_below
from figures.studies.trained_networks.statistics import Reading
from figures.wang2025.exponents_by_distance.statistics import (
    FARTHEST_NEAR,
    Beside,
    Distance,
    Readings,
    exponents,
    fall,
    readings,
)
from sims.measurements.first_passage import Mean

CAPTION = (
    "Networks four times as wide as the data have dimensions. a: one network, variances of the wider range; black: "
    "the closed form, its unit of time fitted. b: every falling mode of every model, its emergence over that of the "
    "closed form in the same unit; where α is the closed form's, points lie on a level line. Dotted: eight times "
    "below the start, where Figure 9's data end. c: exponents with 95 % intervals over models, cut where the panel "
    "ends; hollow: those of the closed form over the same modes. Near the start they exceed it by {{Adam, near, "
    "geometric mean: steeper than the closed form|value .2f}} {{Adam, near, geometric mean: steeper than the closed "
    "form|interval .2f}} by Adam, {{SGD, near, geometric mean: steeper than the closed form|value .2f}} {{SGD, near, "
    "geometric mean: steeper than the closed form|interval .2f}} by SGD; from no output by {{Adam, near: less steep "
    "from no output|value .2f}} {{Adam, near: less steep from no output|interval .2f}} less than by Adam."
)
_MARKERS: dict[Mean, str] = {"geometric": "o", "harmonic": "s"}


@styled
def draw(data: Arrays) -> Figure:
    found = readings(data)
    figure, axes = plt.subplots(1, 3, figsize=(WIDEST, 4.2), width_ratios=(1, 1, 1.1))
    draw_emergence(axes[0], found.adam)
    _draw_ratios(axes[1], found)
    _draw_exponents(axes[2], found)
    label_panels(axes)
    return figure


def _draw_ratios(axis: Axes, found: Readings) -> None:
    kinds = {
        "Adam": (found.adam, "o", VERMILION),
        "SGD": (found.sgd, "v", ORANGE),
        "Adam, Figure 9's range": (found.narrow, "^", GREEN),
        "Adam, from no output": (found.no_output, "s", SKY),
    }
    for label, (reading, marker, colour) in kinds.items():
        axis.plot(*_ratios(reading), marker, ms=3, color=colour, alpha=0.7, label=label)
    axis.axvline(FARTHEST_NEAR, color="0.6", ls=":")
    axis.set(xscale="log", yscale="log", xlabel="start over λ", ylabel="emergence step over the closed form's")
    axis.set_title("falling modes, geometric mean")
    key_below(axis, columns=2)


def _ratios(reading: Reading) -> tuple[np.ndarray, np.ndarray]:
    """Start over λ and emergence over the closed form's, of all falling modes of all models outside the gray zone."""
    theory = reading.closed_form() * reading.steps_per_time()[:, None]
    used = reading.on("falling") & reading.clear()
    return fall(reading)[used], (reading.emergence() / theory)[used]


def _draw_exponents(axis: Axes, found: Readings) -> None:
    names: list[str] = []
    for (level, marker), shift in zip(_MARKERS.items(), (-0.14, 0.14), strict=True):
        kinds = _by_kind(found, level)
        names = list(kinds)
        for place, both in enumerate(kinds.values()):
            draw_exponent(axis, place + shift, both.trained, marker, VERMILION, f"{level} mean", across=True)
            if both.theory.defined:
                hollow = {"mfc": "none", "color": BLACK, "ls": "none", "ms": 6}
                value = float(both.theory.estimate.value)
                axis.plot([value], [place + shift], marker, label=f"closed form, {level}", **hollow)
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.5, -0.5)
    axis.set_ylabel("optimiser and start, distance")
    axis.set_xlim(-0.4, 2.4)
    axis.set_xlabel(f"exponent α of {EXPONENT}, falling modes")
    key_below(axis, columns=2)


def _by_kind(found: Readings, level: Mean) -> dict[str, Beside]:
    """By the words beside the axis."""
    kinds = {"Adam": found.adam, "SGD": found.sgd, "Adam, no output": found.no_output}
    distances: tuple[Distance, ...] = ("near", "far")
    return {"Adam, Figure 9's range": exponents(found.narrow, level=level)} | {
        f"{name}, {distance}": exponents(reading, distance, level)
        for distance in distances
        for name, reading in kinds.items()
    }
