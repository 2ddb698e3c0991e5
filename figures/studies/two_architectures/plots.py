"""Weights, generated variance and emergence times, a row per architecture."""

import numpy as np
from matplotlib.figure import Figure

from figures.common.panels import draw_emergence, draw_mode_curves, key_of_modes
from figures.common.stages import Arrays
from figures.common.style import EXPONENT, label_panels, plt, styled
from figures.studies.two_architectures.experiment import ARCHITECTURES
from figures.studies.two_architectures.statistics import emergence_of, rising_modes
from sims.measurements.estimates import mean_over
from sims.measurements.modes import variance_over_seeds


@styled
def draw_architectures(data: Arrays) -> Figure:
    """Gains, generated variances and emergence times, a row per architecture."""
    figure, axes = plt.subplots(2, 3, figsize=(11, 6.8))
    for row, name in zip(axes, ARCHITECTURES, strict=True):
        _draw_modes(row[0], data, name, "gain")
        _draw_modes(row[1], data, name, "variance")
        rising, emergence = rising_modes(data, name), emergence_of(data, name)
        seen = np.asarray(np.isfinite(emergence).all(axis=0))
        theory = data[f"emergence_theory_{name}"]
        draw_emergence(row[2], data["variance"][rising], theory[rising], emergence[:, rising], seen[rising])
        if not rising.all():
            row[2].set_title(f"emergence time of rising modes, {EXPONENT}")
    axes[0, 0].set_title("one layer: weights W at σ = 1")
    axes[1, 0].set_title("tied two-layer: weights W at σ = 1")
    for row in axes:
        row[1].set_title("generated variance")
    key_of_modes(figure, axes[0, 0])
    label_panels(axes)
    return figure


def _draw_modes(axis, data: Arrays, name: str, quantity: str) -> None:
    """Theory lines and trained points of every mode against training time."""
    trained = data[f"{quantity}_trained_{name}"]
    estimate = variance_over_seeds(trained) if quantity == "variance" else mean_over(trained)
    theory = (data[f"fine_times_{name}"], data[f"{quantity}_curve_{name}"])
    draw_mode_curves(axis, data["variance"], np.arange(data["variance"].size), theory, data["times"], estimate)
    if quantity == "variance":
        axis.set_yscale("log")
        axis.set_ylabel("generated variance λ̃")
    else:
        axis.set_ylabel("gain uᵀWu")
