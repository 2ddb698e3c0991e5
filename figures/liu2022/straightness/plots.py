"""Straightness in training, variance by the number of steps, and the second flow."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import WIDEST, label_panels, mode_colours, plt, styled
from figures.liu2022.straightness.statistics import straightness_in_units
from sims.measurements.estimates import mean_over

CAPTION = (
    "Networks that learn the velocities of flow matching, one matrix for each time. a, b: straightness S = "
    "∫E|Z_1 - Z_0 - dZ_t/dt|²dt of a mode's paths from noise Z_0 to Z_1, over (2 - π/2)√λ, that of the ideal flow (1: "
    "dotted; points: trained, lines: theory). Zero is straight; the larger S is, the more paths bend. c, d: variance λ̃ "
    "by N equal steps of Euler's method over that of the data, λ (circles: first flow, whose one step makes next to "
    "nothing and is not shown; lines: its theory; triangles: second flow, by one step). λ and 1/λ coincide. λ: "
    "variance of the mode; of photographs' patches, with values from -1 to 1, the leading ones."
)
DIFFERS = "all of it: the paper's networks are nonlinear."
TITLES = {"gaussian": "Gaussian data", "photographs": "linear networks on photographs"}


@styled
def draw(data: Arrays) -> Figure:
    figure, axes = plt.subplots(2, 2, figsize=(WIDEST, 7.4))
    for column, where in enumerate(TITLES):
        _draw_training(axes[0, column], data, where)
        _draw_steps(axes[1, column], data, where)
    label_panels(axes)
    return figure


def _modes(data: Arrays, where: str) -> list[tuple[int, np.ndarray, str]]:
    """Some modes, with their colours and labels."""
    variance = data[f"variance_{where}"].mean(axis=0)
    chosen = np.unique(np.linspace(0, variance.size - 1, min(5, variance.size)).round().astype(int))
    colours = mode_colours(len(chosen))
    return [(int(mode), colour, f"λ = {variance[mode]:.2g}") for mode, colour in zip(chosen, colours, strict=True)]


def _draw_training(axis: Axes, data: Arrays, where: str) -> None:
    times, trained = data["times"], mean_over(straightness_in_units(data, "trained", where))
    theory = straightness_in_units(data, "theory", where).mean(axis=0)
    for mode, colour, label in _modes(data, where):
        axis.plot(times, theory[:, mode], color=colour, lw=1.2)
        axis.errorbar(
            times,
            trained.value[:, mode],
            yerr=trained.half_width[:, mode],
            fmt="o",
            ms=3.0,
            lw=0.8,
            color=colour,
            label=label,
        )
    axis.axhline(1.0, color="0.5", lw=0.9, ls=":")
    axis.set(xscale="log", xlabel="training time ητ", ylabel="straightness S/(2 - π/2)√λ", title=TITLES[where])
    axis.legend(loc="upper left")


def _draw_steps(axis: Axes, data: Arrays, where: str) -> None:
    steps, own = data["steps"][1:], data[f"variance_{where}"]
    trained = mean_over(data[f"euler_trained_{where}"][:, -1, 1:] / own[:, None])
    theory = (data[f"euler_theory_{where}"][:, -1, 1:] / own[:, None]).mean(axis=0)
    second = mean_over(data[f"second_step_{where}"] / own)
    for mode, colour, _ in _modes(data, where):
        axis.plot(steps, theory[:, mode], color=colour, lw=1.2)
        axis.errorbar(
            steps, trained.value[:, mode], yerr=trained.half_width[:, mode], fmt="o", ms=3.0, lw=0.8, color=colour
        )
        axis.plot(1, second.value[mode], "^", ms=5, color=colour)
    axis.axhline(1.0, color="0.5", lw=0.9, ls=":")
    axis.set(xscale="log", xlabel="steps N", ylabel="λ̃/λ at the end of training", ylim=(0, 1.15))
    axis.set_xticks([1, *steps], [f"{count}" for count in (1, *steps)])
    axis.minorticks_off()
    axis.set_title("variance by steps of Euler's method")
    for marker, words in (("o", "first flow"), ("^", "second flow, which learns the first's pairs, by one step")):
        axis.plot([], [], marker, ms=4, color="0.4", label=words)
    axis.legend(loc="lower right")
