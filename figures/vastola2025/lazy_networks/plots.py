"""Panels of the figure `lazy_networks`: variances by training time, emergence, networks."""

import numpy as np
from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import (
    BLACK,
    SMALLEST,
    VERMILION,
    WIDEST,
    label_panels,
    mode_colours,
    plt,
    setting_colours,
    styled,
)
from figures.vastola2025.lazy_networks.claims import RATIO
from figures.vastola2025.lazy_networks.experiment import ORDERS
from figures.vastola2025.lazy_networks.statistics import (
    distance_of_covariances,
    emergence_times,
    has_mean,
    median_covariance_ratio,
    member_moments,
    predicted_variance,
    upper_triangle,
    variance_of,
)
from sims.measurements.modes import mode_covariances

CAPTION = (
    "Variance switches on mode by mode, later than the mean: time to half of the largest value has the exponent "
    "{{emergence of the variance to half of its largest value|value .2f}} in the rates, the mean {{emergence of "
    "the mean|value .2f}}. Wide networks follow their tangent kernel."
)


@styled
def draw(data: Arrays) -> Figure:
    figure, axes = plt.subplots(2, 3, figsize=(WIDEST, 7.6))
    _draw_variances(axes[0, 0], data)
    _draw_first_order(axes[0, 1], data)
    _draw_printed(axes[0, 2], data)
    _draw_emergence(axes[1, 0], data)
    _draw_network_pairs(axes[1, 1], data)
    _draw_network_ratios(axes[1, 2], data)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), columnspacing=1.0)
    label_panels(axes)
    return figure


def _draw_variances(axis, data: Arrays) -> None:
    row, rates, draws = len(data["draws"]) - 1, data["rates"], data["draws"][-1]
    colours = mode_colours(len(rates))
    measured = np.var(data["weights"][row], axis=0, ddof=1)
    for mode in range(0, len(rates), 2):
        style = {"color": colours[mode], "lw": 1.2}
        first, printed = (rates[mode] * data[f"variance_{order}"][:, mode] / draws for order in ORDERS)
        axis.plot(data["fine_times"], first, **style)
        axis.plot(data["fine_times"], printed, "--", **style)
        axis.plot(data["times"], rates[mode] * measured[:, mode], "o", ms=3.5, color=colours[mode])
        axis.plot([], [], "o-", ms=3.5, **style, label=f"mode {mode + 1}, $l$ = {rates[mode]:.2g}")
    axis.plot([], [], "--", color="0.4", label="a: Eq. 16 alone")
    floor = 1e-3 * rates[-1] * data["final_fixed_design"][-1] / draws
    axis.set(xscale="log", yscale="log", xlabel="training time τ", ylabel="variance of the output along the mode")
    axis.set_ylim(bottom=floor)
    axis.set_title(f"linear features, P = {draws}: points trained,\nlines first order with design variance")


def _draw_first_order(axis, data: Arrays) -> None:
    colours = setting_colours(len(data["draws"]))
    for row, (draws, colour) in enumerate(zip(data["draws"], colours, strict=True)):
        ratio = np.var(data["weights"][row], axis=0, ddof=1) / predicted_variance(data, "first_order", row)[:-1]
        axis.plot((data["times"][:, None] * data["rates"]).ravel(), ratio.ravel(), ".", color=colour)
        axis.plot([], [], ".", color=colour, label=f"P = {draws}")
    axis.axhspan(1 - RATIO, 1 + RATIO, color="0.9", lw=0, zorder=0, label="within 10 %")
    axis.set(xscale="log", yscale="log", xlabel="eigenvalue × training time, $l_k τ$")
    axis.set_ylabel("measured / first-order variance")
    axis.set_title("with the design variance, every mode")
    ticks = (0.5, 1, 2, 5)
    axis.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.minorticks_off()
    axis.legend(loc="upper left")


