"""Panels of the figure `gaps_fill_or_empty`: maps of gap mass, and gap mass against independent fields."""

from itertools import product

import numpy as np
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import BLUE, GREEN, SKY, SMALLEST, WIDEST, fraction, label_panels, plt, styled
from figures.vastola2025.gaps_fill_or_empty.experiment import KINDS, STRENGTHS
from figures.vastola2025.gaps_fill_or_empty.statistics import predicted_effect, trained_effect, window_mass

CAPTION = (
    "Variance fills gaps on average over the map, by {{variance fills gaps, Gaussian features|value .3f}} "
    "{{variance fills gaps, Gaussian features|interval .3f}} with Gaussian and {{variance fills gaps, Fourier "
    "features|value .3f}} {{variance fills gaps, Fourier features|interval .3f}} with Fourier features; the "
    "prediction is {{effect of variance predicted|value .3f}} off on average."
)


@styled
def draw(data: Arrays) -> Figure:
    figure = plt.figure(figsize=(WIDEST, 7.6))
    top, bottom = np.asarray(figure.subfigures(2, 1, height_ratios=(1.25, 1)))
    effects = {"trained": trained_effect(data)[0], "predicted": predicted_effect(data)[0]}
    limit = float(np.abs(np.concatenate(list(effects.values()))).max())
    axes = top.subplots(2, len(KINDS) * data["per_time"].size, sharex=True, sharey=True)
    image = None
    for row, effect in enumerate(effects.values()):
        for column, (kind, smooth) in enumerate(product(range(len(KINDS)), range(data["per_time"].size))):
            image = _draw_map(axes[row, column], data, effect[kind, smooth], max(limit, 1e-6))
    for column, (kind, per_time) in enumerate(product(KINDS, data["per_time"])):
        axes[0, column].set_title(f"{kind},\n{per_time} in time")
        axes[1, column].set_xlabel("F/P")
    for axis, name in zip(axes[:, 0], effects, strict=True):
        axis.set_ylabel(f"{name}\nε")
    assert image is not None
    top.colorbar(image, ax=axes, label="gap mass, with variance less without", shrink=0.8)
    lower = bottom.subplots(1, len(KINDS))
    _draw_windows(lower, data)
    label_panels(np.concatenate([axes.ravel(), lower]))
    return figure


def _draw_map(axis, data: Arrays, effect: np.ndarray, limit: float):
    norm = TwoSlopeNorm(0.0, -limit, limit)
    image = axis.imshow(effect, origin="lower", norm=norm, cmap="PuOr_r", aspect="auto")
    ratios = [fraction(ratio) for ratio in data["feature_ratio"]]
    few = len(ratios) <= 4  # there is room for numbers
    for (row, column), value in np.ndenumerate(effect if few else effect[:0]):
        colour = "white" if abs(value) > 0.6 * limit else "black"
        axis.text(
            column, row, f"{value:+.3f}".replace("-", "−"), ha="center", va="center", fontsize=SMALLEST, color=colour
        )
    axis.set_xticks(range(len(ratios)), ratios, rotation=0 if few else 90)
    axis.set_yticks(range(data["cutoff"].size), [f"{cutoff:g}" for cutoff in data["cutoff"]])
    return image


def _draw_windows(axes, data: Arrays) -> None:
    for index, (axis, kind) in enumerate(zip(axes, KINDS, strict=True)):
        for strength, colour, marker in zip(range(len(STRENGTHS)), (BLUE, SKY), "os", strict=True):
            mass = window_mass(data, index, strength)
            axis.errorbar(
                data["windows"] * 1.08 ** (strength - 0.5),
                mass.value,
                yerr=mass.half_width,
                fmt=marker,
                ms=4,
                color=colour,
                label=f"field drawn K times, same variance {STRENGTHS[strength]}",
            )
        axis.axhline(data["window_average"][index], color=GREEN, lw=1, ls="--", label="average score alone")
        axis.set_xscale("log", base=2)
        axis.set_xticks(data["windows"], [str(count) for count in data["windows"]])
        axis.set_xlabel("K, independent fields during sampling (1: as in a trained model)")
        axis.set_ylabel("gap mass, 0.25 < |x| < 0.75")
        axis.set_ylim(bottom=0)
        place = f"F/P = {fraction(float(data['window_ratio']))}, ε = {data['cutoff'][-1]:g}"
        axis.set_title(f"{kind} features, {data['per_time'][0]} in time, {place} (bars: 95 %)")
        axis.legend(loc="lower left")
