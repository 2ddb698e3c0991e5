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
    Readings,
    exponents,
    fall,
    readings,
)
from sims.measurements.first_passage import Mean

CAPTION = (
    "Networks four times as wide as the data have dimensions. a: one network, variances of the wider range; black: the "
    "closed form, its unit of time fitted. b: every falling mode of every model, its emergence over that of the closed "
    "form in the same unit; where α is the closed form's, points lie on a level line. Dotted: eight times below the "
    "start, where Figure 9's data end. c: exponents with 95 % intervals over models; hollow: those of the closed form "
    "over the same modes."
)
_MARKERS: dict[Mean, str] = {"geometric": "o", "harmonic": "s"}


@styled
def draw(data: Arrays) -> Figure:
    found = readings(data)
    figure, axes = plt.subplots(1, 3, figsize=(WIDEST, 4.2), width_ratios=(1, 1, 1.4))
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
    for level, marker in _MARKERS.items():
        kinds = _by_kind(found, level)
        for place, both in enumerate(kinds.values()):
            shift = -0.1 if level == "geometric" else 0.1
            draw_exponent(axis, place + shift, both.trained, marker, VERMILION, f"{level} mean")
            if both.theory.defined:
                style = {"mfc": "none", "color": BLACK, "ls": "none", "ms": 6}
                label = f"closed form, {level}"
                axis.plot([place + shift], [both.theory.estimate.value], marker, label=label, **style)
    axis.set_xticks(range(len(kinds)), kinds)
    axis.set_xlabel("optimiser, and distance from the start")
    axis.set_ylabel(f"exponent α of {EXPONENT}, falling modes")
    key_below(axis, columns=2, lower=0.1)


def _by_kind(found: Readings, level: Mean) -> dict[str, Beside]:
    """By the words below the axis."""
    return {
        "Adam,\nFigure 9's": exponents(found.narrow, level=level),
        "Adam,\nnear": exponents(found.adam, "near", level),
        "SGD,\nnear": exponents(found.sgd, "near", level),
        "no output,\nnear": exponents(found.no_output, "near", level),
        "Adam,\nfar": exponents(found.adam, "far", level),
        "SGD,\nfar": exponents(found.sgd, "far", level),
        "no output,\nfar": exponents(found.no_output, "far", level),
    }
