"""Convolutional networks on photographs as a picture."""

import numpy as np
from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import KINDS, WIDEST, label_panels, plt, styled
from figures.studies.photograph_networks.plots import draw_strip, exponents_sentence, late_sentence
from figures.studies.trained_networks.plots import draw_alignment, draw_curves, draw_emergence, draw_heat_map, key_below
from figures.studies.trained_networks.statistics import Reading
from figures.wang2025.fig4.experiment import ONE, TWO

WORDS = {ONE: "one level", TWO: "two levels"}
CAPTION = (
    "Falling modes of a one-level CNN: α lies {{CNN, one level: less bias than a linear network|value .2f}} "
    "{{CNN, one level: less bias than a linear network|interval .2f}} from that of a linear network over the same "
    "modes, at the geometric mean. Points: one model; α and bands: all models, 95 %."
)
DIFFERS = (
    "photograph patches in place of faces, networks of eight channels and one or two levels in place of 128 and four, "
    "the closed form (black), and alignment (published as Fig. 13)."
)


@styled
def draw(data: Arrays) -> Figure:
    figure = plt.figure(figsize=(WIDEST, 12.2))
    grid = figure.add_gridspec(5, 3, height_ratios=(0.42, 1, 0.42, 1, 0.8))
    lettered = []
    for place, (kind, words) in enumerate(WORDS.items()):
        reading = Reading(data, kind)
        strip = draw_strip(figure, grid[2 * place, :], data, kind)
        panels = [figure.add_subplot(grid[2 * place + 1, column]) for column in range(3)]
        draw_curves(panels[0], reading)
        panels[0].set_title(f"{words}: variance of modes")
        key_below(panels[0], columns=4)
        draw_heat_map(figure, panels[1], reading)
        panels[1].set_title(f"{words}: variance over target")
        draw_emergence(panels[2], reading)
        panels[2].set_title(f"{words}: emergence")
        lettered += [strip, *panels]
    chi = figure.add_subplot(grid[4, :])
    kinds = [(WORDS[kind], Reading(data, kind), colour) for kind, colour in zip(WORDS, KINDS, strict=False)]
    draw_alignment(chi, kinds)
    label_panels(np.array([*lettered, chi]))
    return figure


def notes(data: Arrays) -> list[str]:
    """Exponents of both networks, which are no claims where there are few models."""
    readings = [(Reading(data, kind), f"CNN of {words}") for kind, words in WORDS.items()]
    return [sentence(*each) for each in readings for sentence in (exponents_sentence, late_sentence)]
