"""Variance and KL by the first noise level, in few steps and in training, and nats after few samples."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import (
    BLACK,
    PINK,
    SKY,
    VERMILION,
    WIDEST,
    label_panels,
    mode_colours,
    plt,
    setting_colours,
    styled,
)
from figures.franzese2022.diffusion_time.statistics import log_best_start, middle_mode, third
from sims.measurements.estimates import mean_over
from theory.sampling_questions.diffusion_time import best_start_of_mode

CAPTION = (
    "Linear denoisers (points: trained, with 95 % intervals; lines: theory), sampled by DDIM from N(0, σ_T²); σ in "
    "units of √λ of the middle mode. a, b: variance of that mode by σ_T in N steps, end of training; dotted: "
    "tan(πN/2(N + 1)), from where the mismatch of the start costs one step, in steps: "
    "{{Gaussian data: the mismatch costs one step|value .3f}} "
    "{{Gaussian data: the mismatch costs one step|interval .3f}} in a. c: KL of all modes in the fewest steps, at "
    "levels that are the best for the middle mode, in training. d: its best σ_T. e: ∂ ln λ̃/∂ ln σ_T in fine steps, ψ "
    "the gain at σ_T. f: nats lost by networks that fitted P samples, over "
    "the least of theory, on a scale that leaves out points at or below it; dotted: theory's best σ_T."
)
DIFFERS = "all of it: the paper trains nonlinear networks on images and its statement is not on samplers of few steps."
_NATS_SHOWN, _STARTS_SHOWN = (1e-8, 1.0), 3.0


@styled
def draw(data: Arrays) -> Figure:
    figure, axes = plt.subplots(2, 3, figsize=(WIDEST, 7.2))
    _draw_mode(axes[0, 0], data, "gaussian", "Gaussian data")
    _draw_mode(axes[0, 1], data, "photographs", "photographs")
    _draw_divergences(axes[0, 2], data, "gaussian")
    _draw_best(axes[1, 0], data)
    _draw_slopes(axes[1, 1], data, "gaussian")
    _draw_nats(axes[1, 2], data)
    label_panels(axes)
    return figure


def _units(data: Arrays, where: str, name: str) -> np.ndarray:
    return data[f"{name}_{where}"][0] / np.sqrt(data[f"variance_{where}"][0, middle_mode(data, where)])


def _draw_mode(axis: Axes, data: Arrays, where: str, words: str) -> None:
    mode, starts = middle_mode(data, where), _units(data, where, "starts")
    variance = data[f"variance_{where}"][:, mode]
    for steps, colour in zip(data["steps"], setting_colours(len(data["steps"])), strict=True):
        theory, trained = (
            np.exp(data[f"log_{which}_{steps}_{where}"][:, -1, :, mode]) / variance[:, None]
            for which in ("theory", "trained")
        )
        found = mean_over(trained)
        axis.plot(starts, theory.mean(axis=0), color=colour, lw=1.2)
        axis.errorbar(
            starts, found.value, yerr=found.half_width, fmt="o", ms=3, lw=0.8, color=colour, label=f"N = {steps}"
        )
        axis.axvline(float(best_start_of_mode(1.0, int(steps))), color=colour, ls=":", lw=1.0)
    axis.set(xscale="log", ylim=(0.3, 1.0), xlabel="first level $σ_T/\\sqrt{λ}$", ylabel="generated variance λ̃/λ")
    axis.set_title(f"{words}, middle mode")
    axis.legend(loc="lower right")


def _draw_divergences(axis: Axes, data: Arrays, where: str) -> None:
    fewest, starts, times = int(data["steps"][0]), _units(data, where, "starts"), data[f"times_{where}"][0]
    for time, colour in enumerate(setting_colours(times.size)):
        found = mean_over(data[f"divergence_trained_{fewest}_{where}"][:, time])
        axis.plot(starts, data[f"divergence_theory_{fewest}_{where}"][0, time], color=colour, lw=1.2)
        label = f"ητ = {times[time]:.3g}"
        axis.errorbar(starts, found.value, yerr=found.half_width, fmt="o", ms=3, lw=0.8, color=colour, label=label)
    axis.set(xscale="log", yscale="log", xlabel="first level $σ_T/\\sqrt{λ}$", ylabel="KL to the data, nats")
    axis.set_title(f"Gaussian data, N = {fewest}")
    axis.legend(ncols=2, loc="upper right")
    low, high = axis.get_ylim()
    axis.set_ylim(low, high * 3)


def _draw_best(axis: Axes, data: Arrays) -> None:
    fewest = int(data["steps"][0])
    for where, words, colour, marker in (
        ("gaussian", "Gaussian data", VERMILION, "o"),
        ("photographs", "photographs", SKY, "s"),
    ):
        times = data[f"times_{where}"].mean(axis=0) * data[f"variance_{where}"][:, 0].mean()
        theory, trained = (
            np.stack([log_best_start(data, which, where, fewest, time) for time in range(times.size)], axis=1)
            for which in ("theory", "trained")
        )
        found = mean_over(trained)
        bars = np.abs(np.exp(found.value + np.array([[-1], [1]]) * found.half_width) - np.exp(found.value))
        axis.plot(times, np.exp(theory.mean(axis=0)), "_", ms=14, mew=1.5, color=BLACK)
        axis.errorbar(times, np.exp(found.value), yerr=bars, fmt=marker, ms=4, color=colour, label=f"{words}, trained")
    axis.plot([], [], "_", ms=14, mew=1.5, color=BLACK, label="theory")
    axis.set(
        xscale="log",
        yscale="log",
        xlabel="training time ητ × largest variance",
        ylabel="best first level $σ_T/\\sqrt{λ}$",
    )
    axis.set_yticks([5, 10, 20, 40], ["5", "10", "20", "40"])
    axis.minorticks_off()
    axis.set_title(f"best start in training, N = {fewest}")
    axis.legend()


def _draw_slopes(axis: Axes, data: Arrays, where: str) -> None:
    levels, time = _units(data, where, "slope_levels"), third(data, where)
    shown = np.linspace(0, data[f"variance_{where}"].shape[1] - 1, 3).astype(int)
    found = mean_over(data[f"slope_trained_{where}"][:, time])
    for mode, colour in zip(shown, mode_colours(shown.size), strict=True):
        label = f"λ = {data[f'variance_{where}'][0, mode]:.2g}"
        axis.plot(levels, data[f"slope_theory_{where}"][0, time, :, mode], color=colour, lw=1.2)
        value, half = found.value[:, mode], found.half_width[:, mode]
        axis.errorbar(levels, value, yerr=half, fmt="o", ms=3, lw=0.8, color=colour, label=label)
    axis.set(xscale="log", xlabel="first level $σ_T/\\sqrt{λ}$", ylabel="$\\partial\\ln\\tildeλ/\\partial\\ln σ_T$")
    axis.set_title(f"Gaussian data, fine steps, ητ = {data[f'times_{where}'][0, time]:.3g} (lines: 2ψ)")
    axis.legend()


def _draw_nats(axis: Axes, data: Arrays) -> None:
    few, more = data["few_samples"]
    ends = (
        (f"gaussian_{few}", f"Gaussian, P = {few}", VERMILION, "o"),
        (f"gaussian_{more}", f"Gaussian, P = {more}", PINK, "^"),
        (f"photographs_{few}", f"photographs, P = {few}", SKY, "s"),
    )
    for end, words, colour, marker in ends:
        levels = data[f"nats_levels_{end}"]
        least = data[f"nats_theory_{end}"].min()
        end_of_theory = data[f"nats_theory_{end}"][-1]
        # Errors below the range shown are the same from every start: only what a start changes is compared.
        trained = data[f"nats_trained_{end}"] - data[f"nats_trained_{end}"][:, -1:] + end_of_theory
        unit = np.sqrt(data["variance_gaussian" if "gaussian" in end else "variance_photographs"].mean(axis=0))
        places, found = levels / unit[unit.size // 2], mean_over(trained - least)
        shown = places > _STARTS_SHOWN
        axis.plot(places[shown], (data[f"nats_theory_{end}"] - least)[shown], color=colour, lw=1.2)
        axis.errorbar(
            places[shown][::2],
            found.value[shown][::2],
            yerr=found.half_width[shown][::2],
            fmt=marker,
            ms=3,
            lw=0.8,
            color=colour,
            label=words,
        )
        axis.axvline(float(data[f"best_start_{end}"]) / unit[unit.size // 2], color=colour, ls=":", lw=1.0)
    axis.set(
        xscale="log",
        yscale="log",
        ylim=_NATS_SHOWN,
        xlabel="first level $σ_T/\\sqrt{λ}$",
        ylabel="nats lost, over the least",
    )
    axis.set_title("fitted to P samples, fine steps")
    axis.legend()
