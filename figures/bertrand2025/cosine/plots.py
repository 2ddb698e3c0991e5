"""Cosine of both targets over time, and where one point has the posterior."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.bertrand2025.cosine.experiment import DATA_SETS
from figures.bertrand2025.cosine.statistics import log_half_level, names, times
from figures.common.stages import Arrays
from figures.common.style import BLACK, KINDS, WIDEST, label_panels, plt, setting_colours, styled
from sims.measurements.estimates import mean_over

CAPTION = (
    "The target u = x_1 - ε that flow matching regresses on, and its mean given x, for N points. a, b: mean cosine of "
    "both over time (t = 1: data). c: posterior weight of the point that x came from; dashed in a to c: the time at "
    "which x tells ln N nats of it, if data are Gaussian. d: the noise level at which that weight is ½ over the one "
    "of ln N nats, with 95 % intervals."
)
DIFFERS = "Gaussians of known dimension, and the time of ln N nats, which the paper does not have."


@styled
def draw(data: Arrays) -> Figure:
    figure, axes = plt.subplots(2, 2, figsize=(WIDEST, 7.2))
    real, made = (
        [p for p, name in enumerate(names(data)) if (name in DATA_SETS) == wanted] for wanted in (True, False)
    )
    _draw_curves(axes[0, 0], data, "cosine", real, list(KINDS[: len(real)]))
    _draw_curves(axes[0, 1], data, "cosine", made, list(setting_colours(len(made))))
    _draw_curves(axes[1, 0], data, "own", [*real, *made], [*KINDS[: len(real)], *setting_colours(len(made))])
    for axis in axes.flat[:2]:
        axis.set_ylabel("mean cosine of u and E[u | x]")
    axes[1, 0].set_ylabel("posterior weight of the drawn point")
    axes[0, 0].set_title("data sets")
    axes[0, 1].set_title(f"Gaussians, N = {int(data['points'][made[0]])}")
    axes[1, 0].set_title("collapse onto one point")
    _draw_levels(axes[1, 1], data)
    label_panels(axes)
    return figure


def _draw_curves(axis: Axes, data: Arrays, kind: str, places: list[int], colours: list[str]) -> None:
    for place, colour in zip(places, colours, strict=True):
        found = mean_over(data[f"{kind}_{place}"])
        axis.plot(times(data), found.value, color=colour, lw=1.4, label=_label(data, place))
        low, high = found.value - found.half_width, found.value + found.half_width
        axis.fill_between(times(data), low, high, color=colour, alpha=0.2, lw=0)
        axis.axvline(1 / (1 + data["collapse"][place]), color=colour, lw=0.9, ls="--")
    axis.set(xlim=(0, 1), ylim=(None, 1.03))
    axis.set_xlabel("time t")
    axis.legend()


def _draw_levels(axis: Axes, data: Arrays) -> None:
    for place, name in enumerate(names(data)):
        found = log_half_level(data, name)
        axis.errorbar(place, found.value, yerr=found.half_width, fmt="o", ms=4, color=BLACK)
    axis.axhline(0, color=BLACK, lw=0.8)
    axis.set_xticks(np.arange(len(names(data))), names(data), rotation=30, ha="right")
    axis.set_xlabel("data")
    axis.set_ylabel("ln (level of weight ½ / level of ln N nats)")
    axis.set_title("is collapse at ln N nats?")


def _label(data: Arrays, place: int) -> str:
    name = names(data)[place]
    return f"{name}, d = {int(data['dimension'][place])}" if name in DATA_SETS else name.replace(" ", ", d = ")
