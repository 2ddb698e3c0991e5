"""Trajectories, where they rest, what becomes of deviations, and thickness against training time."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.chen2023.mean_shift.statistics import deviations, thickness_of
from figures.common.stages import Arrays
from figures.common.style import BLACK, EXACT, SKY, VERMILION, WIDEST, label_panels, plt, setting_colours, styled
from sims.measurements.estimates import mean_over

CAPTION = (
    "a: sampling trajectories x (grey, from σ = 1 on) and their denoised points D (vermilion), which go to one of the "
    "data points (black) and rest there. b: how fast D moves (points: simulated, line: theory), and what is not known "
    "of x_0; one trajectory of a. c: what is left of a deviation from a trajectory, in the plane of the points and "
    "normal to it (points: simulated, lines: theory), mean over trajectories. d to f: √(variance) that linear networks "
    "in training generate where the data have none (points: trained, lines: theory; dotted: τ to the power -Q/2), from "
    "initial gains Q: one layer, two layers, and patches of photographs in more dimensions (grey: modes with data). "
    "Exponent of the squared thickness at Q = 0.5: {{Gaussian data, Q = 0.5: exponent of thickness|value .3f}}, two "
    "layers {{two layers, Q = 0.5: exponent of thickness|value .3f}}."
)
DIFFERS = "all of it: the paper's trajectories are those of trained networks on images."


@styled
def draw(data: Arrays) -> Figure:
    figure, axes = plt.subplots(2, 3, figsize=(WIDEST, 7.0))
    _draw_plane(axes[0, 0], data)
    _draw_speed(axes[0, 1], data)
    _draw_deviations(axes[0, 2], data)
    colours = setting_colours(len(data["initial_gain"]))
    for gain, colour, *parts in zip(data["initial_gain"], colours, *_gaussian(data), strict=True):
        _draw_thickness(axes[1, 0], data["times_gaussian"], gain, colour, *parts)
    axes[1, 0].set_title("Gaussian data, one layer")
    middle = len(data["initial_gain"]) // 2
    for axis, where, gain in (
        (axes[1, 1], "two_layer", 0.5),
        (axes[1, 2], "photographs", data["initial_gain"][middle]),
    ):
        trained, theory = (thickness_of(data, which, where) for which in ("trained", "theory"))
        _draw_thickness(axis, data[f"times_{where}"], gain, colours[middle], trained, theory)
    axes[1, 1].set_title("Gaussian data, two layers")
    _draw_other_modes(axes[1, 2], data)
    for axis in axes[1]:
        axis.set(xscale="log", yscale="log", xlabel="training time ητ", ylabel="standard deviation generated")
        axis.legend(loc="lower left" if axis is axes[1, 2] else "upper right")
    label_panels(axes)
    return figure


def _gaussian(data: Arrays) -> tuple[np.ndarray, np.ndarray]:
    return thickness_of(data, "trained", "gaussian"), thickness_of(data, "theory", "gaussian")


def _draw_plane(axis: Axes, data: Arrays) -> None:
    late = data["levels"][0] < 1.0
    for start in range(0, min(24, data["sampling"].shape[2])):
        sampling, denoising = (data[which][0, :, start] for which in ("sampling", "denoising"))
        axis.plot(*sampling[late, :2].T, color=EXACT, lw=0.8, zorder=1, label="x, σ < 1" if start == 0 else None)
        axis.plot(*denoising[:, :2].T, color=VERMILION, lw=0.8, zorder=2, label="D" if start == 0 else None)
    axis.plot(*data["points"][0, :, :2].T, "o", color=BLACK, ms=4.5, zorder=3, label="data")
    reach = 1.5 * np.abs(data["points"][0]).max()
    axis.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xlabel="first coordinate")
    axis.set(ylabel="second coordinate", title="point masses in a plane")
    axis.legend(loc="upper left")


def _draw_speed(axis: Axes, data: Arrays) -> None:
    """Of the trajectory that moves the farthest."""
    levels = data["levels"][0]
    lengths = np.linalg.norm(np.diff(data["denoising"][0], axis=0), axis=-1).sum(axis=0)
    start = int(np.argmax(lengths))
    step = np.abs(np.diff(np.log(levels)))
    speed = np.linalg.norm(np.diff(data["denoising"][0, :, start], axis=0), axis=-1) / step
    middle = np.sqrt(levels[1:] * levels[:-1])
    theory = levels * np.linalg.norm(data["velocity"][0, :, start], axis=-1)
    axis.plot(levels, data["uncertainty"][0, :, start], "--", color=SKY, lw=1.2, label="tr Cov(x₀|x)")
    axis.plot(levels, theory, color=BLACK, lw=1.2, label="|dD/d ln σ|, theory")
    axis.plot(middle[::3], speed[::3], "o", color=VERMILION, ms=2.8, label="|dD/d ln σ|, simulated")
    axis.set(xscale="log", yscale="log", ylim=(1e-4, 100), xlim=(0.02, levels[0]), xlabel="noise level σ")
    axis.set(title="denoising rests where the covariance is gone", ylabel="length, length²")
    axis.legend(loc="upper left")


def _draw_deviations(axis: Axes, data: Arrays) -> None:
    levels = data["levels"][0]
    kinds = zip(deviations(data, "theory"), deviations(data, "simulated"), (VERMILION, SKY), strict=True)
    for (theory, simulated, colour), name in zip(kinds, ("in the plane", "normal"), strict=True):
        line, points = (np.exp(np.log(lengths).mean(axis=(0, 2))) for lengths in (theory, simulated))
        axis.plot(levels, line, color=BLACK, lw=1.2)
        axis.plot(levels[::8], points[::8], "o", ms=2.8, color=colour, label=name)
    axis.set(xscale="log", yscale="log", xlabel="noise level σ", ylabel="share that is left")
    axis.set_title("deviations from a trajectory (lines: theory)")
    axis.legend(loc="upper left")


def _draw_thickness(
    axis: Axes, times: np.ndarray, gain: float, colour: np.ndarray, trained: np.ndarray, theory: np.ndarray
) -> None:
    found, line = mean_over(trained), theory.mean(axis=0)
    axis.plot(times, line, color=BLACK, lw=1.2)
    axis.errorbar(
        times, found.value, yerr=found.half_width, fmt="o", ms=3.2, lw=0.8, color=colour, label=f"λ = 0, Q = {gain:g}"
    )
    axis.plot(times, line[-1] * (times / times[-1]) ** (-gain / 2), ":", color="0.4", lw=1.2)


def _draw_other_modes(axis: Axes, data: Arrays) -> None:
    times, some = data["times_photographs"], data["variance_photographs"].mean(axis=0) > 0
    deviation = {
        which: np.sqrt(data[f"generated_{which}_photographs"][..., some]).mean(axis=0)
        for which in ("trained", "theory")
    }
    for mode in range(deviation["theory"].shape[-1]):
        axis.plot(times, deviation["theory"][:, mode], color=BLACK, lw=0.6)
        label = "modes with data" if mode == 0 else None
        axis.plot(times, deviation["trained"][:, mode], "o", ms=2.2, color="0.6", label=label)
    axis.set_title("photographs in more dimensions, one layer")
