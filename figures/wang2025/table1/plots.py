"""Table 1 as a picture."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import BLACK, VERMILION, WIDEST, label_panels, plt, styled
from figures.wang2025.table1.claims import COLUMNS, cell
from figures.wang2025.table1.experiment import ROWS

CAPTION = (
    "Every cell of Table 1 that is a number, in theory and in trained networks. A full-width convolution keeps "
    "the exponent, {{full-width convolution: inverse-variance law|value .2f}}; a patch convolution of width 3 "
    "has {{patch convolution, width 3: shallower exponent|value .2f}}."
)
DIFFERS = "numbers in place of formulas, from one spectrum on a ring; drawn, the numbers are in the claims below."


@styled
def draw(data: Arrays) -> Figure:
    figure, axes = plt.subplots(1, len(COLUMNS), figsize=(WIDEST, 3.4), sharey=True)
    for axis, column in zip(axes, COLUMNS, strict=True):
        _draw_column(axis, data, column)
    heights = np.arange(len(ROWS))[::-1]
    axes[0].set_yticks(heights, [words for words, *_ in ROWS.values()])
    axes[0].set_ylim(-0.5, len(ROWS) - 0.5)
    axes[0].set_ylabel("architecture")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
    label_panels(axes)
    return figure


def _draw_column(axis: Axes, data: Arrays, column: str) -> None:
    """Theory, the margin about it, and what trained networks measured, a line per architecture."""
    words, _, margin, _ = COLUMNS[column]
    rows = [row for row in ROWS if (row, column) != ("one_layer", "speed")]
    heights = len(ROWS) - 1 - np.array([list(ROWS).index(row) for row in rows])
    claims = [cell(data, row, column) for row in rows]
    theory, measured = (np.array(numbers) for numbers in zip(*((c.reference, c.measured) for c in claims), strict=True))
    low, high = np.array([claim.interval for claim in claims], dtype=float).T
    axis.barh(heights, 2 * margin, left=theory - margin, height=0.5, color="0.88", label="theory ± margin")
    axis.plot(theory, heights, "o", ms=8, mfc="none", color=BLACK, label="theory")
    bars = np.abs(np.stack([measured - low, high - measured]))
    axis.errorbar(measured, heights, xerr=bars, fmt="o", ms=3.5, color=VERMILION, label="trained, 95 %")
    axis.use_sticky_edges = False
    axis.margins(x=0.1)
    axis.set_xlabel(f"{words}\n(margin {margin:g})")
    if column == "speed":
        axis.annotate("reference", (0.0, len(ROWS) - 1), ha="center", va="center", color="0.4")
