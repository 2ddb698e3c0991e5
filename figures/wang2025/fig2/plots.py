"""Figure 2 as a picture."""

from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.studies.two_architectures.plots import draw_architectures

CAPTION = (
    "Each mode is learned when theory says, strong modes first. Emergence times go as λ^-α: for one layer "
    "α = {{one-layer: inverse-variance law|value .3f}} {{one-layer: inverse-variance law|interval .3f}}, where the "
    "closed form has {{one-layer: emergence exponent against theory|reference .3f}}; for two tied layers "
    "α = {{two-layer: inverse-variance law|value .3f}} {{two-layer: inverse-variance law|interval .3f}}, where it has "
    "{{two-layer: emergence exponent against theory|reference .3f}}. Lines are closed forms, points trained networks."
)
DIFFERS = "points of trained networks with their 95 % intervals."


def draw(data: Arrays) -> Figure:
    return draw_architectures(data)
