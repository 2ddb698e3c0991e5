"""Effect of target noise against T, endpoints against the dose, and a map of verdicts."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from figures.bertrand2025.vastola_or_bertrand.networks import ARMS, SHAPES
from figures.bertrand2025.vastola_or_bertrand.statistics import (
    ASKED_FROM,
    MARGINS,
    Cell,
    Endpoint,
    cells,
    dimensions,
    doses_of,
    effect,
    exact_share,
    of_arm,
    of_cell,
    predicted_effects,
    shaped,
    target_ratios,
    verdict_words,
)
from figures.common.stages import Arrays
from figures.common.style import BLACK, KINDS, SKY, SMALLEST, WIDEST, fraction, label_panels, plt, styled
from sims.measurements.estimates import Estimate, mean_over

CAPTION = (
    "What the noise of the targets (denoising score matching, DSM, against the exact target) changes. a: linear "
    "models, ln of the squared distance of samples from the population, against T, predicted without training; open "
    "symbols: predicted effects; grey: ±10 %. b: what MLPs memorise, less chance, against the dose of the noise. "
    "c, d: verdicts by region, with the effects: none (inside the margin, as Bertrand et al. would have it "
    "everywhere), less or more, open (undecided). All with 95 % intervals over data sets."
)
DOSE_OF = {"exact": 0.0, "DSM": 1.0, "c = 2": 2.0, "c = 4": 4.0}  # references reduce the dose by noise level
VERDICT_COLOURS = {"none": SKY, "less": "#F5C9A3", "more": "#F5C9A3", "open": "0.92"}


@styled
def draw(data: Arrays) -> Figure:
    arms = dimensions(data, "arm")
    rows = 3 if arms else 2
    figure, axes = plt.subplots(rows, 2, figsize=(WIDEST, 3.9 * rows))
    _draw_against_ratio(axes[0, 0], data)
    _draw_doses(axes[0, 1], data)
    _draw_map(axes[1, 0], data, "distance", "ln distance from the population")
    _draw_map(axes[1, 1], data, "memorised", "memorised share (MLPs)")
    if arms:
        _draw_changes(axes[2, 0], data, list(ARMS), of_arm, "one thing done otherwise, P/F = 1")
        _draw_changes(axes[2, 1], data, ["DSM", *SHAPES], shaped, "noise of another shape or place, P/F = 1")
    label_panels(axes)
    return figure


def _point(axis: Axes, x: float, found: Estimate, **style) -> None:
    axis.errorbar(x, found.value, yerr=found.half_width, capsize=2, ls="none", **style)


def _draw_against_ratio(axis: Axes, data: Arrays) -> None:
    axis.axhspan(-MARGINS["distance"], MARGINS["distance"], color="0.9", lw=0)
    for dimension, colour in zip(dimensions(data, "linear"), KINDS, strict=False):
        own = [cell for cell in cells(data) if cell.kind == "linear" and cell.dimension == dimension]
        for number, cell in enumerate(own):
            x = float(np.exp(np.log(target_ratios(data, cell)).mean()))
            label = f"D = {dimension}" if number == 0 else None
            _point(axis, x, effect(data, cell, "distance"), fmt="o", ms=5, color=colour, label=label)
            predicted = predicted_effects(data, cell)
            if predicted is not None:
                axis.plot(x, predicted.mean(), "o", ms=9, mfc="none", mec=colour, mew=1.2)
    axis.set_xscale("log")
    axis.axvline(1, color=BLACK, lw=0.7, ls=":")
    axis.set_xlabel("T = target noise/(misfit + design noise), predicted")
    axis.set_ylabel("ln distance, DSM less exact target")
    axis.set_title("linear models")
    axis.legend()


def _draw_doses(axis: Axes, data: Arrays) -> None:
    own = [cell for cell in cells(data) if cell.kind == "mlp"]
    doses = [dose for dose in doses_of(data, "mlp") if dose in DOSE_OF]
    styles = ("-", "--", ":", "-.")
    for cell in own:
        found = [mean_over(of_cell(data, cell, "memorised", dose)) for dose in doses]
        colour = KINDS[dimensions(data, "linear").index(cell.dimension)]
        shift = 0.04 * (own.index(cell) - len(own) / 2)
        axis.errorbar(
            [DOSE_OF[dose] + shift for dose in doses],
            [float(each.value) for each in found],
            [float(each.half_width) for each in found],
            ls=styles[cell.row],
            marker="o",
            ms=4,
            lw=1.2,
            capsize=2,
            color=colour,
        )
    ratios = sorted({(cell.row, cell.ratio) for cell in own})
    shown = [Line2D([], [], color=BLACK, ls=styles[row], label=f"P/F = {fraction(ratio)}") for row, ratio in ratios]
    for dimension in sorted({cell.dimension for cell in own}):
        colour = KINDS[dimensions(data, "linear").index(dimension)]
        shown.append(Line2D([], [], color=colour, marker="o", ms=4, label=f"D = {dimension}"))
    axis.set_xlabel("dose c of the target noise (0: exact, 1: DSM)")
    axis.set_ylabel("memorised share less chance")
    axis.set_title("MLPs trained by Adam")
    axis.legend(handles=shown, ncols=2, loc="center", bbox_to_anchor=(0.5, 0.42))


def _draw_map(axis: Axes, data: Arrays, endpoint: Endpoint, title: str) -> None:
    """Rows: kinds of model and dimensions; columns: ratios, falling."""
    chosen = [cell for cell in cells(data) if endpoint == "distance" or cell.kind == "mlp"]
    rows = list(dict.fromkeys((cell.kind, cell.dimension) for cell in chosen))
    columns = sorted({cell.ratio for cell in chosen}, reverse=True)
    for cell in chosen:
        _draw_verdict(axis, rows.index((cell.kind, cell.dimension)), columns.index(cell.ratio), data, cell, endpoint)
    names = {"linear": "linear", "mlp": "MLP"}
    axis.set_yticks(range(len(rows)), [f"{names[kind]}, D = {dimension}" for kind, dimension in rows])
    axis.set_xticks(range(len(columns)), [fraction(ratio) for ratio in columns])
    axis.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5))
    axis.set_xlabel("P/F (1/4: outside Vastola's expansion)")
    axis.set_ylabel("models")
    axis.set_title(f"does target noise change it? {title}")
    axis.tick_params(length=0)


def _draw_verdict(axis: Axes, row: int, column: int, data: Arrays, cell: Cell, endpoint: Endpoint) -> None:
    found = effect(data, cell, endpoint)
    words = verdict_words(found, endpoint)
    if endpoint == "memorised" and exact_share(data, cell) <= ASKED_FROM:
        axis.text(column, row, "not asked:\nthe exact target\nmemorises less\nthan a tenth", ha="center", va="center")
        return
    colour = VERDICT_COLOURS[words]
    axis.add_patch(plt.Rectangle((column - 0.48, row - 0.46), 0.96, 0.92, color=colour, lw=0))
    low, high = found.interval
    label = f"{words}: {found.value:+.2f}\n[{low:+.2f}, {high:+.2f}]"
    axis.text(column, row, label, ha="center", va="center", fontsize=SMALLEST)


def _draw_changes(axis: Axes, data: Arrays, names: list[str], of, title: str) -> None:
    margin = MARGINS["distance"]
    axis.axhspan(-margin, margin, color="0.9", lw=0)
    for place, dimension in enumerate(dimensions(data, "arm")):
        colour = KINDS[dimensions(data, "linear").index(dimension)]
        for index, name in enumerate(names):
            label = f"D = {dimension}" if index == 0 else None
            found = mean_over(of(data, dimension, "distance", name))
            _point(axis, index + 0.2 * (place - 1), found, fmt="o", ms=4, color=colour, label=label)
    axis.set_xticks(range(len(names)), names, rotation=25, ha="right")
    axis.set_xlabel("how networks are trained" if names[0] == ARMS[0] else "noise of the targets")
    axis.set_ylabel("ln distance less that of the exact target")
    axis.set_title(title)
    axis.legend()
