"""Panels of the figures of trained networks, as the authors have them: curves, heat map, emergence; alignment."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.common.style import BLACK, EXPONENT, VERMILION, mode_colours
from figures.studies.trained_networks.statistics import (
    BRANCHES,
    GRAY_ZONE,
    Branch,
    ModelExponents,
    Reading,
    mean_of_defined,
)
from sims.measurements.estimates import mean_over

_MARKERS: dict[Branch, str] = {"rising": "^", "falling": "v"}
_SHOWN_MODES = 8
_FARTHEST = 10.0  # factor from the data's variance at which the heat map's colours end


def places(steps: np.ndarray) -> np.ndarray:
    """Where records are on a logarithmic axis; step 0 has no place there, and stands before the others."""
    return np.where(steps > 0, steps, 0.4)


def step_axis(axis: Axes) -> None:
    """Training steps, with the place of step 0."""
    axis.set_xscale("log")
    axis.set_xlabel("training step (leftmost: step 0)")


def step_in_words(step: int) -> str:
    """A training step as titles and keys have it: `step 2 000`."""
    return f"step {step:,}".replace(",", " ")


def draw_band(axis: Axes, x: np.ndarray, per_model: np.ndarray, colour, label: str = "") -> None:
    """Mean over models, the first axis, with 95 %."""
    found = mean_over(per_model)
    axis.plot(x, found.value, color=colour, lw=1.3, label=label)
    axis.fill_between(x, found.value - found.half_width, found.value + found.half_width, color=colour, alpha=0.2, lw=0)


def draw_exponent(
    axis: Axes, place: float, found: ModelExponents, marker: str, colour: str, label: str, *, across: bool = False
) -> None:
    """Mean α over models with 95 %, along the vertical axis or `across`; nothing where there is none."""
    if found.defined:
        estimate = found.estimate
        error, value = [float(estimate.half_width)], float(estimate.value)
        x, y = (value, place) if across else (place, value)
        bars = {"xerr" if across else "yerr": error, "fmt": marker, "ms": 5, "lw": 0.9, "color": colour}
        axis.errorbar([x], [y], label=label, **bars)


def shown_modes(modes: int, count: int) -> list[tuple[int, np.ndarray]]:
    """At most so many modes, spread over all by decreasing variance, and their colours."""
    shown = np.unique(np.linspace(0, modes - 1, count).round().astype(int))
    return list(zip(shown.tolist(), mode_colours(len(shown)), strict=True))


def draw_curves(axis: Axes, reading: Reading, model: int = 0) -> None:
    """Variance of some modes over training for one model; dashed where the sampler would take the exact denoiser."""
    variance, curves = reading["variance"][model], reading["generated"][model]
    for mode, colour in shown_modes(variance.size, _SHOWN_MODES):
        axis.plot(places(reading["steps"]), curves[:, mode], color=colour, lw=1.3, label=f"λ = {variance[mode]:.2g}")
        axis.axhline(reading.target[model, mode], color=colour, lw=0.8, ls="--")
    axis.set_yscale("log")
    step_axis(axis)
    axis.set_ylabel("generated variance of a mode, λ̃")


def draw_heat_map(figure: Figure, axis: Axes, reading: Reading, model: int = 0) -> None:
    """λ̃ over its target, for all modes of one model by decreasing variance."""
    ratio = np.log10(reading["generated"][model] / reading.target[model])
    limit = np.log10(_FARTHEST)
    edges = np.concatenate([[0.3], np.sqrt(places(reading["steps"])[1:] * places(reading["steps"])[:-1])])
    edges = np.append(edges, reading["steps"][-1])
    modes = np.arange(ratio.shape[1] + 1)
    image = axis.pcolormesh(edges, modes, ratio.T, cmap="RdBu_r", vmin=-limit, vmax=limit, rasterized=True)
    axis.invert_yaxis()
    step_axis(axis)
    axis.set_ylabel("mode, by decreasing λ")
    bar = figure.colorbar(image, ax=axis, ticks=[-limit, 0, limit])
    bar.ax.set_yticklabels([f"≤ 1/{_FARTHEST:g}", "1", f"≥ {_FARTHEST:g}"])


def draw_emergence(axis: Axes, reading: Reading, model: int = 0) -> None:
    """Emergence step against variance for one model, both branches; lines have the mean exponent over all models.

    Black is the closed form, in a unit of time that was fitted.
    """
    variance, step, clear = reading["variance"][model], reading.emergence()[model], reading.clear()[model]
    seen = np.isfinite(step)
    axis.set(xscale="log", yscale="log")
    initial = reading.initial[model].mean()
    axis.axvspan(initial / GRAY_ZONE, initial * GRAY_ZONE, color="0.92", zorder=0)
    if (seen & ~clear).any():
        axis.plot(variance[seen & ~clear], step[seen & ~clear], "o", ms=2.5, color="0.65", label="gray zone")
    for branch in BRANCHES:
        used = seen & clear & reading.on(branch)[model]
        if not used.any():
            continue
        found = reading.exponents(branch)
        axis.plot(variance[used], step[used], _MARKERS[branch], ms=3.5, color=VERMILION, label=words(branch, found))
        if found.defined:
            alpha = float(found.estimate.value)
            ends = np.array([variance[used].min(), variance[used].max()])
            centre = np.exp(np.log(step[used]).mean() + alpha * np.log(variance[used]).mean())
            axis.plot(ends, centre * ends**-alpha, color=VERMILION, lw=1)
    if "closed" in reading:
        theory = reading.closed_form()[model] * reading.steps_per_time()[model]
        drawn = np.where(np.isfinite(theory), theory, np.nan)
        axis.plot(variance, drawn, color=BLACK, lw=1.2, label="closed form, linear")
    axis.set_xlabel("variance of the data along the mode, λ")
    axis.set_ylabel("emergence step τ*")
    axis.set_title(EXPONENT)
    key_below(axis, columns=2)


def key_below(axis: Axes, columns: int, lower: float = 0.0) -> None:
    """The key of a panel that has no room for one within, each label once; `lower` where tick labels have two lines."""
    handles = dict(zip(*reversed(axis.get_legend_handles_labels()), strict=True))
    place = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.17 - lower), "ncols": columns}
    axis.legend(handles.values(), handles.keys(), **place, columnspacing=1.0, handlelength=1.4)


def words(name: str, found: ModelExponents) -> str:
    """α over models, ± 95 %; and how many models have none."""
    if not found.defined:
        return f"{name}: too few modes"
    missing = f", {found.undefined} of {len(found.per_model)} models without" if found.undefined else ""
    return f"{name}: α = {in_words(found)}{missing}"


def in_words(found: ModelExponents) -> str:
    """α ± 95 % over models, or that there is none."""
    if not found.defined:
        return "undefined (too few modes)"
    estimate = found.estimate
    return f"{estimate.value:.2f} ± {estimate.half_width:.2f}".replace("-", "−")


def estimate_in_words(per_model: np.ndarray) -> str:
    """Mean ± 95 % over the models that have a number, or that there are too few."""
    found = mean_of_defined(per_model)
    if np.isnan(found.value):
        return "undefined (too few modes)"
    return f"{found.value:.3f} ± {found.half_width:.3f}".replace("-", "−")


def draw_alignment(axis: Axes, kinds: Sequence[tuple[str, Reading, str]]) -> None:
    """χ over training, mean over models with 95 %: (label, reading, colour) each."""
    for label, reading, colour in kinds:
        draw_band(axis, places(reading["steps"]), reading["alignment_unbiased"], colour, label)
    step_axis(axis)
    axis.set_ylim(0, 1.05)
    axis.set_ylabel(r"alignment χ = ΣC$_{ii}^2$/ΣC$_{ij}^2$")
    axis.legend(loc="lower right")
