"""Errors over training, at the end by noise level, and the variance that references take."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import BLACK, BLUE, GREEN, ORANGE, PINK, VERMILION, WIDEST, label_panels, plt, styled
from figures.xu2023.training.statistics import log_ratio_at, mean_errors, variance_ratio
from sims.measurements.estimates import mean_over

CAPTION = (
    "Networks trained on clusters whose exact denoiser D* is known; error: w E|D - D*|² with EDM's weight w, the mean "
    "over noise levels; bars: 95 % intervals over networks. a: against steps. b: against the data that were read, "
    "shared references counted once a step. c: late errors relative to denoising score matching (DSM) at every noise "
    "level. d: the target's variance, by theory: where references leave it, they cannot help."
)
DIFFERS = "the paper trains image models and reports FID; here the exact denoiser is known, and larger batches compete."
_COLOURS = {"DSM": BLACK, "shared": VERMILION, "own": ORANGE, "double": GREEN, "large": BLUE}


@styled
def draw(data: Arrays) -> Figure:
    figure, axes = plt.subplots(2, 2, figsize=(WIDEST, 7.4))
    _draw_errors(axes[0, 0], data, {name: 1.0 for name in _COLOURS}, "steps")
    _draw_errors(axes[0, 1], data, _data_read(data), "data read")
    _draw_ratios(axes[1, 0], data)
    _draw_variances(axes[1, 1], data)
    axes[0, 0].legend()
    label_panels(axes)
    return figure


def _words(data: Arrays) -> dict[str, str]:
    size, number = int(data["batch_size"]), int(data["references"])
    return {
        "DSM": f"DSM, batch {size}",
        "shared": f"{number} shared references, batch {size}",
        "own": f"{number} references each, batch {size}",
        "double": f"DSM, batch {2 * size}",
        "large": f"DSM, batch {number}",
    }


def _data_read(data: Arrays) -> dict[str, float]:
    """A step's data, where each that is drawn counts."""
    size, number = float(data["batch_size"]), float(data["references"])
    return {"DSM": size, "shared": number, "own": size * number, "double": 2 * size, "large": number}


def _draw_errors(axis: Axes, data: Arrays, scale: dict[str, float], words: str) -> None:
    steps = data["steps"][1:]
    for name, colour in _COLOURS.items():
        found = mean_over(mean_errors(data, name)[:, 1:])
        axis.errorbar(
            scale[name] * steps, found.value, yerr=found.half_width, fmt="o-", ms=3, lw=1, color=colour,
            label=_words(data)[name],
        )  # fmt: skip
    axis.set(xscale="log", yscale="log")
    axis.set_xlabel(words)
    axis.set_ylabel("error w E|D − D*|², mean over noise levels")


def _draw_ratios(axis: Axes, data: Arrays) -> None:
    levels = data["levels"]
    for name, colour in list(_COLOURS.items())[1:]:
        found = [log_ratio_at(data, name, "DSM", np.array([place])) for place in range(len(levels))]
        value, error = (np.array([getattr(each, part) for each in found]) for part in ("value", "half_width"))
        axis.errorbar(levels, value, yerr=error, fmt="o-", ms=3, lw=1, color=colour, label=_words(data)[name])
    axis.axhline(0, color=BLACK, lw=0.8)
    axis.set_xscale("log")
    axis.set_xlabel("noise level σ")
    axis.set_ylabel("ln (late error / that of DSM)")


def _draw_variances(axis: Axes, data: Arrays) -> None:
    levels, number = data["levels"], int(data["references"])
    for row, colour, label in zip(data["variance"], (BLACK, VERMILION), ("DSM", f"{number} references"), strict=True):
        axis.plot(levels, row, "o-", ms=3, lw=1, color=colour, label=f"σ²V, {label}")
    axis.plot(levels, variance_ratio(data), "s--", ms=3, lw=1, color=PINK, label="their ratio")
    axis.set_xscale("log")
    axis.set_xlabel("noise level σ")
    axis.set_ylabel("variance of the target")
    axis.legend()
