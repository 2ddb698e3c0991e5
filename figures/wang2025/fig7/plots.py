"""Figure 7 as a picture: weights at four times, and what is generated."""

import numpy as np
from matplotlib.figure import Figure

from figures.common.panels import draw_mode_curves, key_of_modes
from figures.common.stages import Arrays
from figures.common.style import label_panels, plt, styled
from sims.measurements.estimates import mean_over
from sims.measurements.modes import variance_over_seeds

CAPTION = (
    "Flow matching: one layer learns the velocity of every mode; a tied network cannot become negative near the "
    "noise, and generates λ + 1 in place of λ (mean ln λ̃/(λ + 1) of learned modes: {{flow matching, tied "
    "two-layer: wrong limit|value z.3f}} {{flow matching, tied two-layer: wrong limit|interval z.3f}}). Lines "
    "are closed forms, points trained networks."
)
DIFFERS = "points of trained networks, and the generated variances."


@styled
def draw(data: Arrays) -> Figure:
    shown = data["shown_times"]
    figure, axes = plt.subplots(2, shown.size + 1, figsize=(11, 6.2))
    for row, (name, words) in zip(axes, (("one_layer", "one layer"), ("two_layer", "tied two-layer")), strict=True):
        for index, time in enumerate(shown):
            _draw_gain(row[index], data, name, index)
            row[index].set_title(f"weights W at t = {time:g}")
        curves = (data[f"fine_times_{name}"], data[f"variance_curve_{name}"])
        measured = variance_over_seeds(data[f"variance_trained_{name}"])
        draw_mode_curves(row[-1], data["variance"], np.arange(data["variance"].size), curves, data["times"], measured)
        row[-1].set_yscale("log")
        row[-1].set_ylabel("generated variance λ̃")
        row[-1].set_title("generated variance")
        row[0].set_ylabel(f"{words}: gain uᵀWu")
    key_of_modes(figure, axes[0, 0])
    label_panels(axes)
    return figure


def _draw_gain(axis, data: Arrays, name: str, index: int) -> None:
    curves = (data[f"fine_times_{name}"], data[f"gain_curve_{name}"][index])
    measured = mean_over(data[f"gain_trained_{name}"][:, index])
    draw_mode_curves(axis, data["variance"], np.arange(data["variance"].size), curves, data["times"], measured)
    axis.axhline(0.0, color="0.8", lw=0.8, zorder=0)
