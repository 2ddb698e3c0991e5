"""Samples along training as a strip of images, and sentences that networks on photographs share."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.common.images import draw_images
from figures.common.stages import Arrays
from figures.studies.trained_networks.plots import in_words, step_in_words
from figures.studies.trained_networks.statistics import BRANCHES, Branch, Level, Reading

_SHOWN_RECORDS = 8


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
