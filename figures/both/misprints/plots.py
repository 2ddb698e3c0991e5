"""The misprints as a table, and their ratios."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.both.misprints.experiment import ROWS
from figures.common.rounding import decimals_of
from figures.common.stages import Arrays
from figures.common.style import BLUE, VERMILION, plt, styled
from sims.measurements.estimates import Estimate, mean_over

CAPTION = "Nine formulas as printed, as corrected, and as measured: the corrected ones are right."

# Left edges of the table's columns, and their headings.
COLUMNS = (
    (0.0, "where"),
    (0.17, "what is wrong"),
    (0.41, "measured by"),
    (0.59, "printed"),
    (0.68, "corrected"),
    (0.775, "difference"),
    (0.865, "measured ± 95 %"),
)


@styled
def draw(data: Arrays) -> Figure:
    figure, (table, panel) = plt.subplots(1, 2, figsize=(13.5, 4.2), width_ratios=[4.6, 1])
    count = len(ROWS)
    heights = np.arange(count)[::-1]
    table.axis("off")
    table.set_xlim(0, 1)
    for axis in (table, panel):
        axis.set_ylim(-0.6, count + 0.4)
    for left, title in COLUMNS:
        table.text(left, count - 0.2, title, fontweight="bold", va="center")
    table.axhline(count - 0.6, color="0.4", lw=0.8)
    colours = ("black", "black", "0.35", VERMILION, BLUE, "black", "black")
    for row, height in enumerate(heights):
        for (left, _), cell, colour in zip(COLUMNS, _cells(data, row), colours, strict=True):
            table.text(left, height, cell, va="center", color=colour)
    _draw_ratios(panel, data, heights)
    return figure


def _cells(data: Arrays, row: int) -> tuple[str, ...]:
    """A line of the table."""
    printed, corrected = data["printed"][row], data["corrected"][row]
    numbers = (f"{printed:.4g}", f"{corrected:.4g}", f"{printed - corrected:+.4g}")
    return (*list(ROWS.values())[row], *numbers, _with_error(mean_over(data["measured"][row])))


def _with_error(estimate: Estimate) -> str:
    """Value and half of its 95 % interval, to the first digit of the latter, or two where the first is a one."""
    error = float(estimate.half_width)
    decimals = decimals_of(error)
    return f"{estimate.value:.{decimals}f} ± {error:.{decimals}f}"


def _draw_ratios(axis: Axes, data: Arrays, heights: np.ndarray) -> None:
    """Printed and measured over corrected; a printed zero is an arrow at the left edge."""
    ratio, zero = data["printed"] / data["corrected"], data["printed"] == 0
    axis.axvline(1.0, color=BLUE, lw=1)
    axis.plot(ratio[~zero], heights[~zero], "s", color=VERMILION, ms=5, label="printed")
    axis.plot(np.full(zero.sum(), 2e-2), heights[zero], "<", color=VERMILION, ms=7, label="printed: 0")
    measured = mean_over(data["measured"], axis=1)
    axis.errorbar(
        measured.value / data["corrected"],
        heights,
        xerr=measured.half_width / data["corrected"],
        fmt="o",
        color="black",
        ms=3.5,
        label="measured",
    )
    axis.set_xscale("log")
    axis.set_xlim(1e-2, 3e4)
    axis.set_yticks([])
    axis.set_xlabel("ratio to the corrected value")
    axis.legend(loc="lower right")
