"""Losses over training for several numbers of points, and the times of generalising and memorising against them."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.bonnaire2025.times.statistics import (
    edge_times,
    exponents,
    generalisation_times,
    memorisation_times,
)
from figures.common.stages import Arrays
from figures.common.style import (
    BLACK,
    EXACT,
    VERMILION,
    WIDEST,
    label_panels,
    plt,
    power_law_guide,
    setting_colours,
    styled,
)
from sims.measurements.estimates import mean_over

CAPTION = (
    "Random features, trained by gradient descent on ψ_n d points. a, b: train and test loss; points: trained, with 95 "
    "% intervals over draws of weights and points; lines: gradient flow in closed form on Gaussian equivalents, which "
    "know of tanh four numbers; dotted: half the time in which modes at s_t² are learned. c: when the test loss has "
    "fallen by .9 of its way (τ_gen), when the train loss lies a quarter of the best possible loss below it (τ_mem), "
    "and ψ_p/Δ_t λ_min with the smallest eigenvalue of ρ_1. Exponents of n: τ_gen {{τ_gen|value .2f}} {{τ_gen|interval "
    ".2f}}, τ_mem by losses {{τ_mem by losses|value .2f}} {{τ_mem by losses|interval .2f}}, by λ_min {{τ_mem by the "
    "edge of ρ_1|value .2f}} {{τ_mem by the edge of ρ_1|interval .2f}}."
)
DIFFERS = "the closed form beside the trained curves and the exponents are ours; d is smaller under `quick`."
_SHOWN = 18


@styled
def draw(data: Arrays) -> Figure:
    figure, axes = plt.subplots(1, 3, figsize=(WIDEST, 3.9))
    _draw_losses(axes[0], data, 0, "train loss")
    _draw_losses(axes[1], data, 1, "test loss")
    _draw_times(axes[2], data)
    label_panels(axes)
    return figure


def _draw_losses(axis: Axes, data: Arrays, loss: int, name: str) -> None:
    colours = setting_colours(len(data["samples"]))
    for place, (number, colour) in enumerate(zip(data["samples"], colours, strict=True)):
        logarithms = np.log(data["tau"][place])
        common = np.linspace(logarithms[:, 0].max(), logarithms[:, -1].min(), 200)
        curves = {
            kind: np.stack(
                [np.interp(common, own, each[:, loss]) for own, each in zip(logarithms, data[kind][place], strict=True)]
            )
            for kind in ("trained", "equivalent")
        }
        axis.plot(np.exp(common), curves["equivalent"].mean(axis=0), color=colour, lw=1.2)
        shown = np.linspace(0, common.size - 1, _SHOWN).astype(int)
        found = mean_over(curves["trained"][:, shown])
        axis.errorbar(
            np.exp(common[shown]),
            found.value,
            yerr=found.half_width,
            fmt="o",
            ms=3,
            lw=0.8,
            color=colour,
            label=rf"$\psi_n$ = {number}",
        )
    axis.axhline(float(data["best"]), color=EXACT, lw=0.9, ls="--", zorder=0, label="best on fresh data")
    axis.axvline(float(data["floor_time"]) / 2, color=EXACT, lw=0.9, ls=":", zorder=0)
    axis.set(xscale="log", xlabel="training time τ", ylabel=f"{name} per coordinate", title=name)
    axis.set_ylim(0, None)
    axis.legend(loc="lower left" if loss == 0 else "upper left")


def _draw_times(axis: Axes, data: Arrays) -> None:
    samples = data["samples"].astype(float)
    kinds = (
        (
            r"$\tau_\mathrm{gen}$",
            generalisation_times(data),
            generalisation_times(data, "equivalent").mean(axis=1),
            "s",
        ),
        (
            r"$\tau_\mathrm{mem}$ by losses",
            memorisation_times(data),
            memorisation_times(data, "equivalent").mean(axis=1),
            "o",
        ),
        (r"$\tau_\mathrm{mem}$ by $\lambda_\mathrm{min}$", edge_times(data), data["memorisation"], "^"),
    )
    for name, times, theory, marker in kinds:
        found = mean_over(np.log(times), axis=1)
        slope = mean_over(exponents(times, samples))
        spread = np.exp(found.value + np.array([[-1.0], [1.0]]) * found.half_width)
        error = np.abs(spread - np.exp(found.value))
        label = f"{name}, exponent {slope.value:.2f} ± {slope.half_width:.2f}"
        axis.errorbar(samples, np.exp(found.value), yerr=error, fmt=marker, ms=4.5, color=VERMILION, label=label)
        axis.plot(samples, theory, color=BLACK, lw=1)
    place = samples[0], 0.3 * float(np.exp(np.log(memorisation_times(data)[0]).mean()))
    power_law_guide(axis, samples, place, -1.0, "proportional to n")
    axis.set(xscale="log", yscale="log", xlabel=r"points per dimension, $\psi_n$", ylabel="training time τ")
    axis.set_xticks(samples, [f"{number:g}" for number in samples])
    axis.minorticks_off()
    axis.set_ylim(top=100 * axis.get_ylim()[1])
    axis.set_title("times by number of points (lines: theory)")
    axis.legend(loc="upper left")
