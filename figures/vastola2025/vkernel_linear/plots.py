"""Panels of the figure `vkernel_linear`: all pairs of places, correlations, ratios and leverage."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import BLUE, GREEN, ORANGE, PINK, SMALLEST, WIDEST, fraction, label_panels, plt, styled
from figures.vastola2025.vkernel_linear.comparison import ORDERS
from figures.vastola2025.vkernel_linear.experiment import LINEAR_WIDTH
from figures.vastola2025.vkernel_linear.statistics import case_words, estimate_of

CAPTION = (
    "The V-kernel with every sample's own leverage is right where training sets are large: at F/P = 1/16 its "
    "relative distance from the measured one is {{V-kernel, Gaussian features, F/P = 0.0625|value .3f}} "
    "{{V-kernel, Gaussian features, F/P = 0.0625|interval .3f}}."
)

WORDS = {
    "leading": "Eq. 13",
    "corrected": "Eq. 13 /(1 - F/P)",
    "deterministic_equivalent": "equal leverage",
    "local_equivalent": "own leverage",
}

_LEAST_LEVERAGE = 1e-5  # smaller ones are drawn there

COLOURS = dict(zip(WORDS, (ORANGE, GREEN, PINK, BLUE), strict=True))


@styled
def draw(data: Arrays) -> Figure:
    cases = len(data["fourier"])
    figure = plt.figure(figsize=(WIDEST, 12.4))
    upper, lower = np.asarray(figure.subfigures(2, 1, height_ratios=(3, 1.25)))
    upper.suptitle(
        "V = D Cov[s, s'] D' of the learned score s between all pairs of places, over the largest predicted variance\n"
        "(D: diffusion coefficient; colour: number of pairs, logarithmic, up to the panel's most; ± and bars: 95 %)"
    )
    axes = upper.subplots(len(ORDERS), cases, sharex=True, sharey=True)
    for row, order in enumerate(ORDERS):
        for case in range(cases):
            _draw_pairs(axes[row, case], data, case, order)
        axes[row, 0].set_ylabel(f"measured\n(against {WORDS[order]})")
    for case in range(cases):
        axes[0, case].set_title(case_words(data, case).replace(", ", "\n"))
        axes[-1, case].set_xlabel("predicted")
    panels = lower.subplots(1, 4, width_ratios=(1, 1, 1.15, 1.15))
    _draw_correlations(panels[0], data)
    _draw_ratios(panels[1], data)
    _draw_leverage(panels[2], data, 1)
    _draw_leverage(panels[3], data, cases - 1)
    keys = [axis.get_legend_handles_labels() for axis in panels]
    shown = {label: handle for handles, labels in keys for handle, label in zip(handles, labels, strict=True)}
    lower.legend(shown.values(), shown.keys(), loc="outside lower center", ncols=len(shown))
    label_panels(np.concatenate([axes.ravel(), panels]))
    return figure


def _draw_pairs(axis: Axes, data: Arrays, case: int, order: str) -> None:
    """Histogram of all pairs on axes that are linear near zero and logarithmic beyond."""
    counts, edges = data["histogram"][case, ORDERS.index(order)], data["edges"]
    shown = np.ma.masked_less(counts.T, 1)
    axis.pcolormesh(edges, edges, shown, norm=LogNorm(1, max(float(counts.max()), 2.0)), rasterized=True)
    axis.plot(edges[[0, -1]], edges[[0, -1]], color="0.5", lw=0.8, zorder=3)
    for which in ("x", "y"):
        getattr(axis, f"set_{which}scale")("asinh", linear_width=LINEAR_WIDTH)
        getattr(axis, f"set_{which}ticks")([-1.0, -1e-2, 0.0, 1e-2, 1.0], ["-1", "-.01", "0", ".01", "1"])
    correlation = estimate_of(data, "correlation", case, order)
    text = f"r = {correlation.value:.3f} ± {correlation.half_width:.3f}"
    axis.text(0.04, 0.96, text, transform=axis.transAxes, va="top", fontsize=SMALLEST)


def _labels(data: Arrays) -> list[str]:
    return [
        f"{'Fourier' if fourier else 'Gauss'}\n{fraction(ratio)}"
        for fourier, ratio in zip(data["fourier"], data["feature_ratio"], strict=True)
    ]


def _over_cases(data: Arrays, name: str, order: str) -> tuple[np.ndarray, np.ndarray]:
    """A statistic of every case, and half of its 95 % interval."""
    found = [estimate_of(data, name, case, order) for case in range(len(data["fourier"]))]
    return np.array([each.value for each in found]), np.array([each.half_width for each in found])


def _draw_correlations(axis: Axes, data: Arrays) -> None:
    """Correlation of every order, with the largest that a finite ensemble allows."""
    place = np.arange(len(data["fourier"]))
    for row, order in enumerate(ORDERS):
        shift = 0.18 * (row - 1)
        value, half_width = _over_cases(data, "correlation", order)
        axis.errorbar(place + shift, value, half_width, fmt="o", ms=4, lw=1, color=COLOURS[order], label=WORDS[order])
    axis.hlines(
        data["correlation_ceiling"], place - 0.35, place + 0.35, color="0.4", lw=1, ls=":", label="perfect prediction"
    )
    axis.set_xticks(place, _labels(data))
    axis.set_ylim(0, 1.04)
    axis.set_xlabel("features and F/P")
    axis.set_ylabel("correlation over all pairs")


def _draw_ratios(axis: Axes, data: Arrays) -> None:
    """Median ratio of every order, and of Eq. 13 with its factor where F < P."""
    place, below = np.arange(len(data["fourier"])), data["feature_ratio"] < 1
    rows = [(order, *_over_cases(data, "median_ratio", order)) for order in ORDERS]
    left = np.where(below, 1 - data["feature_ratio"], np.nan)
    rows.insert(1, ("corrected", rows[0][1] * left, rows[0][2] * left))
    axis.axhspan(0.95, 1.05, color="0.9", lw=0)
    for index, (order, value, half_width) in enumerate(rows):
        shift = 0.16 * (index - 1.5)
        axis.errorbar(place + shift, value, half_width, fmt="o", ms=4, lw=1, color=COLOURS[order], label=WORDS[order])
    axis.set_xticks(place, _labels(data))
    axis.set_xlabel("features and F/P")
    axis.set_ylabel("measured/predicted variance (median)")


def _draw_leverage(axis: Axes, data: Arrays, case: int) -> None:
    """Where equal leverage goes wrong: the variance at every place against the leverage of a sample there."""
    shown = data["resolved"][case]
    for order in ("deterministic_equivalent", "local_equivalent"):
        ratio = data["variance_ratio"][case, ORDERS.index(order)]
        style = {"ms": 2.5, "mew": 0, "alpha": 0.7, "color": COLOURS[order], "label": WORDS[order]}
        axis.loglog(np.maximum(data["leverage"][case][shown], _LEAST_LEVERAGE), ratio[shown], "o", **style)
    axis.axhline(1, color="0.5", lw=0.8, zorder=0)
    least = np.min(data["leverage"][case][data["exposed"][case]])
    axis.axvline(least, color="0.5", lw=0.8, ls=":", zorder=0, label="most exposed tenth →")
    axis.set_xlim(_LEAST_LEVERAGE / 1.5, None)
    axis.set_title(case_words(data, case), fontsize=SMALLEST)
    axis.set_xlabel("leverage ℓ of a sample, from $10^{-5}$")
    axis.set_ylabel("measured/predicted variance")
