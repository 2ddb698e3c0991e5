"""Figure 5 as a picture."""

from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.studies.two_architectures.plots import draw_architectures

CAPTION = (
    "From the larger gain Q = 0.5 every mode first falls and rises again when it is learned. Rising modes "
    "emerge with α = {{one-layer: emergence exponent against theory|value .3f}} in one layer, where the closed "
    "form has {{one-layer: emergence exponent against theory|reference .3f}}, and with {{two-layer: emergence "
    "exponent against theory|value .3f}} in two, where it has {{two-layer: emergence exponent against "
    "theory|reference .3f}}. Lines are closed forms, points trained networks."
)
DIFFERS = "points of trained networks; emergence of the rising modes only."


def draw(data: Arrays) -> Figure:
    return draw_architectures(data)
