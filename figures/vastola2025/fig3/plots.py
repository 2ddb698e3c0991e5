"""The drawing of Figure 3 of Vastola 2025: densities by features and orientation."""

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import TRAINING_POINTS, plt, styled
from figures.studies.published_setting import FEATURES, POSITIONS

CAPTION = (
    "On the rotated square features decide what is filled: Fourier features put {{Fourier features fill more "
    "than Gaussian ones|value .2f}} {{Fourier features fill more than Gaussian ones|interval .2f}} more of the "
    "mass on edges and diagonals than Gaussian ones."
)
DIFFERS = (
    "joint densities in place of histograms normalised along one axis (shown at the bottom), a converged "
    "solver, and the prediction of the V-kernel."
)


@styled
def draw(data: Arrays) -> Figure:
    figure, axes = plt.subplots(6, len(data["angle"]), figsize=(8.4, 13.4), sharex=True, sharey=True)
    rows = [
        (kind, index, name) for kind in ("density", "predicted", "published") for index, name in enumerate(FEATURES)
    ]
    images = {}
    for axis_row, (kind, index, name) in zip(axes, rows, strict=True):
        floor, norm = (1e-3, LogNorm(1e-3, 1)) if kind == "published" else (1e-2, LogNorm(1e-2, 10))
        for column, axis in enumerate(axis_row):
            image = data[kind][index, column].T
            images[kind] = axis.imshow(
                np.maximum(image, floor), origin="lower", extent=(*POSITIONS, *POSITIONS), norm=norm, cmap="viridis"
            )
            axis.plot(*data["corners"][index, column].T, **TRAINING_POINTS)
        words = {"density": "trained", "predicted": "predicted", "published": "as published: p(y|x)"}[kind]
        axis_row[0].set_ylabel(f"{name} features\n{words}\ny")
    for axis, angle in zip(axes[0], data["angle"], strict=True):
        axis.set_title(f"square at {angle:g}°")
    for axis in axes[-1]:
        axis.set_xlabel("x")
    figure.colorbar(images["density"], ax=axes[:4], label="joint density p(x, y)", shrink=0.5, extend="both")
    figure.colorbar(
        images["published"], ax=axes[4:], label="p(y|x): share of the column at x", shrink=0.7, extend="both"
    )
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center")
    return figure
