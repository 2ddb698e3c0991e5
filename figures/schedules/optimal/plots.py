"""KL by schedule and number of steps, the optimal levels, how they move in training, and trained networks."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import BLACK, KINDS, VERMILION, WIDEST, label_panels, plt, setting_colours, styled
from figures.schedules.optimal.experiment import SCHEDULES
from figures.schedules.optimal.statistics import EDM, IDEAL, LEARNED, OPTIMAL, OWN, names, predicted, realised

CAPTION = (
    "How far what DDIM generates is from Gaussian data, KL in nats. a, b: of the ideal denoiser, by schedule and "
    "number of steps. c: optimal levels and EDM's. d: levels that are optimal at training time τ, for the "
    "Gaussian; early on some bunch, and are steps that the network is better without. e, f: linear networks, one "
    "matrix per noise level: by how much optimal levels are better than EDM's on held-back samples, with 95 % "
    "intervals, when a quarter, half and all of the modes are learned."
)
_COLOURS = (*KINDS, BLACK, BLACK)
_STYLES = ("-", "-", "-", "-", "--", "-")


@styled
def draw(data: Arrays) -> Figure:
    figure, axes = plt.subplots(2, 3, figsize=(WIDEST, 7.0))
    for row, axis in enumerate(axes[0, :2]):
        _draw_divergences(axis, data, row)
    _draw_levels(axes[0, 2], data)
    _draw_moving(axes[1, 0], data)
    for row, axis in enumerate(axes[1, 1:]):
        _draw_gains(axis, data, row)
    label_panels(axes)
    return figure


def _draw_divergences(axis: Axes, data: Arrays, row: int) -> None:
    for at, (name, colour, style) in enumerate(zip(SCHEDULES, _COLOURS, _STYLES, strict=True)):
        axis.loglog(
            data["steps"], data["divergence"][row, :, at], style, marker="o", ms=3, lw=1.3, color=colour, label=name
        )
    axis.set_xticks(data["steps"], [str(number) for number in data["steps"]])
    axis.minorticks_off()
    axis.set_xlabel("steps N")
    axis.set_ylabel("KL, nats")
    axis.set_title(f"{names(data)[row]}, ideal denoiser")
    if row == 0:
        axis.set_ylim(top=30 * axis.get_ylim()[1])
        axis.legend(loc="upper right")


def _shown(data: Arrays) -> int:
    """The number of steps whose levels are shown: the largest but one."""
    return int(data["steps"][-2])


def _draw_levels(axis: Axes, data: Arrays) -> None:
    steps = _shown(data)
    edm = np.linspace(80 ** (1 / 7), 0.002 ** (1 / 7), steps) ** 7
    axis.semilogy(np.arange(steps), edm, "o-", ms=3, lw=1, color=_COLOURS[EDM], label=SCHEDULES[EDM])
    for row, (name, style) in enumerate(zip(names(data), ("o-", "o:"), strict=True)):
        levels = data[f"levels_{steps}"][row, :-1]
        axis.semilogy(np.arange(steps), levels, style, ms=3, lw=1, color=BLACK, label=f"optimal, {name}")
    axis.set_xlabel("step")
    axis.set_ylabel("noise level σ")
    axis.set_title(f"levels of {steps} steps")
    axis.legend()


def _draw_moving(axis: Axes, data: Arrays) -> None:
    levels, times = data["moved_levels"][0, :, 1:-1], data["moved_times"][0] * data["variance"][0].max()
    for level, colour in zip(levels.T, setting_colours(levels.shape[1]), strict=True):
        axis.loglog(times, level, color=colour, lw=1.3)
    axis.set_xlabel("training time ητ × largest variance")
    axis.set_ylabel("noise level σ")
    axis.set_title(f"optimal levels of {levels.shape[1] + 1} steps at τ, {names(data)[0]}")


def _draw_gains(axis: Axes, data: Arrays, row: int) -> None:
    for tried, mark, shift, words in ((OWN, "o", 0.12, "optimal at τ"), (IDEAL, "s", -0.12, "optimal, ideal denoiser")):
        found = [realised(data, row, time, tried) for time in range(len(LEARNED))]
        theory = [predicted(data, row, time, tried) for time in range(len(LEARNED))]
        place = np.arange(len(LEARNED)) + shift
        axis.hlines(theory, place - 0.1, place + 0.1, color=BLACK, lw=1.5)
        value, error = (np.array([float(getattr(each, part)) for each in found]) for part in ("value", "half_width"))
        axis.errorbar(place, value, yerr=error, fmt=mark, ms=5, mfc="none", color=VERMILION, label=f"trained, {words}")
    axis.plot([], [], color=BLACK, lw=1.5, label="theory")
    axis.set_xticks(range(len(LEARNED)), [f"{words}" for words in LEARNED])
    axis.set_xlabel("of the modes learned")
    axis.set_ylabel("gain over EDM, ρ = 7, nats")
    axis.set_ylim(bottom=min(0.0, axis.get_ylim()[0]))
    axis.set_title(f"{names(data)[row]}, {data['moved_levels'].shape[-1] - 1} steps")
    axis.legend()


# --- Words below the picture ---


def advise(data: Arrays) -> str:
    """The optimal levels of the second set of data, and what they gain over EDM's."""
    unit, gains = float(data["unit"]), data["divergence"][1, :, EDM] - data["divergence"][1, :, OPTIMAL]
    lists = [
        f"{steps} steps, {gain:.3g} nats better: {_written(data[f'levels_{steps}'][1])}"
        for steps, gain in zip(data["steps"], gains, strict=True)
    ]
    return (
        f"Noise levels σ/α for {names(data)[1]}, for DDIM, divided by {unit:.4g} so that a coordinate has a standard "
        f"deviation of .5 in the mean (multiply levels, the first too, by that number for data as they are), and what "
        f"they gain in KL, summed over the modes, over EDM's with ρ = 7 from 80 to .002 if the denoiser is the best "
        f"linear one. {'; '.join(lists)}. The first level is EDM's; it is free in optimal_schedule_and_start."
    )


def _written(levels: np.ndarray) -> str:
    return ", ".join(f"{level:.4g}" for level in levels)


def notes(data: Arrays) -> list[str]:
    """The advice, and what a reader of these data's picture has to know."""
    left, modes = float(data["variance_left"]), data["variance"].shape[1]
    found = [advise(data)]
    if left > 1e-6:
        found.append(
            f"Of {names(data)[1]} the leading {modes} principal components were looked at; {100 * left:.2g} % of the "
            "variance lie beyond."
        )
    return found
