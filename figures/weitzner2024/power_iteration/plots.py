"""Odds of the leading mode in training time, and the power of the covariance that a sampler takes."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import BLACK, BLUE, KINDS, SKY, VERMILION, WIDEST, label_panels, plt, styled
from figures.weitzner2024.power_iteration.statistics import emergence, overshoot, powers
from sims.measurements.estimates import mean_over

TITLES = {
    "apart": "Gaussian data, λ = 10, 1, .1",
    "close": "Gaussian data, λ = 6, 5, .5",
    "photographs": "linear denoisers on photographs",
}
CAPTION = (
    "a–c: odds λ̃₁/Σλ̃ₖ, k > 1, of the leading mode in what networks in training generate, over those of the data (1: "
    "dotted); points: trained, line: theory, dashed: its peak, τ*: when the first and the second mode have half of "
    "their way. a, grey: networks that learn velocities on flow matching, which do not overshoot. d: the power p of "
    "√(λ̃₁/λ̃₂) = (λ₁/λ₂)^p by steps of DDIM at the end of training; N steps of a power iteration have p = N."
)
DIFFERS = "all of it: the paper's sampler and its figures are others."


@styled
def draw(data: Arrays) -> Figure:
    figure, axes = plt.subplots(2, 2, figsize=(WIDEST, 7.4))
    for axis, where in zip(axes.flat, TITLES, strict=False):
        _draw_training(axis, data, where)
    _draw_powers(axes[1, 1], data)
    label_panels(axes)
    return figure


def _draw_training(axis: Axes, data: Arrays, where: str) -> None:
    times, trained = data["times"], mean_over(overshoot(data, "trained", where))
    axis.plot(times, np.exp(overshoot(data, "theory", where).mean(axis=0)), color=BLACK, lw=1.2, label="theory")
    every = slice(None, None, 2)
    low, high = (np.exp(trained.value) - np.exp(trained.value + sign * trained.half_width) for sign in (-1, 1))
    axis.errorbar(
        times[every],
        np.exp(trained.value)[every],
        yerr=np.stack([low, -high])[:, every],
        fmt="o",
        ms=2.8,
        lw=0.8,
        color=VERMILION,
        label="trained",
    )
    axis.axhline(1.0, color="0.5", lw=0.9, ls=":")
    axis.axvline(np.exp(np.log(data[f"peak_{where}"][:, 0]).mean()), color=BLACK, lw=0.9, ls="--")
    axis.set(xscale="log", yscale="log", xlabel="training time ητ", ylabel="odds of the leading mode/of data's")
    for mode, colour in enumerate((BLUE, SKY)):
        place = float(np.exp(emergence(data, where, mode).mean()))
        axis.axvline(place, color=colour, lw=1.2, label=f"τ* of mode {mode + 1}")
    if where == "apart":
        flow = mean_over(overshoot(data, "trained", "flow")).value
        axis.plot(times, np.exp(overshoot(data, "theory", "flow")[0]), "--", color="0.5", lw=1.2, label="flow matching")
        axis.plot(times[every], np.exp(flow)[every], "s", ms=2.4, color="0.5", label="flow matching, trained")
    axis.set_title(TITLES[where])
    axis.legend(loc="upper right")


def _draw_powers(axis: Axes, data: Arrays) -> None:
    steps = data["steps"]
    for (where, words), colour, marker in zip(TITLES.items(), KINDS, "osD", strict=False):
        trained = mean_over(powers(data, "trained", where))
        axis.plot(steps, powers(data, "theory", where).mean(axis=0), "--", color=colour, lw=1.2)
        axis.errorbar(
            steps, trained.value, yerr=trained.half_width, fmt=marker, ms=4, lw=0.9, color=colour, label=words
        )
    axis.plot(steps, steps, color="0.5", lw=1.2, label="power iteration, p = N")
    axis.axhline(0.5, color="0.5", lw=0.9, ls=":")
    axis.set(xscale="log", yscale="log", ylim=(0.2, 8.0), xlabel="steps N of DDIM", ylabel="power p")
    axis.set_xticks(steps, [f"{count}" for count in steps])
    axis.set_yticks([0.25, 0.5, 1, 2, 4, 8], ["¼", "½", "1", "2", "4", "8"])
    axis.minorticks_off()
    axis.set_title("amplitudes by steps of a sampler (points: trained, dashed: theory)")
    axis.legend(loc="upper right")
