"""Exponents by kind of network, side by side."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import BLACK, VERMILION, WIDEST, label_panels, plt, styled
from figures.studies.photograph_networks.plots import late_sentence
from figures.studies.trained_networks.plots import key_below
from figures.studies.trained_networks.statistics import FAR_LIMITS, Level
from figures.wang2025.architecture_exponents.statistics import LEVELS, exponents, readings

CAPTION = (
    "On the same photographs a convolutional network of one level has an exponent that is {{CNN, one level, 8 "
    "channels, Adam: less than MLP, width 2d, Adam|value .2f}} {{CNN, one level, 8 channels, Adam: less than "
    "MLP, width 2d, Adam|interval .2f}} from an MLP's. Of locality and weight sharing alone, a linear convolution, it "
    "is {{linear convolution, 3 × 3, Adam: less than linear, Adam|value .2f}} {{linear convolution, 3 × 3, Adam: less "
    "than linear, Adam|interval .2f}} from a linear network's; many modes never emerge in it. Adam moves that of "
    "linear networks by {{linear, Adam: less than linear, SGD|value .2f}} {{linear, Adam: less than linear, "
    "SGD|interval .2f}}. These differences are over the modes that emerge in both, the points over all that emerge in "
    "their own. An MLP whose output starts from zero, as a CNN's does, has an exponent {{MLP, width 2d, from no "
    "output, Adam: less than MLP, width 2d, Adam|value .2f}} {{MLP, width 2d, from no output, Adam: less than MLP, "
    "width 2d, Adam|interval .2f}} from the other MLP's; the CNN lies {{CNN, one level, 8 channels, Adam: less than "
    "MLP, width 2d, from no output, Adam|value .2f}} {{CNN, one level, 8 channels, Adam: less than MLP, width 2d, from "
    "no output, Adam|interval .2f}} from it. Falling modes; the two panels differ in the level that a mode has to "
    "pass. Red: mean over models, 95 %; dots: models; black: a linear denoiser by gradient flow with the same start, "
    "preconditioning and noise levels, over the same modes. Intervals of few models that are wider than a panel are "
    "cut."
)


@styled
def draw(data: Arrays) -> Figure:
    count = len(data["kinds"])
    figure, axes = plt.subplots(1, 2, figsize=(WIDEST, 1.9 + 0.34 * count), sharey=True)
    for axis, level in zip(axes, LEVELS, strict=True):
        _draw_level(axis, data, level)
    axes[0].set_ylabel("kind of network, optimiser")
    key_below(axes[0], columns=3)
    label_panels(axes)
    return figure


def _draw_level(axis: Axes, data: Arrays, level: Level) -> None:
    names, seen = list(readings(data)), [0.0, FAR_LIMITS[level]]
    axis.axvline(FAR_LIMITS[level], color="0.6", lw=0.9, ls=":", label="linear, far from the start")
    axis.axvline(0, color="0.8", lw=0.8)
    for place, reading in enumerate(readings(data).values()):
        trained, theory = exponents(reading, level)
        labels = ("trained networks", "closed form, linear") if place == 0 else (None, None)
        axis.plot(trained.per_model, np.full(reading.models, place + 0.22), ".", ms=3, color="0.6")
        seen += [*trained.per_model, *theory.per_model]
        if not trained.defined:
            continue
        estimate, closed = trained.estimate, theory.estimate
        bars = {"xerr": [float(estimate.half_width)], "fmt": "o", "ms": 5, "lw": 1, "color": VERMILION}
        axis.errorbar([float(estimate.value)], [place], label=labels[0], **bars)
        style = {"ms": 9, "mew": 1.6, "color": BLACK}
        axis.plot([float(closed.value)], [place], "|", label=labels[1], **style)
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.5, -0.5)
    axis.set_xlim(np.nanmin(seen) - 0.15, np.nanmax(seen) + 0.15)
    axis.set_xlabel("exponent α of emergence, τ* ∝ λ$^{-α}$")
    axis.set_title(f"level: {level} mean of start and target")


def notes(data: Arrays) -> list[str]:
    """Modes that enter no fit."""
    return [late_sentence(reading, name) for name, reading in readings(data).items()]
