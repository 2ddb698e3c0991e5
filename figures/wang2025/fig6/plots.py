"""Figure 6 as a picture."""

from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.studies.emergence.plots import draw_emergence_times

CAPTION = (
    "How a mode's emergence time depends on its variance is set by the initial gain and by what counts as "
    "emerged: trained networks have exponents from {{one-layer: exponent, Q = 1, falling branch, geometric "
    "mean|value .2f}} (Q = 1, falling, geometric mean) to {{two-layer: exponent, Q = 0.6, falling branch, "
    "harmonic mean|value .2f}} (Q = 0.6, two tied layers, harmonic mean). Lines are closed forms, points "
    "trained networks."
)
DIFFERS = "points of trained networks; the two-layer row leaves out Q = 0, from which tied layers never learn."


def draw(data: Arrays) -> Figure:
    return draw_emergence_times(data)
