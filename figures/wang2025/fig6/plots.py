"""Figure 6 as a picture."""

from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.studies.emergence.plots import draw_emergence_times


def draw(data: Arrays) -> Figure:
    return draw_emergence_times(data)
