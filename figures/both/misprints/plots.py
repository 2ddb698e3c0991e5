"""What is printed and what is measured, over what is correct."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.both.misprints.experiment import ROWS
from figures.common.stages import Arrays
from figures.common.style import BLACK, PINK, VERMILION, plt, styled
from sims.measurements.estimates import mean_over

CAPTION = "Nine formulas as printed, as corrected, and as measured: the corrected ones are right."


@styled
def draw(data: Arrays) -> Figure:
    figure, axis = plt.subplots(figsize=(9, 5))
    heights = np.arange(len(ROWS))[::-1]
    _draw_ratios(axis, data, heights)
    axis.set_yticks(heights, [f"{where}: {wrong}\n(measured: {how})" for where, wrong, how in ROWS.values()])
    axis.set_ylim(-0.6, len(ROWS) - 0.4)
    axis.set_ylabel("where: what is wrong")
    return figure


def _draw_ratios(axis: Axes, data: Arrays, heights: np.ndarray) -> None:
    """Printed and measured over corrected; a printed zero is an arrow at the left edge."""
    ratio, zero = data["printed"] / data["corrected"], data["printed"] == 0
    axis.axvline(1.0, color=BLACK, lw=1, label="corrected")
    axis.plot(ratio[~zero], heights[~zero], "s", color=PINK, ms=5, label="printed")
    axis.plot(np.full(zero.sum(), 2e-2), heights[zero], "<", color=PINK, ms=7, label="printed: 0")
    measured = mean_over(data["measured"], axis=1)
    axis.errorbar(
        measured.value / data["corrected"],
        heights,
        xerr=measured.half_width / data["corrected"],
        fmt="o",
        color=VERMILION,
        ms=3.5,
        label="measured, 95 %",
    )
    axis.set_xscale("log")
    axis.set_xlim(1e-2, 3e4)
    axis.set_xlabel("ratio to the corrected value")
    axis.legend(loc="lower right")
