"""Panels of the figure of Proposition 4.1: densities, gap mass, convergence, processes."""

import numpy as np
from matplotlib.axes import Axes

from figures.stages import Arrays
from figures.style import BLACK, BLUE, GREEN, ORANGE, PINK, VERMILION

GAP = 0.4  # the gap is |x| < GAP
WORDS = {"naive": "naive sampler", "sde": "SDE", "fokker_planck": "Fokker-Planck"}
_MARKERS = {"naive": ("o", BLUE), "sde": ("x", VERMILION)}
_PAIR_MARKERS = (("o", BLUE), ("x", VERMILION), ("^", ORANGE))


def draw_densities(axis: Axes, data: Arrays, index: int) -> None:
    """All methods' densities for one κ, logarithmic; the first-order density is cut where it is negative."""
    edges, kappa = data["edges"], data["kappas"][index]
    centres, width = (edges[1:] + edges[:-1]) / 2, edges[1] - edges[0]
    first_order = data["density_ode"] + kappa * data["density_first_order"]
    lines = (
        (data["density_ode"], "-", "0.6", "ODE, κ = 0"),
        (data["density_fokker_planck"][index], "-", BLACK, "Fokker-Planck"),
        (first_order, "--", GREEN, "first order in κ"),
        (data["density_semiclassical"][index], ":", PINK, "semiclassical"),
    )
    axis.axvspan(-GAP, GAP, color="0.94", lw=0)
    for mass, line, colour, label in lines:
        axis.plot(centres, np.where(mass > 0, mass, np.nan) / width, line, color=colour, lw=1.3, label=label)
    for name, (marker, colour) in _MARKERS.items():
        mass = data[f"halves_{name}_of_kappa"][index].mean(axis=0)
        density = np.where(mass > 0, mass, np.nan) / width
        axis.plot(centres, density, marker, color=colour, ms=3.5, mfc="none", label=WORDS[name])
    axis.set_yscale("log")
    axis.set_ylim(1e-3, 2)
    axis.set_xlim(-2.2, 2.2)
    axis.set_xlabel("x")
    axis.set_title(f"κ = {kappa:g}")


def draw_gap(axis: Axes, data: Arrays, limit: tuple[float, float]) -> None:
    """Gap mass against κ; `limit` is that of the naive sampler as Δt → 0, with its standard error."""
    base, slope = data["gap_curve"][0], data["gap_first_order"]
    order = np.argsort(data["curve_kappas"])[1:]
    curve = data["curve_kappas"][order]
    axis.axhline(base, color="0.6", lw=1.2, label="ODE, κ = 0")
    axis.plot(curve, data["gap_curve"][order], color=BLACK, lw=1.3, label=WORDS["fokker_planck"])
    fine = np.geomspace(curve[0], curve[-1], 300)
    fine = fine[base + slope * fine > 0]
    axis.plot(fine, base + slope * fine, "--", color=GREEN, label="first order in κ")
    for name, (marker, colour) in _MARKERS.items():
        value, error = (data[f"gap_{name}{part}_of_kappa"] for part in ("", "_stderr"))
        style = {"fmt": marker, "color": colour, "mfc": "none", "ms": 5, "capsize": 2}
        axis.errorbar(data["kappas"], value, 1.96 * error, label=f"{WORDS[name]}, {data['steps'][1]} steps", **style)
    kappa = data["kappas"][int(data["converging"])]
    style = {"fmt": "s", "color": ORANGE, "ms": 4, "capsize": 2}
    axis.errorbar(kappa * 1.2, limit[0], 1.96 * limit[1], label="naive sampler, Δt → 0", **style)
    axis.set_xscale("log")
    axis.set_ylim(0, None)
    axis.set_xlabel("κ")
    axis.set_ylabel(f"gap mass, |x| < {GAP:g}")
    axis.set_title("the gap empties as κ grows")
    axis.legend()


def draw_convergence(axis: Axes, data: Arrays, distances: list[tuple[str, str, np.ndarray, float]]) -> None:
    """Total variation against the number of steps; `distances` holds pairs of methods, values and standard errors."""
    steps = data["steps"].astype(float)
    for offset, ((first, second, value, error), (marker, colour)) in enumerate(
        zip(distances, _PAIR_MARKERS, strict=True)
    ):
        style = {"fmt": marker, "color": colour, "mfc": "none", "capsize": 2}
        axis.errorbar(steps * 1.06**offset, value, 1.96 * error, label=f"{WORDS[first]} to {WORDS[second]}", **style)
    axis.plot(steps, distances[0][2][0] * np.sqrt(steps[0] / steps), "--", color="0.5", lw=1, label="∝ √Δt")
    axis.axhline(0, color="0.8", lw=0.8)
    axis.set_xscale("log")
    axis.set_xlabel("steps")
    axis.set_ylabel("total variation")
    axis.set_title(f"one law as Δt → 0, κ = {data['kappas'][int(data['converging'])]:g}")
    axis.legend()


def draw_processes(axis: Axes, data: Arrays, names: list[str]) -> None:
    """Gap mass against κ for each process."""
    styles = ((BLACK, "o"), (BLUE, "s"), (ORANGE, "^"))
    for name, gaps, (colour, marker) in zip(names, data["process_gaps"], styles, strict=True):
        axis.plot(data["process_kappas"], gaps, marker=marker, color=colour, ms=4, lw=1.2, label=name)
    axis.set_ylim(0, None)
    axis.set_xlabel("κ")
    axis.set_ylabel(f"gap mass, |x| < {GAP:g}")
    axis.set_title("κ is a time: three processes, Fokker-Planck")
    axis.legend()
