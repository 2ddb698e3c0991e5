"""What references leave of the variance, against the noise level and against their number."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import BLACK, EXACT, WIDEST, label_panels, plt, setting_colours, styled
from figures.xu2023.reference_size.statistics import cluster_ratio, gaussian_ratio, point_ratio

CAPTION = (
    "What n references leave of the variance of a score target, V_STF/V_DSM; points: drawn targets with 95 % "
    "intervals. a: two clusters in 64 dimensions; n - 1 times what is left is 1 where references divide the variance "
    "by n - 1; line: theory for n → ∞. b: the same against n, dashed what n → ∞ promises. c: a Gaussian, against the "
    "information of x_t about x_0; where it is ½ ln n the law has failed long since, where it is ln n half is left. "
    "d: few points, without replacement; lines: theory, which sums all sets of references; where V_DSM has nearly "
    "vanished no draws are shown."
)
DIFFERS = "the paper shows that the variance falls with n; where it does not, and by which law, is ours."
_SHOWN_LEVELS = 4
_LEFT = r"$V_\mathrm{STF}/V_\mathrm{DSM}$"
_LEAST = 1e-2  # of the largest variance: below it hardly a draw counts


@styled
def draw(data: Arrays) -> Figure:
    figure, axes = plt.subplots(2, 2, figsize=(WIDEST, 7.6))
    _draw_clusters(axes[0, 0], data)
    _draw_numbers(axes[0, 1], data)
    _draw_gaussian(axes[1, 0], data)
    _draw_points(axes[1, 1], data)
    label_panels(axes)
    return figure


def _draw_clusters(axis: Axes, data: Arrays) -> None:
    references, levels = data["references"], data["levels"]
    for index, colour in _coloured(references):
        number = references[index]
        found = [cluster_ratio(data, index, level) for level in range(len(levels))]
        _points(axis, levels, found, colour, f"n = {number}", number - 1)
        axis.axhline(number - 1, color=colour, lw=0.8, ls=":")
    axis.plot(levels, np.exp(data["clusters_log_tilt"]), color=BLACK, lw=1, label="n → ∞, theory")
    axis.set(xscale="log", yscale="log", ylim=(0.6, 2.5 * references[-1]))
    axis.axhline(1, color=EXACT, lw=0.8, zorder=0)
    axis.set_xlabel("noise level σ")
    axis.set_ylabel(f"(n − 1) {_LEFT}")
    axis.set_title("two clusters, width .1, 64 dimensions (dotted: nothing gained)")
    axis.legend()


def _draw_numbers(axis: Axes, data: Arrays) -> None:
    references, levels = data["references"][1:], data["levels"]
    shown = np.linspace(0, len(levels) - 1, _SHOWN_LEVELS).round().astype(int)
    for place, colour in zip(shown, setting_colours(len(shown)), strict=True):
        found = [cluster_ratio(data, index, place) for index in range(1, 1 + len(references))]
        _points(axis, references, found, colour, f"σ = {levels[place]:.2g}")
        promised = np.exp(data["clusters_log_tilt"][place]) / (references - 1)
        axis.plot(references, np.minimum(promised, 1), color=colour, lw=0.9, ls="--")
    axis.set(xscale="log", yscale="log", ylim=(0.3 / references[-1], 2))
    axis.set_xlabel("references n")
    axis.set_ylabel(_LEFT)
    axis.set_title("the same clusters")
    axis.legend()


def _draw_gaussian(axis: Axes, data: Arrays) -> None:
    references, information = data["references"], data["information"]
    for index, colour in _coloured(references):
        found = [gaussian_ratio(data, index - 1, place) for place in range(len(information))]
        _points(axis, information, found, colour, f"n = {references[index]}")
        promised = np.exp(data["gaussian_log_tilt"][index - 1]) / (references[index] - 1)
        axis.plot(information, np.minimum(promised, 1), color=colour, lw=0.9, ls="--")
    axis.axhline(0.5, color=EXACT, lw=0.8, zorder=0)
    for nats in (0.5, 1.0):
        axis.axvline(nats, color=EXACT, lw=0.8, zorder=0)
    axis.set_yscale("log")
    axis.set_xlabel("information of $x_t$ about $x_0$, in units of ln n")
    axis.set_ylabel(_LEFT)
    axis.set_title("a Gaussian (dashed: what n → ∞ promises)")
    axis.legend()


def _draw_points(axis: Axes, data: Arrays) -> None:
    references, levels, dsm = data["point_references"], data["point_levels"], data["points_theory"][0]
    shown = np.flatnonzero(dsm > _LEAST * dsm.max())
    for index, colour in _coloured(references):
        axis.plot(levels, data["points_theory"][index] / data["points_theory"][0], color=colour, lw=1)
        found = [point_ratio(data, index, int(level)) for level in shown]
        _points(axis, levels[shown], found, colour, f"n = {references[index]}")
    axis.set(xscale="log", ylim=(-0.02, 1.02))
    axis.set_xlabel("noise level σ")
    axis.set_ylabel(_LEFT)
    axis.set_title(f"{int(data['point_count'])} points on a line, none twice")
    axis.legend()


def _coloured(references: np.ndarray) -> list[tuple[int, str]]:
    """Places of the numbers of references above one, with a colour each."""
    return list(zip(range(1, len(references)), setting_colours(len(references) - 1), strict=True))


def _points(axis: Axes, x: np.ndarray, found: list, colour: str, label: str, factor: float = 1.0) -> None:
    value, error = (factor * np.array([getattr(each, part) for each in found]) for part in ("value", "half_width"))
    axis.errorbar(x, value, yerr=error, fmt="o", ms=3.5, color=colour, label=label)
