"""The drawing of Figure 2 of Vastola 2025: densities by ε and F/P, and a table of gap masses."""

import numpy as np
from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import BLUE, GREEN, VERMILION, plt, styled
from figures.studies.published_setting import GAP, POSITIONS
from figures.vastola2025.fig2.statistics import gap_mass

CAPTION = (
    "Gaps fill with F/P and ε, but the published 30 Euler steps fill them by themselves: solving the ODE takes "
    "{{30 Euler steps overstate the filling|value .3f}} {{30 Euler steps overstate the filling|interval .3f}} "
    "of the mass out of the gaps of trained models."
)
DIFFERS = (
    "denoisers are evaluated exactly, each panel is sampled with the published steps and with a converged "
    "solver, and the prediction of the V-kernel stands beside."
)

SOLVERS = ("euler30", "converged")


@styled
def draw(data: Arrays) -> Figure:
    rows, columns = len(data["cutoff"]), len(data["feature_ratio"])
    figure = plt.figure(figsize=(12, 14))
    blocks = np.asarray(figure.subfigures(3, 1, height_ratios=(1, 1, 0.55)))
    titles = ("30 uniform Euler steps, as published", "converged solver")
    for block, solver, title in zip(blocks, SOLVERS, titles, strict=False):
        block.suptitle(f"{title}: average learned distribution", fontsize=11)
        axes = block.subplots(rows, columns, sharex=True, sharey=True)
        for row in range(rows):
            for column in range(columns):
                _draw_panel(axes[row, column], data, solver, row, column)
        for axis, ratio in zip(axes[0], data["feature_ratio"], strict=True):
            axis.set_title(f"F/P = {ratio:g}")
        for axis, cutoff in zip(axes[:, 0], data["cutoff"], strict=True):
            axis.set_ylabel(f"ε = {cutoff:g}\ndensity")
        for axis in axes[-1]:
            axis.set_xlabel("x")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        block.legend(handles, labels, loc="outside lower center", ncols=5)
    _draw_table(blocks[2], data)
    return figure


def _draw_panel(axis, data: Arrays, solver: str, row: int, column: int) -> None:
    centres = (data["edges"][1:] + data["edges"][:-1]) / 2
    floor = 1e-4
    axis.axvspan(-GAP[1], -GAP[0], color="0.94", lw=0)
    axis.axvspan(*GAP, color="0.94", lw=0)
    axis.semilogy(
        centres, data[f"density_exact_{solver}"][row] + floor, color="0.55", lw=1, label="exact score, same solver"
    )
    axis.semilogy(centres, data["density_true"][row] + floor, color="black", lw=0.8, label="p(x|ε)")
    lower, upper = data[f"lower_{solver}"][row, column] + floor, data[f"upper_{solver}"][row, column] + floor
    axis.fill_between(centres, lower, upper, color=BLUE, alpha=0.3, lw=0, label="25-75 % of models")
    axis.semilogy(
        centres, data[f"density_{solver}"][row, column] + floor, color=VERMILION, lw=1.2, label="mean of models"
    )
    if solver == "converged":
        predicted = data["density_predicted"][row, column] + floor
        axis.semilogy(centres, predicted, color=GREEN, lw=1, ls="--", label="predicted by the V-kernel")
    axis.set_ylim(1e-3, 100)
    axis.set_xlim(*POSITIONS)
    mass = gap_mass(data, solver).at((row, column))
    text = f"gap {mass.value:.3f} ± {mass.half_width:.3f}"
    axis.text(0.5, 0.97, text, transform=axis.transAxes, ha="center", va="top", fontsize=7.5)


def _draw_table(block, data: Arrays) -> None:
    """Gap mass, mean over models with its 95 % interval, for both solvers, with the exact score beside."""
    block.suptitle("gap mass: share of samples with 0.25 < |x| < 0.75, mean over models ± 95 %", fontsize=11)
    axis = block.subplots()
    axis.set_axis_off()
    cells, rows = [], []
    runs = {"euler30": "30 Euler steps", "converged": "converged", "predicted": "predicted, converged"}
    for solver, words in runs.items():
        for row, cutoff in enumerate(data["cutoff"]):
            mass = gap_mass(data, solver).at(row)
            exact = data["gap_mass_exact_euler30" if solver == "euler30" else "gap_mass_exact_converged"][row]
            rows.append(f"{words}, ε = {cutoff:g}")
            cells.append(
                [*(f"{v:.4f} ± {e:.4f}" for v, e in zip(mass.value, mass.half_width, strict=True)), f"{exact:.4f}"]
            )
    columns = [*(f"F/P = {ratio:g}" for ratio in data["feature_ratio"]), "exact score"]
    table = axis.table(cells, rowLabels=rows, colLabels=columns, loc="center", cellLoc="center")
    table.auto_set_font_size(False)
    table.set_fontsize(9)
    table.scale(0.86, 1.45)
