"""Spectrum, learning curves, emergence times and sample images."""

import numpy as np
from matplotlib.figure import Figure

from figures.common.images import draw_images
from figures.common.panels import draw_emergence, draw_mode_curves, key_of_modes
from figures.common.stages import Arrays
from figures.common.style import BLACK, SMALLEST, WIDEST, label_panels, plt, styled
from figures.studies.spectral_law_on_data.statistics import emergence, rising_modes, usable_modes
from sims.measurements.modes import variance_over_seeds


@styled
def draw_experiment(data: Arrays) -> Figure:
    """Spectrum, learning curves, emergence times, and (for images) samples at several training times."""
    pictures = "images_generated" in data
    figure = plt.figure(figsize=(WIDEST, 5.8 if pictures else 3.9))
    grid = figure.add_gridspec(2 if pictures else 1, 3, height_ratios=(1, 0.5) if pictures else None)
    axes = np.array([figure.add_subplot(grid[0, column]) for column in range(3)])
    _draw_spectrum(axes[0], data)
    _draw_curves(axes[1], data)
    _draw_emergence(axes[2], data)
    key_of_modes(figure, axes[1])
    label_panels(axes)
    if pictures:
        _draw_pictures(figure, grid[1, :], data)
    return figure


def _draw_spectrum(axis, data: Arrays) -> None:
    variance = data["variance"]
    axis.loglog(np.arange(1, variance.size + 1), variance, "o", ms=3, color=BLACK)
    axis.set_xlabel("mode k")
    axis.set_ylabel("variance λ of the data")
    axis.set_title(f"spectrum: {int(data['sample_count'])} samples, {int(data['dimension'])} dimensions")


def _draw_curves(axis, data: Arrays) -> None:
    shown = np.unique(np.geomspace(1, data["variance"].size, 8).astype(int)) - 1
    theory = (data["fine_times"], data["variance_curve"])
    draw_mode_curves(
        axis, data["variance"], shown, theory, data["times"], variance_over_seeds(data["variance_trained"])
    )
    axis.set_yscale("log")
    axis.set_ylabel("generated variance λ̃")
    axis.set_title("generated variance, networks trained by SGD")


def _draw_emergence(axis, data: Arrays) -> None:
    """Of the rising branch, which the exponents of the claims are fitted to."""
    rising = rising_modes(data) & np.isfinite(data["emergence_theory"])
    if not rising.any():
        axis.set_title("emergence time: no mode rises")
        axis.set_axis_off()
        return
    variance = data["variance"][rising]
    draw_emergence(
        axis, variance, data["emergence_theory"][rising], emergence(data)[:, rising], usable_modes(data)[rising]
    )
    axis.axhline(data["times"][-1], color="0.7", lw=0.8)
    axis.text(
        variance[0], data["times"][-1], "end of training", ha="right", va="bottom", fontsize=SMALLEST, color="0.4"
    )


def _draw_pictures(figure: Figure, cell, data: Arrays) -> None:
    """One block of sample images per training time, all from the same initial noise; real data last."""
    titles = [f"ητ = {data['times'][index]:.2g}" for index in data["shown_snapshots"]]
    draw_images(figure, cell, data["images_generated"], data["images_real"], titles)
