"""The drawing of Figure 2 of Vastola 2025: densities and gap masses by ε and F/P."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import BLACK, BLUE, EXACT, SMALLEST, VERMILION, WIDEST, fraction, plt, styled
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

SOLVERS = {"euler30": "30 uniform Euler steps, as published", "converged": "converged solver"}
_FLOOR = 1e-4  # empty bins would end a curve on the logarithmic axis


@styled
def draw(data: Arrays) -> Figure:
    figure = plt.figure(figsize=(WIDEST, 14))
    blocks = np.asarray(figure.subfigures(3, 1, height_ratios=(1, 1, 0.5)))
    for block, solver in zip(blocks, SOLVERS, strict=False):
        _draw_densities(block, data, solver)
    _draw_masses(blocks[2], data)
    return figure


def _draw_densities(block, data: Arrays, solver: str) -> None:
    """A panel for every ε and F/P, with one solver."""
    block.suptitle(f"{SOLVERS[solver]}: average learned distribution", fontsize=11)
    axes = block.subplots(len(data["cutoff"]), len(data["feature_ratio"]), sharex=True, sharey=True)
    for (row, column), axis in np.ndenumerate(axes):
        _draw_panel(axis, data, solver, row, column)
    for axis, ratio in zip(axes[0], data["feature_ratio"], strict=True):
        axis.set_title(f"F/P = {fraction(ratio)}")
    for axis, cutoff in zip(axes[:, 0], data["cutoff"], strict=True):
        axis.set_ylabel(f"ε = {cutoff:g}\ndensity")
    for axis in axes[-1]:
        axis.set_xlabel("x")
    block.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=6)


def _draw_panel(axis: Axes, data: Arrays, solver: str, row: int, column: int) -> None:
    centres = (data["edges"][1:] + data["edges"][:-1]) / 2
    for low, high in (GAP, (-GAP[1], -GAP[0])):
        axis.axvspan(low, high, color="0.94", lw=0, label="gaps" if low > 0 else None)
    lower, upper = (data[f"{end}_{solver}"][row, column] + _FLOOR for end in ("lower", "upper"))
    axis.fill_between(centres, lower, upper, color=VERMILION, alpha=0.25, lw=0, label="25-75 % of models")
    curves = [
        ("exact score, same solver", data[f"density_exact_{solver}"][row], EXACT, 1.0, "-"),
        ("p(x|ε)", data["density_true"][row], BLACK, 0.8, "-"),
        ("trained, mean of models", data[f"density_{solver}"][row, column], VERMILION, 1.2, "-"),
    ]
    if solver == "converged":
        predicted = data["density_predicted"][row, column]
        curves.append(("predicted by the V-kernel", predicted, BLUE, 1.0, "--"))
    for label, density, colour, width, style in curves:
        axis.semilogy(centres, density + _FLOOR, style, color=colour, lw=width, label=label)
    axis.set_ylim(1e-3, 100)
    axis.set_xlim(*POSITIONS)
    mass = gap_mass(data, solver).at((row, column))
    text = f"gap {mass.value:.3f} ± {mass.half_width:.3f}"
    axis.text(0.5, 0.97, text, transform=axis.transAxes, ha="center", va="top", fontsize=SMALLEST)


def _draw_masses(block, data: Arrays) -> None:
    """Gap mass, mean over models with its 95 % interval, against F/P for every ε."""
    block.suptitle("gap mass: share of samples with 0.25 < |x| < 0.75 (bars: 95 %)", fontsize=11)
    axes = block.subplots(1, len(data["cutoff"]), sharey=True)
    ratios = data["feature_ratio"]
    runs = (
        ("trained, 30 Euler steps", "euler30", VERMILION, "white", 0.94),
        ("trained, converged", "converged", VERMILION, VERMILION, 1.0),
        ("predicted, converged", "predicted", BLUE, BLUE, 1.06),
    )
    for row, (axis, cutoff) in enumerate(zip(axes, data["cutoff"], strict=True)):
        for label, solver, colour, face, shift in runs:
            mass = gap_mass(data, solver).at(row)
            style = {"fmt": "o", "ms": 4.5, "lw": 1, "color": colour, "mfc": face}
            axis.errorbar(ratios * shift, mass.value, mass.half_width, label=label, **style)
        for words, solver, style in (("30 Euler steps", "euler30", "--"), ("converged", "converged", "-")):
            exact = data[f"gap_mass_exact_{solver}"][row]
            axis.axhline(exact, ls=style, color=EXACT, lw=1, label=f"exact score, {words}")
        axis.set_xscale("log", base=2)
        axis.set_xticks(ratios, [fraction(ratio) for ratio in ratios])
        axis.set_xlabel("features over training samples, F/P")
        axis.set_title(f"ε = {cutoff:g}")
    axes[0].set_ylabel("gap mass")
    block.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