def _draw_printed(axis, data: Arrays) -> None:
    row, colours = len(data["draws"]) - 1, mode_colours(len(data["rates"]))
    ratio = np.var(data["weights"][row], axis=0, ddof=1) / predicted_variance(data, "fixed_design", row)[:-1]
    theory = data["variance_first_order"] / data["variance_fixed_design"]
    for mode, rate in enumerate(data["rates"]):
        axis.plot(rate * data["times"], ratio[:, mode], ".", color=colours[mode])
        axis.plot(rate * data["fine_times"], theory[:, mode], color=colours[mode], lw=0.9)
    axis.axhline(1, color="0.5", lw=0.8)
    axis.set(xscale="log", yscale="log", xlabel="eigenvalue × training time, $l_k τ$")
    axis.set_ylabel("variance over that of Eq. 16")
    axis.set_title("Eq. 16, at fixed (x, t), alone; points trained,\nlines first order with design variance")


def _draw_emergence(axis, data: Arrays) -> None:
    row, times, rates = len(data["draws"]) - 1, data["times"], data["rates"]
    moments = member_moments(data, row)
    variance, mean = variance_of(moments.mean(axis=0), len(moments)), np.abs(moments[:, 0].mean(axis=0))
    predicted, odd = predicted_variance(data, "first_order", row), has_mean(data, row)
    for level, marker, words in (("end", "o", "final"), ("peak", "s", "largest")):
        label, style = f"variance, half of {words}", {"color": VERMILION, "mfc": "none"}
        axis.plot(rates, emergence_times(times, variance, level), marker, label=label, **style)
        axis.plot(rates, emergence_times(times, predicted, level), "kx", ms=5)
    timed = emergence_times(times, mean[:, odd], "end")
    axis.plot(rates[odd], timed, "^", color=VERMILION, label="mean, half of final")
    axis.plot([], [], "kx", label="first order")
    ends = np.array([rates.min(), rates.max()])
    axis.plot(ends, np.log(2) / ends, color=BLACK, lw=0.9, label="ln 2 / $l$, the mean")
    axis.plot(ends, -np.log1p(-(0.5**0.5)) / ends, "--", color=BLACK, lw=0.9, label="1.23 / $l$, Eq. 16")
    axis.set(xscale="log", yscale="log", xlabel="eigenvalue $l$ of E[$wφφ^T$]", ylabel="emergence time τ")
    axis.set_title(f"emergence of variance and mean, P = {data['draws'][row]}")
    axis.legend(loc="lower left", borderaxespad=0.1, labelspacing=0.2)


def _draw_network_pairs(axis, data: Arrays) -> None:
    widest, colours = data["network_width"].max(), setting_colours(len(data["network_width"]))
    low, high = 0.0, 0.0
    for run in np.flatnonzero(data["network_width"] == widest):
        predicted = upper_triangle(data["network_predicted"][run])
        measured = upper_triangle(mode_covariances(data["network_outputs"][run]))
        low, high = min(low, float(predicted.min())), max(high, float(predicted.max()))
        axis.plot(predicted, measured, ".", ms=3, color=colours[run], label=f"τ = {data['network_time'][run]:g}")
    axis.plot([low, high], [low, high], color="0.5", lw=0.8)
    axis.set(xlabel="predicted covariance of σ × score", ylabel="measured covariance of σ × score")
    axis.set_title(f"width {widest:g}, P = {data['network_draws']}: pairs of points")
    axis.legend(loc="upper left", markerscale=2)


def _draw_network_ratios(axis, data: Arrays) -> None:
    runs, labels = np.arange(len(data["network_width"])), []
    for run in runs:
        ratio, distance = median_covariance_ratio(data, int(run)), distance_of_covariances(data, int(run))
        axis.errorbar(run, ratio.value, ratio.half_width, fmt="o", color=VERMILION)
        place = f"{data['network_width'][run]:g}\n{data['network_time'][run]:g}"
        labels.append(f"{place}\n{max(distance.centre, 0.0):.3f}")
    axis.axhspan(1 - RATIO, 1 + RATIO, color="0.9", lw=0, zorder=0)
    axis.set_xticks(runs, labels, fontsize=SMALLEST)
    axis.set_xlim(-0.6, len(runs) - 0.4)
    axis.margins(y=0.15)
    axis.set(xlabel="width, training time τ, relative distance", ylabel="measured / predicted, median over pairs")
    axis.set_title("lazy prediction; grey: within 10 %, bars: 95 %")
