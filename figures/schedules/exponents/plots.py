"""Emergence times and local exponents by the variance of the mode, one schedule each."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import BLACK, SKY, VERMILION, WIDEST, label_panels, plt, styled
from figures.schedules.exponents.statistics import exponents, names
from sims.measurements.estimates import mean_over

CAPTION = (
    "Linear denoisers whose losses are weighted by the density of log signal-to-noise ratios that a schedule visits, "
    "and by that ratio (last panel: by the density alone). Local exponents -d ln τ*/d ln λ of the time τ* at which "
    "half of a mode's variance is generated. Line: theory; points: trained, from neighbouring modes, at the geometric "
    "mean of their variances, with 95 % intervals; bars: theory's difference between the same modes. Above zero modes "
    "emerge in the order of their variances, below in the reverse order."
)
_MARKS = {"gaussian": ("Gaussian data", VERMILION, "o"), "photographs": ("photographs", SKY, "s")}


@styled
def draw(data: Arrays) -> Figure:
    figure, axes = plt.subplots(2, 3, figsize=(WIDEST, 6.8), sharex=True, sharey=True, squeeze=False)
    for axis in axes.flat[len(names(data)) :]:
        axis.remove()
    for setting, (axis, name) in enumerate(zip(axes.flat, names(data), strict=False)):
        _draw_exponents(axis, data, setting)
        axis.set_title(name)
        axis.label_outer()
    axes[0, 0].legend(loc="lower left")
    label_panels(axes.flat[: len(names(data))])
    return figure


def _draw_exponents(axis: Axes, data: Arrays, setting: int) -> None:
    line = np.log(data["line_variance"])
    axis.axhline(0.0, color="0.5", lw=0.9, ls="--")
    axis.plot(np.exp(line), -np.gradient(np.log(data["line"][setting]), line), color=BLACK, lw=1.2, label="theory")
    for where, (words, colour, marker) in _MARKS.items():
        variance = np.exp(np.log(data[f"variance_{where}"]).mean(axis=0))
        places = np.sqrt(variance[1:] * variance[:-1])
        found = mean_over(exponents(data, "trained", where)[setting])
        theory = exponents(data, "theory", where)[setting].mean(axis=0)
        axis.plot(places, theory, "_", ms=12, mew=1.2, color=BLACK)
        axis.errorbar(
            places,
            found.value,
            yerr=found.half_width,
            fmt=marker,
            ms=4,
            lw=0.8,
            color=colour,
            label=f"{words}, trained",
        )
    axis.set(xscale="log", xlabel="variance λ of the mode", ylabel="exponent $-d\\ln τ^*/d\\ln λ$")
