"""Samples of smoothed scores on the circle; loss, memorised share and shape against the bandwidth; effective points."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import (
    BLACK,
    EXACT,
    KINDS,
    TRAINING_POINTS,
    WIDEST,
    label_panels,
    plt,
    setting_colours,
    styled,
)
from figures.farghly2025.score_smoothing.experiment import ARRANGEMENTS
from figures.farghly2025.score_smoothing.statistics import effective_ratio, loss_change
from sims.measurements.estimates import Estimate, mean_over

CAPTION = (
    "Twelve points of the unit circle, even or drawn, and samples of the reverse process (T = 9, 100 steps) whose "
    "score is smoothed by a normal of standard deviation h. a, b: samples. c: negative log-likelihood of the circle "
    "under the samples' kernel density of width .1, paired; dashed, here and in d: the points' density smoothed by the "
    "same h; shaded: bandwidths of the paper; dotted: Δ/√2π, where without noise the middle of two points at distance "
    "Δ, those of even points, turns from a source of the flow into a sink. d: memorised share, the nearest point "
    "closer than a third of the second; dotted: of points drawn from the circle. e: distance to the circle and along "
    "it to the nearest point, root mean squares, even points. f: by how much the variance of a score over data sets "
    "falls, beside theory. Bands and bars: 95 %."
)
DIFFERS = "fewer draws of the kernel, noise levels that are geometric, drawn points, memorised shares, and panel f."
_SHOWN = (0.06, 0.12, 0.21, 0.30)
_COLOURS = dict(zip(ARRANGEMENTS, KINDS[:2], strict=True))
_RANGE = (0.02, 0.12)  # of the paper's bandwidths


@styled
def draw(data: Arrays) -> Figure:
    figure, axes = plt.subplots(2, 3, figsize=(WIDEST, 7.0))
    for axis, name in zip(axes[0, :2], ARRANGEMENTS, strict=True):
        _draw_samples(axis, data, name)
    _draw_curves(axes[0, 2], data, {name: loss_change(data, *name) for name in _kinds()})
    axes[0, 2].axhline(0, color=EXACT, lw=0.8, zorder=0)
    apart = 2 * np.sin(np.pi / len(data["points_even"]))
    axes[0, 2].axvline(apart / np.sqrt(2 * np.pi), color=BLACK, lw=0.9, ls=":")
    axes[0, 2].set_ylabel("change of the loss (nats)")
    axes[0, 2].set_title("loss on the circle, less that at h = 0")
    axes[0, 2].legend(loc="upper left")
    axes[0, 2].margins(y=0.25)
    _draw_curves(axes[1, 0], data, {(name, of): data[f"{of}memorised_{name}"] for name, of in _kinds()})
    for name in ARRANGEMENTS:
        axes[1, 0].axhline(data[f"fresh_{name}"].mean(), color=_COLOURS[name], lw=0.9, ls=":")
    axes[1, 0].set_ylabel("memorised share")
    axes[1, 0].set_title("memorised samples (colours and dashes as in c)")
    _draw_shape(axes[1, 1], data)
    _draw_effective(axes[1, 2], data)
    label_panels(axes)
    return figure


def _draw_samples(axis: Axes, data: Arrays, name: str) -> None:
    turn = np.linspace(0, 2 * np.pi, 200)
    axis.plot(np.cos(turn), np.sin(turn), color=EXACT, lw=0.8, zorder=0)
    places = [int(np.argmin(np.abs(data["bandwidths"] - h))) for h in _SHOWN]
    for place, colour in zip(places, setting_colours(len(places)), strict=True):
        samples = data[f"samples_{name}"][place]
        axis.plot(*samples.T, ".", ms=3, color=colour, alpha=0.6, label=f"h = {data['bandwidths'][place]:g}")
    axis.plot(*data[f"points_{name}"].T, **TRAINING_POINTS)
    axis.set(aspect="equal", xlim=(-1.35, 1.35), ylim=(-1.35, 1.35))
    axis.set_xlabel("$x_1$")
    axis.set_ylabel("$x_2$")
    axis.set_title(f"{name} points")
    axis.legend(loc="center", markerscale=2)


def _kinds() -> list[tuple[str, str]]:
    """Arrangements of the points, with a smoothed score and with a smoothed density."""
    return [(name, of) for name in ARRANGEMENTS for of in ("", "density_")]


def _draw_curves(axis: Axes, data: Arrays, curves: dict[tuple[str, str], np.ndarray]) -> None:
    axis.axvspan(*_RANGE, color="0.93", lw=0, zorder=0)
    for (name, of), measure in curves.items():
        words = f"{name}: smoothed {'density' if of else 'score'}"
        _band(axis, data["bandwidths"], mean_over(measure), _COLOURS[name], words, "--" if of else "-")
    axis.set_xlabel("bandwidth h")


def _draw_shape(axis: Axes, data: Arrays) -> None:
    axis.axvspan(*_RANGE, color="0.93", lw=0, zorder=0)
    for measure, words, colour in (("radial", "to the circle", KINDS[3]), ("along", "along the circle", KINDS[2])):
        for of, kind, style in (("", "smoothed score", "-"), ("density_", "smoothed density", "--")):
            found = mean_over(data[f"{of}{measure}_even"])
            _band(axis, data["bandwidths"], found, colour, f"{words}: {kind}", style)
    axis.set_xlabel("bandwidth h")
    axis.set_ylabel("distance (root mean square)")
    axis.set_title("even points: to and along the circle")
    axis.set_ylim(-0.01, 0.46)
    axis.legend(loc="upper left")


def _draw_effective(axis: Axes, data: Arrays) -> None:
    ratios = data["squared_ratios"][1:]
    line = np.linspace(0, 1.05 * ratios.max(), 100)
    for d, colour in ((1, KINDS[0]), (2, KINDS[1])):
        axis.plot(line, (1 + line) ** (d / 2 + 1), color=BLACK, lw=1, ls="-" if d == 1 else "--")
        found, formula = effective_ratio(data, d), data[f"effective_{d}"][1:]
        value, half = found.value[1:], found.half_width[1:]
        middle = formula * np.exp(value)
        error = np.stack([middle - formula * np.exp(value - half), formula * np.exp(value + half) - middle])
        axis.errorbar(ratios, middle, yerr=error, fmt="o", ms=4, color=colour, label=f"d = {d}")
    axis.set_yscale("log")
    axis.set_xlabel(r"$h^2/\sigma^2$")
    axis.set_ylabel(r"$N_\mathrm{eff}/N$")
    axis.set_title(r"lines: theory, $(1 + h^2/\sigma^2)^{d/2 + 1}$")
    axis.legend()


def _band(axis: Axes, x: np.ndarray, found: Estimate, colour: str, label: str, style: str) -> None:
    axis.plot(x, found.value, color=colour, lw=1.3, ls=style, label=label)
    axis.fill_between(x, found.value - found.half_width, found.value + found.half_width, color=colour, alpha=0.2, lw=0)
