"""Figure 8 as a picture."""

from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.studies.emergence.plots import draw_emergence_times

CAPTION = (
    "Flow matching at the geometric mean has exponents far below 1: from {{one-layer: exponent, Q = 0, rising "
    "branch, geometric mean|value .2f}} (Q = 0, rising) to {{one-layer: exponent, Q = 1, falling branch, "
    "geometric mean|value .2f}} (Q = 1, falling). Lines are closed forms, points trained networks."
)
DIFFERS = "points of trained networks."


def draw(data: Arrays) -> Figure:
    return draw_emergence_times(data)
