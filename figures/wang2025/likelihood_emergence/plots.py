"""Nats that are left over training, and when a nat is left beside when samples are there."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import BLACK, VERMILION, WIDEST, label_panels, mode_colours, plt, styled
from figures.wang2025.likelihood_emergence.statistics import (
    when_half_is_left,
    when_nats_are_left,
    when_samples_are_there,
)
from sims.measurements.estimates import mean_over

CAPTION = (
    "One linear denoiser per noise level, trained from zero. a, b: nats of every mode that it loses against the best "
    "linear denoiser, ∫E(D - D*)²σ⁻³dσ (lines: theory, points: trained); dashed: one nat. c, d: when one nat is left, "
    "when samples have half of their variance's way in logarithms, and when half of the nats are gone, in units of "
    "1/ηλ. A nat is left at ητ = ¼ ln(λ/2σ_0²)/λ (dotted), no power of λ: exponent "
    "{{exponent of one nat, small-noise law|value .3f}} {{exponent of one nat, small-noise law|interval .3f}} in c."
)
_NAMES = {"gaussian": "Gaussian data", "photographs": "patches of photographs"}
_FEWEST = 1e-2


@styled
def draw(data: Arrays) -> Figure:
    figure, axes = plt.subplots(2, 2, figsize=(WIDEST, 7.4))
    for column, where in enumerate(_NAMES):
        _draw_nats(axes[0, column], data, where)
        _draw_times(axes[1, column], data, where)
    label_panels(axes)
    return figure


def _draw_nats(axis: Axes, data: Arrays, where: str) -> None:
    variance, times = data[f"variance_{where}"].mean(axis=0), data[f"times_{where}"]
    shown = np.unique(np.linspace(0, variance.size - 1, 7).astype(int))
    trained = mean_over(np.log(data[f"excess_trained_{where}"]))
    theory = np.exp(np.log(np.maximum(data[f"excess_theory_{where}"], 1e-30)).mean(axis=0))
    for mode, colour in zip(shown, mode_colours(shown.size), strict=True):
        axis.plot(times, theory[:, mode], color=colour, lw=1.2)
        value, half = trained.value[:, mode], trained.half_width[:, mode]
        seen = theory[:, mode] > _FEWEST
        bars = np.abs(np.exp(value + np.array([[-1], [1]]) * half) - np.exp(value))
        label = f"λ = {variance[mode]:.2g}"
        axis.errorbar(
            times[seen], np.exp(value)[seen], yerr=bars[:, seen], fmt="o", ms=2.8, lw=0.8, color=colour, label=label
        )
    axis.axhline(1.0, color="0.5", lw=0.9, ls="--")
    axis.set(xscale="log", yscale="log", ylim=(_FEWEST, None), xlabel="training time ητ", title=_NAMES[where])
    axis.set_ylabel("nats lost by the mode")
    axis.legend(loc="lower left")


def _draw_times(axis: Axes, data: Arrays, where: str) -> None:
    """Times in units of 1/λ: what goes as a power -1 of the variance is level."""
    variance = data[f"variance_{where}"].mean(axis=0)
    line = np.geomspace(variance.min(), variance.max(), 100)
    axis.plot(line, np.log(line / (2 * 0.002**2)) / 4, ":", color="0.4", lw=1.6, label="¼ ln(λ/2σ₀²)")
    kinds = {
        "one nat left": (when_nats_are_left, "o"),
        "samples half-way": (when_samples_are_there, "s"),
        "half of the nats left": (when_half_is_left, "^"),
    }
    for name, (when, marker) in kinds.items():
        theory, trained = (variance * when(data, which, where) for which in ("theory", "trained"))
        axis.plot(variance, theory.mean(axis=0), color=BLACK, lw=1)
        found = mean_over(trained)
        axis.errorbar(
            variance, found.value, yerr=found.half_width, fmt=marker, ms=4, color=VERMILION, label=f"{name}, trained"
        )
    if where == "photographs":
        unseen = variance * when_nats_are_left(data, "held_out", where)
        axis.plot(variance, unseen.mean(axis=0), "x", ms=6, color=BLACK, label="one nat left, on unseen patches")
    axis.set(xscale="log", ylim=(0, None), xlabel="variance λ of the mode", ylabel="training time in units of 1/ηλ")
    axis.set_title("when (lines: theory)")
    axis.legend(loc="lower right", bbox_to_anchor=(1.0, 0.14))
