"""Exponents by start and depth, side by side."""

from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import styled
from figures.studies.photograph_networks.kind_statistics import readings
from figures.studies.photograph_networks.plots import SIDE_BY_SIDE, draw_side_by_side, late_sentence
from figures.wang2025.start_and_depth_exponents.experiment import NAMES

CAPTION = (
    "On the same photographs an MLP whose output starts from zero, as a CNN's does, has an exponent {{MLP, width 2d, "
    "from no output, Adam: less than MLP, width 2d, Adam|value .2f}} {{MLP, width 2d, from no output, Adam: less than "
    "MLP, width 2d, Adam|interval .2f}} from the other MLP's; the CNN lies {{CNN, one level, 8 channels, Adam: less "
    "than MLP, width 2d, from no output, Adam|value .2f}} {{CNN, one level, 8 channels, Adam: less than MLP, width 2d, "
    "from no output, Adam|interval .2f}} from it. A CNN that starts from full output lies {{CNN, one level, from full "
    "output, Adam: less than MLP, width 2d, Adam|value .2f}} {{CNN, one level, from full output, Adam: less than MLP, "
    "width 2d, Adam|interval .2f}} from the MLP; of MLPs as wide as the images have numbers three layers lie {{MLP, "
    "width d, 3 layers, Adam: less than MLP, width d, 8 layers, Adam|value .2f}} {{MLP, width d, 3 layers, Adam: less "
    "than MLP, width d, 8 layers, Adam|interval .2f}} from eight. " + SIDE_BY_SIDE
)


@styled
def draw(data: Arrays) -> Figure:
    return draw_side_by_side(readings(data, NAMES))


def notes(data: Arrays) -> list[str]:
    """Modes that enter no fit."""
    return [late_sentence(reading, name) for name, reading in readings(data, NAMES).items()]
