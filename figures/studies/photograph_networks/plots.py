"""Samples along training as a strip of images, and sentences that networks on photographs share."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.common.images import draw_images
from figures.common.stages import Arrays
from figures.common.style import BLACK, VERMILION, WIDEST, label_panels, plt
from figures.studies.photograph_networks.kind_statistics import LEVELS, exponents
from figures.studies.trained_networks.plots import in_words, key_below, step_in_words
from figures.studies.trained_networks.statistics import BRANCHES, FAR_LIMITS, Branch, Level, Reading

_SHOWN_RECORDS = 8
# What captions say of `draw_side_by_side`, after the differences between kinds.
SIDE_BY_SIDE = (
    "These differences are over the modes that emerge in both, the points over all that emerge in their own. Falling "
    "modes; the two panels differ in the level that a mode has to pass. Red: mean over models, 95 %; dots: models; "
    "black: a linear denoiser by gradient flow with the same start, preconditioning and noise levels, over the same "
    "modes. Intervals of few models that are wider than a panel are cut."
)


def draw_strip(figure: Figure, cell, data: Arrays, kind: str, model: int = 0) -> Axes:
    """Samples of one model from the same noises, at records evenly along training, and patches; gives the first axis.

    The last record is among them, and step 0.
    """
    reading = Reading(data, kind)
    steps, pictures = reading["steps"], reading["pictures"][model]
    side = round(np.sqrt(pictures.shape[-1]))
    shown = np.unique(np.linspace(0, len(steps) - 1, _SHOWN_RECORDS).round().astype(int))
    before = len(figure.axes)
    blocks = [pictures[record].reshape(-1, side, side) for record in shown]
    titles = [step_in_words(int(steps[record])) for record in shown]
    draw_images(figure, cell, blocks, data["images"].reshape(-1, side, side), titles)
    return figure.axes[before]


def exponents_sentence(reading: Reading, words: str) -> str:
    """α of both branches and means of trained networks, with the closed form's."""

    def of(branch: Branch, level: Level) -> str:
        trained, theory = reading.closed_form_exponents(branch, level)
        return f"{in_words(trained)} (closed form {in_words(theory)})"

    parts = [
        f"{branch} {of(branch, 'geometric')} at the geometric mean, {of(branch, 'harmonic')} at the harmonic"
        for branch in BRANCHES
        if reading.exponents(branch).defined
    ]
    missing = [branch for branch in BRANCHES if not reading.exponents(branch).defined]
    none = f"; too few {' or '.join(missing)} modes for an exponent" if missing else ""
    return f"{words}: α over {reading.models} models {'; '.join(parts) or 'is undefined'}{none}."


def late_sentence(reading: Reading, words: str) -> str:
    """How many modes do not pass half-way, which then enter no fit."""
    late = np.isposinf(reading.emergence())[reading.clear()]
    harmonic = np.isposinf(reading.emergence("harmonic"))[reading.clear()]
    return (
        f"{words}: of {late.size} modes outside the gray zone, of all models, {int(late.sum())} do not pass the "
        f"geometric mean by the end, {int(harmonic.sum())} not the harmonic; they enter no fit."
    )


def draw_side_by_side(found: Mapping[str, Reading]) -> Figure:
    """Exponents of every kind of network, by its name, at the two levels."""
    figure, axes = plt.subplots(1, 2, figsize=(WIDEST, 1.9 + 0.34 * len(found)), sharey=True)
    for axis, level in zip(axes, LEVELS, strict=True):
        _draw_level(axis, found, level)
    axes[0].set_ylabel("kind of network, optimiser")
    key_below(axes[0], columns=3)
    label_panels(axes)
    return figure


def _draw_level(axis: Axes, found: Mapping[str, Reading], level: Level) -> None:
    names, seen = list(found), [0.0, FAR_LIMITS[level]]
    axis.axvline(FAR_LIMITS[level], color="0.6", lw=0.9, ls=":", label="linear, far from the start")
    axis.axvline(0, color="0.8", lw=0.8)
    for place, reading in enumerate(found.values()):
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
