"""Table 1 as a picture."""

import numpy as np
from matplotlib.figure import Figure

from figures.common.claims import Claim
from figures.common.rounding import decimals_of
from figures.common.stages import Arrays
from figures.common.style import BLUE, GREEN, VERMILION, plt, styled
from figures.wang2025.table1.claims import COLUMNS, cell
from figures.wang2025.table1.experiment import ROWS

CAPTION = (
    "Every cell of Table 1 that is a number, in theory and in trained networks. A full-width convolution keeps "
    "the exponent, {{full-width convolution: inverse-variance law|value .2f}}; a patch convolution of width 3 "
    "has {{patch convolution, width 3: shallower exponent|value .2f}}."
)
DIFFERS = "numbers in place of formulas, from one spectrum on a ring."


@styled
def draw(data: Arrays) -> Figure:
    figure, axis = plt.subplots(figsize=(11, 3.6))
    axis.axis("off")
    axis.set_xlim(0, 1)
    axis.set_ylim(0, 1)
    lefts = np.linspace(0.27, 0.9, len(COLUMNS))
    heights = np.linspace(0.78, 0.08, len(ROWS))
    for left, (words, _, margin, _) in zip(lefts, COLUMNS.values(), strict=True):
        axis.text(left, 0.96, words, ha="center", va="center", fontweight="bold")
        axis.text(left, 0.89, f"holds within {margin:g}", ha="center", va="center", color="0.4", fontsize=8)
    axis.plot([0, 1], [0.86, 0.86], color="0.4", lw=0.8)
    for height, (row, (words, *_)) in zip(heights, ROWS.items(), strict=True):
        axis.text(0.0, height, words, ha="left", va="center")
        for left, column in zip(lefts, COLUMNS, strict=True):
            _draw_cell(axis, left, height, None if (row, column) == ("one_layer", "speed") else cell(data, row, column))
    axis.set_title("theory  |  trained ± half of the 95 % interval: verdict", loc="left")
    return figure


def _draw_cell(axis, left: float, height: float, claim: Claim | None) -> None:
    if claim is None:
        axis.text(left, height, "1 (reference)", ha="center", va="center", color="0.4")
        return
    assert claim.interval is not None
    half_width = (claim.interval[1] - claim.interval[0]) / 2
    colour = {"holds": BLUE, "differs": VERMILION, "undecided": GREEN}[claim.verdict]
    digits = decimals_of(half_width)
    text = f"{claim.reference:.{digits}f}  |  {claim.measured:.{digits}f} ± {half_width:.{digits}f}: {claim.verdict}"
    axis.text(left, height, text, ha="center", va="center", color=colour, fontsize=8.2)
