"""Exponents by kind of network, side by side."""

from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import styled
from figures.studies.photograph_networks.kind_statistics import readings
from figures.studies.photograph_networks.plots import SIDE_BY_SIDE, draw_side_by_side, late_sentence
from figures.wang2025.architecture_exponents.experiment import NAMES

CAPTION = (
    "On the same photographs a convolutional network of one level has an exponent that is {{CNN, one level, 8 "
    "channels, Adam: less than MLP, width 2d, Adam|value .2f}} {{CNN, one level, 8 channels, Adam: less than "
    "MLP, width 2d, Adam|interval .2f}} from an MLP's. Of locality and weight sharing alone, a linear convolution, it "
    "is {{linear convolution, 3 × 3, Adam: less than linear, Adam|value .2f}} {{linear convolution, 3 × 3, Adam: less "
    "than linear, Adam|interval .2f}} from a linear network's; many modes never emerge in it. Adam moves that of "
    "linear networks by {{linear, Adam: less than linear, SGD|value .2f}} {{linear, Adam: less than linear, "
    "SGD|interval .2f}}; the loss weight is in `weighting_in_networks`, momentum in `threshold_exponents`. "
    + SIDE_BY_SIDE
)


@styled
def draw(data: Arrays) -> Figure:
    return draw_side_by_side(readings(data, NAMES))


def notes(data: Arrays) -> list[str]:
    """Modes that enter no fit."""
    return [late_sentence(reading, name) for name, reading in readings(data, NAMES).items()]
