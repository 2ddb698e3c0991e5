"""What is left of an added error by level and in training, and the sum of the errors of gains."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import BLACK, SKY, VERMILION, WIDEST, label_panels, mode_colours, plt, styled
from sims.measurements.estimates import mean_over

CAPTION = (
    "a, b: what is left at the end of sampling of an error that is added to x at a noise level, by networks that have "
    "learned Gaussian data (points: trained, lines: theory by the sampler's steps, dotted: without steps); λ: variance "
    "of the mode. c: the same in training, for errors that are added at σ = 1. d: shift of ln λ̃ by the errors of all "
    "gains together, measured and predicted, one point per network and mode."
)
DIFFERS = "all of it: the paper measures another error, of nonlinear networks."


@styled
def draw(data: Arrays) -> Figure:
    figure, axes = plt.subplots(2, 2, figsize=(WIDEST, 7.4))
    for axis, where, words in zip(axes[0], ("edm", "vp"), ("EDM", "variance preserving"), strict=True):
        _draw_levels(axis, data, where)
        axis.set_title(f"Gaussian data, {words}")
    _draw_training(axes[1, 0], data)
    _draw_shifts(axes[1, 1], data)
    label_panels(axes)
    return figure


def _draw_levels(axis: Axes, data: Arrays, where: str) -> None:
    ratio, variance = data[f"ratio_{where}"], data[f"variance_{where}"][0]
    trained = mean_over(np.abs(data[f"left_trained_{where}"][:, -1]))
    for mode, colour in enumerate(mode_colours(variance.size)):
        axis.plot(ratio, data[f"left_theory_{where}"][0, -1, :, mode], color=colour, lw=1.2)
        axis.plot(ratio, data[f"left_exact_{where}"][0, -1, :, mode], ":", color=colour, lw=1.0)
        axis.errorbar(
            ratio[::3],
            trained.value[::3, mode],
            yerr=trained.half_width[::3, mode],
            fmt="o",
            ms=2.8,
            lw=0.8,
            color=colour,
            label=f"λ = {variance[mode]:.2g}",
        )
    axis.axhline(1.0, color="0.5", lw=0.9, ls="--")
    axis.set(xscale="log", yscale="log", xlabel="noise level σ/α at which it is added", ylabel="share that is left")
    axis.legend(loc="lower left")


def _draw_training(axis: Axes, data: Arrays) -> None:
    ratio, variance, times = data["ratio_edm"], data["variance_edm"][0], data["times"]
    level = np.argmin(np.abs(np.log(ratio)))
    trained = mean_over(np.abs(data["left_trained_edm"][:, :, level]))
    for mode, colour in enumerate(mode_colours(variance.size)):
        axis.plot(times, data["left_theory_edm"][0, :, level, mode], color=colour, lw=1.2)
        axis.errorbar(
            times, trained.value[:, mode], yerr=trained.half_width[:, mode], fmt="o", ms=2.8, lw=0.8, color=colour
        )
    axis.set(xscale="log", yscale="log", xlabel="training time ητ", ylabel="share that is left")
    axis.set_title("in training, EDM: added at σ = 1 (lines: theory)")


def _draw_shifts(axis: Axes, data: Arrays) -> None:
    for where, words, colour, marker in (
        ("photographs", "photographs", SKY, "s"),
        ("edm", "Gaussian, EDM", VERMILION, "o"),
        ("vp", "Gaussian, variance preserving", BLACK, "x"),
    ):
        predicted, measured = (data[f"shift_{which}_{where}"].ravel() for which in ("predicted", "measured"))
        axis.plot(predicted, measured, marker, ms=3.5, color=colour, label=words)
    ends = np.array(axis.get_xlim())
    axis.plot(ends, ends, color="0.5", lw=0.9, zorder=0)
    axis.set(xlabel="shift of ln λ̃, predicted from the errors of gains", ylabel="shift of ln λ̃, measured")
    axis.set_title("errors of gains add up")
    axis.legend(loc="upper left")
