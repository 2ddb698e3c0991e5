"""Figure 9 as a picture, with alignment over training (Fig. 10) and exponents by width below."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import BLACK, GREEN, ORANGE, VERMILION, WIDEST, label_panels, plt, setting_colours, styled
from figures.studies.trained_networks.plots import (
    draw_alignment,
    draw_curves,
    draw_emergence,
    draw_exponent,
    draw_heat_map,
    key_below,
    words,
)
from figures.studies.trained_networks.statistics import BRANCHES, Branch, ModelExponents
from figures.wang2025.fig9.statistics import SMOOTHING, STORED, Case, cases

CAPTION = (
    "a-c: one network whose width is twice the dimension, if there is one. Dashed, and target: what the exact denoiser "
    "makes with the same Heun steps. c: modes whose variance has to change by less than a factor of two are grey; "
    "black: a linear denoiser with the same start, preconditioning and noise levels, its unit of time fitted. e: "
    "exponents at the geometric mean over all models, by our definition and by the published one."
)
DIFFERS = "widths and dimensions of the preset, panels d and e, the closed form, and fewer records at the quick preset"
_SHIFTS = {"rising": -0.12, "falling": 0.12}
_MARKERS: dict[Branch, str] = {"rising": "^", "falling": "v"}


@styled
def draw(data: Arrays) -> Figure:
    found = cases(data)
    shown = next((case for case in found if case.ratio == 2), found[0])
    figure = plt.figure(figsize=(WIDEST, 7.6))
    grid = figure.add_gridspec(2, 6, height_ratios=(1.2, 1))
    axes = np.array(
        [
            *(figure.add_subplot(grid[0, 2 * column : 2 * column + 2]) for column in range(3)),
            figure.add_subplot(grid[1, :2]),
            figure.add_subplot(grid[1, 2:]),
        ]
    )
    draw_curves(axes[0], shown.reading)
    axes[0].set_title(f"modes ({shown.name})")
    key_below(axes[0], columns=3)
    draw_heat_map(figure, axes[1], shown.reading)
    axes[1].set_title("variance over its target")
    draw_emergence(axes[2], shown.reading)
    colours = setting_colours(len(found))
    draw_alignment(axes[3], [(case.name, case.reading, c) for case, c in zip(found, colours, strict=True)])
    axes[3].set_title("alignment with the data's modes")
    _draw_exponents(axes[4], found)
    label_panels(axes)
    return figure


def _draw_exponents(axis: Axes, found: list[Case]) -> None:
    kinds = {
        "first passage, own gray zone": (VERMILION, -0.06),
        "published definition": (GREEN, 0.06),
        "published, own gray zone": (ORANGE, 0.12),
    }
    for index, case in enumerate(found):
        for branch in BRANCHES:
            exponents = _exponents(case, branch)
            for (label, (colour, shift)), each in zip(kinds.items(), exponents, strict=True):
                draw_exponent(
                    axis, index + _SHIFTS[branch] + shift, each, _MARKERS[branch], colour, f"{label}, {branch}"
                )
            theory = case.reading.closed_form_exponents(branch)[1]
            if theory.defined:
                style = {"mfc": "none", "color": BLACK, "ls": "none", "ms": 6}
                label = f"closed form, {branch}"
                place = index + _SHIFTS[branch] - 0.12
                axis.plot([place], [theory.estimate.value], _MARKERS[branch], label=label, **style)
            stored = STORED.get((case.dimension, case.width), {}).get(branch)
            if stored is not None:
                axis.plot([index + _SHIFTS[branch]], [stored], "*", ms=9, color="0.4", label="the authors' stored fits")
    key_below(axis, columns=3, lower=0.1)
    axis.set_xticks(range(len(found)), [f"{case.name}\n(ratio {case.ratio:g})" for case in found])
    axis.set_xlabel("dimension and width of the networks")
    axis.axhline(0.5, color="0.8", lw=0.8)
    axis.axhline(1.0, color="0.8", lw=0.8)
    axis.set_ylim(-0.3, 2.3)
    axis.set_ylabel("exponent α, geometric mean")
    axis.set_title("exponents by width and by definition")


def _exponents(case: Case, branch: Branch) -> list[ModelExponents]:
    reading = case.reading
    return [
        reading.exponents(branch),
        reading.published_exponents(branch, smoothing=SMOOTHING),
        reading.published_exponents(branch, smoothing=SMOOTHING, zone="mode"),
    ]


def notes(data: Arrays) -> list[str]:
    """Exponents by both definitions, in words."""
    said = []
    for case in cases(data):
        for branch in BRANCHES:
            ours, published, own = _exponents(case, branch)
            smoother = case.reading.published_exponents(branch, smoothing=2 * SMOOTHING)
            parts = [
                words("first passage", ours),
                words("published definition", published),
                words("with a filter of two records", smoother),
                words("with each mode's own gray zone", own),
            ]
            said.append(f"{case.name}, {branch}: {'; '.join(parts)}.")
    return said
