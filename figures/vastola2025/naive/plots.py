"""Panels of the figure `vastola2025_naive`: densities, gap masses, convergence and three processes."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import (
    BLACK,
    BLUE,
    EXACT,
    GREEN,
    KINDS,
    ORANGE,
    PINK,
    VERMILION,
    WIDEST,
    label_panels,
    plt,
    styled,
)
from figures.vastola2025.naive.experiment import GAP, PROCESSES
from figures.vastola2025.naive.statistics import PAIRS, PATHS, WORDS, distance_by_steps, extrapolated_gap
from sims.measurements.estimates import Estimate

CAPTION = (
    "The naive sampler empties gaps: at κ = 0.05 its gap mass is {{naive sampler empties the gap, κ = "
    "0.05|value .3f}} {{naive sampler empties the gap, κ = 0.05|interval .3f}} from that of the "
    "probability-flow ODE, and as steps shrink it becomes the Fokker-Planck equation's law."
)

# Nothing is trained: the sampler is what is simulated, and the stochastic equation one prediction of it.
_MARKERS = {"naive": ("o", VERMILION), "sde": ("x", BLUE)}
_PAIR_MARKERS = (("o", VERMILION), ("x", BLUE), ("^", ORANGE))


@styled
def draw(data: Arrays) -> Figure:
    panels = len(data["kappas"])
    figure = plt.figure(figsize=(WIDEST, 7.4))
    top, bottom = np.asarray(figure.subfigures(2, 1))
    axes = np.atleast_1d(top.subplots(1, panels, sharey=True))
    for index, axis in enumerate(axes):
        _draw_densities(axis, data, index)
    axes[0].set_ylabel("density of x at ε")
    handles, labels = axes[0].get_legend_handles_labels()
    top.legend(handles, labels, loc="outside lower center", ncols=6)
    lower = bottom.subplots(1, 3)
    _draw_gap(lower[0], data)
    _draw_convergence(lower[1], data)
    _draw_processes(lower[2], data, list(PROCESSES))
    label_panels(np.concatenate([axes, lower]))
    return figure


def _draw_densities(axis: Axes, data: Arrays, index: int) -> None:
    """All methods' densities for one κ, logarithmic; the first-order density is cut where it is negative."""
    kappa = data["kappas"][index]
    first_order = data["line_ode"] + kappa * data["line_first_order"]
    lines = (
        (data["line_ode"], "-", EXACT, "ODE, κ = 0"),
        (data["line_fokker_planck"][index], "-", BLACK, "Fokker-Planck"),
        (first_order, "--", GREEN, "first order in κ"),
        (data["line_semiclassical"][index], ":", PINK, "semiclassical"),
    )
    axis.axvspan(-GAP, GAP, color="0.94", lw=0)
    centres, width = _centres_and_width(data["finer_edges"])
    for mass, line, colour, label in lines:
        axis.plot(centres, np.where(mass > 0, mass, np.nan) / width, line, color=colour, lw=1.3, label=label)
    centres, width = _centres_and_width(data["edges"])
    for name, (marker, colour) in _MARKERS.items():
        mass = data[f"halves_{name}_of_kappa"][index].mean(axis=0)
        density = np.where(mass > 0, mass, np.nan) / width
        axis.plot(centres, density, marker, color=colour, ms=3.5, mfc="none", label=WORDS[name])
    axis.set_yscale("log")
    axis.set_ylim(1e-3, 2)
    axis.set_xlim(-2.2, 2.2)
    axis.set_xlabel("x")
    axis.set_title(f"noise strength κ = {kappa:g}")


def _centres_and_width(edges: np.ndarray) -> tuple[np.ndarray, float]:
    return (edges[1:] + edges[:-1]) / 2, float(edges[1] - edges[0])


def _draw_gap(axis: Axes, data: Arrays) -> None:
    """Gap mass against κ, by every method."""
    base, slope = data["gap_curve"][0], data["gap_first_order"]
    order = np.argsort(data["curve_kappas"])[1:]
    curve = data["curve_kappas"][order]
    axis.axhline(base, color=EXACT, lw=1.2)
    axis.plot(curve, data["gap_curve"][order], color=BLACK, lw=1.3)
    fine = np.geomspace(curve[0], curve[-1], 300)
    fine = fine[base + slope * fine > 0]
    axis.plot(fine, base + slope * fine, "--", color=GREEN)
    for name, (marker, colour) in _MARKERS.items():
        gap = Estimate(data[f"gap_{name}_of_kappa"], data[f"gap_{name}_stderr_of_kappa"], int(data[PATHS[name]]))
        style = {"fmt": marker, "color": colour, "mfc": "none", "ms": 5, "capsize": 2}
        axis.errorbar(data["kappas"], gap.value, gap.half_width, **style)
    kappa = data["kappas"][int(data["converging"])]
    style = {"fmt": "s", "color": ORANGE, "ms": 4, "capsize": 2}
    limit = extrapolated_gap(data, "naive", 0.5)
    axis.errorbar(kappa * 1.2, limit.value, limit.half_width, label="naive sampler, Δt → 0", **style)
    axis.set_xscale("log")
    axis.set_ylim(0, 1.25 * base)
    axis.set_xlabel("noise strength κ")
    axis.set_ylabel(f"gap mass, |x| < {GAP:g}")
    axis.set_title(f"the gap empties as κ grows ({data['steps'][1]} steps)")
    axis.legend(loc="upper right", title="lines and points as above", alignment="left")


def _draw_convergence(axis: Axes, data: Arrays) -> None:
    """Total variation between pairs of methods against the number of steps."""
    steps = data["steps"].astype(float)
    for offset, (pair, (marker, colour)) in enumerate(zip(PAIRS, _PAIR_MARKERS, strict=True)):
        distance = distance_by_steps(data, *pair)
        style = {"fmt": marker, "color": colour, "mfc": "none", "capsize": 2}
        label = f"{WORDS[pair[0]]} to {WORDS[pair[1]]}"
        axis.errorbar(steps * 1.06**offset, distance.value, distance.half_width, label=label, **style)
    start = distance_by_steps(data, *PAIRS[0]).value[0]
    fine = np.geomspace(steps[0], steps[-1], 100)
    axis.plot(fine, start * np.sqrt(steps[0] / fine), "--", color="0.5", lw=1, label="∝ √Δt")
    axis.axhline(0, color="0.8", lw=0.8)
    axis.set_xscale("log")
    axis.set_xlabel("steps")
    axis.set_ylabel("total variation (mean 0 for equal laws)")
    axis.set_title(f"one law as Δt → 0, κ = {data['kappas'][int(data['converging'])]:g}")
    axis.legend()


def _draw_processes(axis: Axes, data: Arrays, names: list[str]) -> None:
    """Gap mass against κ for each process."""
    for name, gaps, colour, line in zip(names, data["process_gaps"], KINDS, ("-", "--", ":"), strict=False):
        axis.plot(data["process_kappas"], gaps, line, color=colour, lw=1.4, label=name)
    axis.set_ylim(0, None)
    axis.set_xlabel("noise strength κ")
    axis.set_ylabel(f"gap mass, |x| < {GAP:g}")
    axis.set_title("κ is a time: three processes, Fokker-Planck")
    axis.legend()
