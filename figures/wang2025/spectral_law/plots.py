"""The spectral law on the user's data as a picture."""

from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.studies.spectral_law_on_data.plots import draw_experiment


def draw(data: Arrays) -> Figure:
    return draw_experiment(data)
