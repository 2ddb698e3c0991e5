"""The spectral law on photographs as a picture."""

from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.studies.spectral_law_on_data.plots import draw_experiment

CAPTION = (
    "On photographs linear denoisers trained by SGD learn strong modes first, α = {{photographs: emergence "
    "exponent against theory|value .3f}} {{photographs: emergence exponent against theory|interval .3f}}, where "
    "theory has {{photographs: emergence exponent against theory|reference .3f}}. What they generate does not "
    "follow: gradient noise moves ln λ̃ by {{photographs: SGD's generated variance|value .2f}} {{photographs: "
    "SGD's generated variance|interval .2f}}."
)


def draw(data: Arrays) -> Figure:
    return draw_experiment(data)
