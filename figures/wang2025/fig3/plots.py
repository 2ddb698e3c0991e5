"""MLP-UNets on photographs as a picture."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import BLACK, KINDS, VERMILION, WIDEST, label_panels, plt, styled
from figures.studies.photograph_networks.plots import (
    draw_strip,
    exponents_sentence,
    late_sentence,
)
from figures.studies.trained_networks.plots import (
    draw_alignment,
    draw_curves,
    draw_emergence,
    draw_heat_map,
    in_words,
    key_below,
)
from figures.studies.trained_networks.statistics import BRANCHES, Level, Reading
from figures.wang2025.fig3.experiment import KIND

CAPTION = (
    "Strong modes first: α of falling modes is {{MLP-UNet: strong modes first|value .2f}} {{MLP-UNet: strong modes "
    "first|interval .2f}} at the geometric mean of start and target, and larger by {{MLP-UNet: the level decides the "
    "exponent|value .2f}} {{MLP-UNet: the level decides the exponent|interval .2f}} at the harmonic mean. Points in d: "
    "one model; α and bands: all models, 95 %."
)
DIFFERS = (
    "photograph patches in place of faces, a smaller network, the closed form (black), exponents by level, and "
    "alignment (published as Fig. 10)."
)

_FRACTIONS = (0.25, 0.5, 0.75)
_LEVELS: tuple[Level, ...] = (*_FRACTIONS, "harmonic")


@styled
def draw(data: Arrays) -> Figure:
    reading = Reading(data, KIND)
    figure = plt.figure(figsize=(WIDEST, 8.6))
    grid = figure.add_gridspec(3, 1, height_ratios=(0.42, 1, 0.9))
    strip = draw_strip(figure, grid[0], data, KIND)
    middle, lower = grid[1].subgridspec(1, 3), grid[2].subgridspec(1, 2)
    panels = [figure.add_subplot(middle[column]) for column in range(3)]
    panels += [figure.add_subplot(lower[column]) for column in range(2)]
    draw_curves(panels[0], reading)
    panels[0].set_title("variance of modes")
    key_below(panels[0], columns=4)
    draw_heat_map(figure, panels[1], reading)
    panels[1].set_title("variance over target")
    draw_emergence(panels[2], reading)
    panels[2].set_title("emergence at the geometric mean")
    _draw_levels(panels[3], reading)
    draw_alignment(panels[4], [("MLP-UNet", reading, KINDS[0])])
    panels[4].set_title("alignment with the data's modes")
    label_panels(np.array([strip, *panels]))
    return figure


def _draw_levels(axis: Axes, reading: Reading) -> None:
    """α by the level that emergence is the passage of, of trained networks and of the closed form."""
    places = np.arange(len(_LEVELS))
    for branch, shift, marker in zip(BRANCHES, (-0.12, 0.12), "^v", strict=True):
        pairs = [reading.closed_form_exponents(branch, level) for level in _LEVELS]
        seen = [place for place, (trained, theory) in enumerate(pairs) if trained.defined and theory.defined]
        if not seen:
            continue
        trained, theory = ([pairs[place][which].estimate for place in seen] for which in (0, 1))
        at = places[seen] + shift
        closed = [float(each.value) for each in theory]
        axis.plot(at, closed, marker, ms=7, mfc="none", color=BLACK, label=f"closed form, {branch}")
        bars = {"yerr": [float(each.half_width) for each in trained], "fmt": marker, "ms": 4, "color": VERMILION}
        axis.errorbar(at, [float(each.value) for each in trained], label=f"trained, {branch}", **bars)
    axis.axhline(0, color="0.7", lw=0.8)
    words = ["f = ¼", "f = ½\n(geometric)", "f = ¾", "harmonic"]
    axis.set_xticks(places, words)
    axis.set_xlim(-0.5, len(places) - 0.5)
    axis.set_xlabel("level: fraction f of the way in logarithms, or a mean")
    axis.set_ylabel("exponent α of emergence")
    axis.set_title("the level decides the exponent")
    if axis.get_legend_handles_labels()[0]:
        axis.legend(loc="upper left")


def notes(data: Arrays) -> list[str]:
    """Exponents, which are no claims where there are few models; by the published definition too."""
    reading = Reading(data, KIND)
    published = [
        f"{branch} {in_words(reading.published_exponents(branch))} at the geometric mean, "
        f"{in_words(reading.published_exponents(branch, 'harmonic'))} at the harmonic"
        for branch in BRANCHES
    ]
    return [
        exponents_sentence(reading, "MLP-UNet"),
        f"By the published definition (from the first record after step 0, smoothed over records): α of "
        f"{'; '.join(published)}. Published for faces of 32 × 32 pixels: 0.48 rising, 0.35 falling.",
        late_sentence(reading, "MLP-UNet"),
    ]
