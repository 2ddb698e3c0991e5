"""Figure 5 as a picture."""

from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.studies.two_architectures.plots import draw_architectures


def draw(data: Arrays) -> Figure:
    return draw_architectures(data)
