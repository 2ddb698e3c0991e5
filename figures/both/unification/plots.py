"""The drawing of the figure `unification`: lines are theory, points are trained ensembles."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.both.unification.half_times import half_times
from figures.common.panels import draw_mode_curves
from figures.common.stages import Arrays
from figures.common.style import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PINK,
    VERMILION,
    label_panels,
    mode_colours,
    plt,
    setting_colours,
    styled,
)
from sims.measurements.estimates import Estimate, mean_over
from sims.measurements.modes import first_crossing

CAPTION = (
    "One linear denoiser over training sets: its mean is the spectral law and its covariance the V-kernel, at "
    "every training time, to {{variance of weights over draws, σ = 0.3|value .3f}} {{variance of weights over "
    "draws, σ = 0.3|interval .3f}} of the variance."
)


@styled
def draw(data: Arrays) -> Figure:
    figure, axes = plt.subplots(4, 2, figsize=(9.5, 13.5))
    draw_panels = (
        _draw_gains,
        _draw_variances,
        _draw_ratios,
        _draw_half_times,
        _draw_scores,
        _draw_noises,
        _draw_scarce_gains,
        _draw_scarce_loss,
    )
    for axis, draw_panel in zip(axes.flat, draw_panels, strict=True):
        draw_panel(axis, data)
    label_panels(axes)
    return figure


def _draw_gains(axis: Axes, data: Arrays) -> None:
    variance, level = data["variance"], data["noise_levels"][0]
    gain = Estimate(data["gain"][:, 0], data["gain_stderr"][:, 0], int(data["members"]))
    shown = np.arange(len(variance))
    draw_mode_curves(axis, variance, shown, (data["fine_times"], data["gain_curve"][:, 0]), data["times"][:, 0], gain)
    axis.set_title(f"mean over draws: spectral law, σ = {level:g}")
    axis.set_ylabel("mean of $W_{kk}$")
    axis.legend(loc="upper left")


def _half_width(data: Arrays, name: str, members: str = "members") -> np.ndarray:
    """Of the 95 % interval over members."""
    return Estimate(data[name], data[f"{name}_stderr"], int(data[members])).half_width


def _draw_variances(axis: Axes, data: Arrays) -> None:
    """Diagonal elements: total, and what Eq. 16 keeps of it."""
    colours, count = mode_colours(len(data["variance"])), float(data["data"])
    for mode in range(0, len(data["variance"]), 2):
        element = np.s_[:, 0, mode, mode]
        axis.plot(data["fine_times"], count * data["total_curve"][element], color=colours[mode], lw=1.2)
        axis.plot(data["fine_times"], count * data["targets_curve"][element], "--", color=colours[mode], lw=1)
        axis.errorbar(
            data["times"][:, 0],
            count * data["weight_variance"][element],
            yerr=count * _half_width(data, "weight_variance")[element],
            fmt="o",
            ms=2.8,
            lw=0.8,
            color=colours[mode],
            label=f"λ = {data['variance'][mode]:.2g}",
        )
    axis.set(xscale="log", yscale="log", xlabel="training time ητ", ylabel="$P$ Var $W_{kk}$")
    axis.set_title(f"variance over P = {count:g} draws; dashed: Eq. 16, given inputs")
    axis.legend(loc="lower right")


def _draw_ratios(axis: Axes, data: Arrays) -> None:
    axis.axhspan(0.95, 1.05, color="0.92", lw=0)
    rows = [
        (f"σ = {level:g}, {name}", data["times"][:, column], values[:, column], bars[:, column], colour, marker)
        for column, (level, marker) in enumerate(zip(data["noise_levels"], "os", strict=False))
        for name, values, bars, colour in (
            ("both terms", data["shared_ratio"][0], _half_width(data, "shared_ratio")[0], BLUE),
            ("Eq. 16 alone", data["alone_ratio"], _half_width(data, "alone_ratio"), PINK),
        )
    ]
    few, ratio = data["few_times"], float(data["few_ratio"])
    for name, label, colour, marker in (
        ("few_leading", f"d/P = {ratio:g}, order 1/P", ORANGE, "^"),
        ("few_any_ratio", f"d/P = {ratio:g}, any ratio", GREEN, "v"),
    ):
        rows.append((label, few, data[name], _half_width(data, name, "few_members"), colour, marker))
    for label, times, value, bars, colour, marker in rows:
        axis.errorbar(times, value, yerr=bars, fmt=f"{marker}-", ms=3, lw=0.8, color=colour, label=label)
    axis.set(xscale="log", yscale="log", xlabel="training time ητ", ylabel="measured / predicted variance")
    axis.set_title("mean over all elements; grey: within 5 %")
    axis.legend(loc="upper right")


def _draw_half_times(axis: Axes, data: Arrays) -> None:
    power = data["variance"] + data["noise_levels"][0] ** 2
    times, gain = data["times"][:, 0], data["gain_theory"][:, 0]
    # The same snapshots as those of the networks, whose spacing interpolation does not bridge exactly.
    gains = first_crossing(times, gain, gain[-1] / 2)
    variances, measured = half_times(times, data["total_theory"][:, 0]), mean_over(data["half_times"])
    axis.loglog(power, gains, "-", color=BLACK, lw=1.2, label="mean $W_{ll}$: spectral law")
    axis.loglog(power, variances, "--", color=BLACK, lw=1.2, label="Var $W_{dl}$: V-kernel")
    axis.plot(power, data["half_times_of_gains"], "o", ms=4, color=VERMILION, label="trained, mean $W_{ll}$")
    bars = {"yerr": measured.half_width, "fmt": "s", "ms": 4, "color": VERMILION}
    axis.errorbar(power, measured.value, **bars, label="trained, Var $W_{dl}$")
    axis.set_xticks([0.1, 0.3, 1, 3], labels=["0.1", "0.3", "1", "3"])
    axis.set_yticks([0.1, 0.3, 1, 3], labels=["0.1", "0.3", "1", "3"])
    axis.minorticks_off()
    axis.set(xlabel="$λ_l + σ^2$ of the input mode", ylabel="half-time ητ")
    axis.set_title("variance switches on in the law's order")
    axis.legend(loc="upper right")


def _draw_scores(axis: Axes, data: Arrays) -> None:
    colours = setting_colours(len(data["score_times"]))
    for time, measured, predicted, colour in zip(
        data["score_times"], data["score_measured"], data["score_predicted"], colours, strict=True
    ):
        scale, correlation = np.abs(predicted).max(), np.corrcoef(measured, predicted)[0, 1]
        axis.plot(
            predicted / scale,
            measured / scale,
            ".",
            ms=2.5,
            color=colour,
            label=f"ητ = {time:.2g}, corr. {correlation:.3f}",
            rasterized=True,
        )
    axis.axline((0, 0), slope=1, color="0.5", lw=0.8, zorder=0)
    axis.set(xlabel="predicted, over its maximum", ylabel="measured covariance of the score")
    axis.set_title("V-kernel in training time, all pairs")
    axis.legend(loc="upper left", markerscale=3)


def _draw_noises(axis: Axes, data: Arrays) -> None:
    """Mean variance of an element against m at fixed n, at three times of training."""
    noises, times = data["noises"], data["times"][:, 0]
    count = len(times)
    chosen = (count // 4, count // 2, count - 1)
    for index, colour in zip(chosen, setting_colours(len(chosen)), strict=True):
        measured, theory = (data[f"shared_{name}"][:, index, 0] for name in ("measured", "theory"))
        errors = measured * _half_width(data, "shared_ratio")[:, index, 0]
        label = f"ητ = {times[index]:.2g}"
        axis.errorbar(noises, measured, yerr=errors, fmt="o", ms=3.5, lw=0.8, color=colour, label=label)
        axis.plot(noises, theory, "_", ms=14, mew=1.2, color=colour)
        axis.axhline(data["shared_endless"][0, index, 0], color=colour, lw=0.8, ls=":")
    axis.plot([], [], "_", ms=14, mew=1.2, color=BLACK, label="theory")
    axis.plot([], [], ":", lw=0.8, color=BLACK, label="theory, m = ∞")
    axis.set(xscale="log", yscale="log", xlabel="noises per datum m", ylabel="Var $W_{kl}$, mean over elements")
    axis.set_xticks(noises, labels=[f"{m}" for m in noises])
    axis.xaxis.minorticks_off()
    axis.set_title(f"n = {int(data['data'])} data, each with m noises")
    axis.legend(loc="upper right")


def _draw_scarce_gains(axis: Axes, data: Arrays) -> None:
    variance, times, fine = data["scarce_variance"], data["scarce_times"], data["scarce_fine_times"]
    shown = np.unique(np.geomspace(1, len(variance), 5).astype(int)) - 1
    gain = Estimate(data["scarce_gain"], data["scarce_gain_stderr"], len(data["scarce_loss_of_sets"]))
    draw_mode_curves(axis, variance, shown, (fine, data["scarce_gain_theory_curve"]), times, gain)
    for mode, colour in zip(shown, mode_colours(len(shown)), strict=True):
        axis.plot(fine, data["scarce_gain_naive_curve"][:, mode], ":", color=colour, lw=1)
    axis.set_title(f"n = {int(data['scarce_data'])} data, d = {len(variance)}; dotted: infinite data")
    axis.set_ylabel("mean of $W_{kk}$")
    axis.legend(loc="upper left")


def _draw_scarce_loss(axis: Axes, data: Arrays) -> None:
    times, fine = data["scarce_times"], data["scarce_fine_times"]
    axis.plot(fine, data["scarce_loss_theory_curve"], color=BLACK, lw=1.2, label="deterministic equivalent")
    axis.plot(fine, data["scarce_loss_naive_curve"], ":", color=BLACK, lw=1, label="infinite data")
    loss = Estimate(data["scarce_loss"], data["scarce_loss_stderr"], len(data["scarce_loss_of_sets"]))
    axis.errorbar(
        times,
        loss.value,
        yerr=loss.half_width,
        fmt="o",
        ms=3,
        lw=0.8,
        color=VERMILION,
        label="trained, mean over data sets",
    )
    axis.set(xscale="log", xlabel="training time ητ", ylabel="loss on fresh data")
    axis.set_title(f"all noise averaged: no overfitting, σ = {data['scarce_level']:g}")
    axis.legend(loc="upper right")
