"""The target's variance on the user's data, what references leave of it, and the words below."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from figures.common.stages import Arrays
from figures.common.style import BLACK, EXACT, VERMILION, WIDEST, label_panels, plt, setting_colours, styled
from figures.xu2023.target_variance.statistics import (
    WEIGHTS,
    WELL_BELOW,
    advice,
    cost,
    levels_with_variance,
    nats,
    variance_left,
)
from sims.measurements.estimates import mean_over

CAPTION = (
    "The variance V of a regression target, in units of 1/σ², and what an average over n references leaves of it; "
    "points: drawn targets with 95 % intervals. n = 1 is denoising score matching (DSM). a: dashed, the collapse, "
    "where a Gaussian of the data's covariance has the information that tells all points from each other. b: on each "
    "curve, where such a Gaussian has the information ½ ln n (triangles; there the 1/(n - 1) law has failed for it) "
    "and ln n (circles; half is left of its variance). c: the areas under the curves of a; n references take ln n "
    "nats. d: what is left, times how much larger a batch would be that costs as much; below the line references pay. "
    "In b and d levels are left out at which there is no variance to speak of, or too few draws tell what is left."
)
_WEIGHTS = f"{WEIGHTS:,}".replace(",", " ")
_WIDE = 100  # an axis whose decades are enough as labels
_KNOWN = 0.5  # of what is shown its interval is no wider, either side
_LEFT = r"$V_\mathrm{STF}/V_\mathrm{DSM}$"


@styled
def draw(data: Arrays) -> Figure:
    figure, axes = plt.subplots(2, 2, figsize=(WIDEST, 7.6))
    _draw_variances(axes[0, 0], data)
    _draw_left(axes[0, 1], data)
    _draw_nats(axes[1, 0], data)
    _draw_cost(axes[1, 1], data)
    label_panels(axes)
    return figure


def _colours(data: Arrays) -> np.ndarray:
    return setting_colours(len(data["references"]))


def _draw_variances(axis: Axes, data: Arrays) -> None:
    for index, (number, colour) in enumerate(zip(data["references"], _colours(data), strict=True)):
        found = mean_over(data["measured"][:, index])
        label = "n = 1: DSM" if number == 1 else f"n = {number}"
        axis.errorbar(
            data["levels"], found.value, yerr=found.half_width, fmt="o-", ms=2.5, lw=1, color=colour, label=label
        )
    axis.axvline(float(data["collapse"]), color=EXACT, lw=1, ls="--", label="collapse of a Gaussian")
    axis.set_xscale("log")
    axis.set_ylim(bottom=0)
    axis.set_xlabel("noise level σ")
    axis.set_ylabel("variance of the target, σ²V")
    axis.set_title(f"{int(data['point_count'])} points in {_directions(data)}")
    axis.legend()


def _directions(data: Arrays) -> str:
    dimension = int(data["dimension"])
    return "one dimension" if dimension == 1 else f"{dimension} dimensions"


def _draw_left(axis: Axes, data: Arrays) -> None:
    for index, colour in list(enumerate(_colours(data)))[1:]:
        levels, value, error = _known_shares(data, index)
        label = f"n = {data['references'][index]}"
        axis.errorbar(levels, value, yerr=error, fmt="o-", ms=2, lw=1, color=colour, label=label)
        if not levels.size:
            continue
        for mark, at in (("^", data["half_law"][index - 1]), ("o", data["half"][index - 1])):
            if levels[0] <= at <= levels[-1]:
                place = np.exp(np.interp(np.log(at), np.log(levels), np.log(value)))
                axis.plot(at, place, mark, ms=7, mfc="none", color=colour)
    for mark, words in (("^", "Gaussian: 2I = ln n"), ("o", "Gaussian: I = ln n")):
        axis.plot([], [], mark, ms=7, mfc="none", color=BLACK, label=words)
    _level_and_share(axis)
    axis.set_ylabel(f"variance left, {_LEFT}")
    axis.set_title("what references leave")
    axis.legend(loc="lower left")


def _known_shares(data: Arrays, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Levels with V_STF/V_DSM and half its interval, where there is variance and the draws say what is left of it."""
    places = np.flatnonzero(levels_with_variance(data))
    found = [variance_left(data, index, int(place)) for place in places]
    value, error = (np.array([float(getattr(each, part)) for each in found]) for part in ("value", "half_width"))
    known = error < _KNOWN * value
    return data["levels"][places][known], value[known], error[known]


def _level_and_share(axis: Axes) -> None:
    axis.set(xscale="log", yscale="log")
    axis.set_ylim(bottom=min(axis.get_ylim()[0], 0.08))  # a decade at least
    low, high = axis.get_xlim()
    if high < _WIDE * low:
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.xaxis.set_major_formatter(FuncFormatter(lambda level, _: f"{level:g}"))
        axis.xaxis.set_minor_formatter(NullFormatter())
    axis.set_xlabel("noise level σ")


def _draw_nats(axis: Axes, data: Arrays) -> None:
    references, found = data["references"], nats(data)
    value, error = (np.array([float(getattr(each, part)) for each in found]) for part in ("value", "half_width"))
    repeated = int(data["distinct_count"]) < int(data["point_count"])
    words = "theory, with repeated points" if repeated else "theory, ln(N/n)"
    axis.semilogx(references, data["law"], color=BLACK, lw=1, label=words)
    axis.errorbar(references, value, yerr=error, fmt="o", ms=5, mfc="none", color=VERMILION, label="drawn targets")
    axis.set_xticks(references, [str(number) for number in references])
    axis.minorticks_off()
    axis.set_ylim(bottom=0)
    axis.set_xlabel("references n")
    axis.set_ylabel("area ∫σV dσ, nats")
    axis.set_title("the whole variance")
    axis.legend()


def _draw_cost(axis: Axes, data: Arrays) -> None:
    costs = cost(data)
    for index, colour in list(enumerate(_colours(data)))[1:]:
        levels, value, _ = _known_shares(data, index)
        label = f"n = {data['references'][index]}, batch × {costs[index]:.2f}"
        axis.plot(levels, costs[index] * value, "o-", ms=2, lw=1, color=colour, label=label)
    axis.axhline(WELL_BELOW, color=BLACK, lw=1, ls="--", label=f"below {WELL_BELOW:g} references pay")
    found = advice(data)
    if found is not None:
        axis.axvspan(found.first, found.last, color="0.92", zorder=0, label=f"where {found.references} are advised")
    _level_and_share(axis)
    axis.set_ylabel(f"{_LEFT} × batch of the same cost")
    axis.set_title(f"beside larger batches, for a network of {_WEIGHTS} weights")
    axis.legend(loc="lower left")


# --- Words below the picture ---


def advise(data: Arrays) -> str:
    """How many references are worth their cost, and where; see `statistics.advice` for the rule."""
    found = advice(data)
    if found is None:
        return (
            "References are not worth their cost at any noise level of these data: nowhere do they leave less than "
            "half of the target's variance that a batch of the same cost would leave."
        )
    where = f"above {found.first:.2g}" if found.to_the_end else f"from {found.first:.2g} to {found.last:.2g}"
    return (
        f"Share {found.references} references in every batch at noise levels σ {where} (in the data's units; bytes run "
        f"from -1 to 1): they leave {_percent(found.least)} to {_percent(found.most)} of the target's variance there, "
        f"a batch that costs as much ({found.cost:.2f} times as large, for a network of {_WEIGHTS} weights; a larger "
        f"one makes references cheaper) {_percent(1 / found.cost)}; below, where {_percent(found.below)} of the "
        "target's nats are, they are not sure to leave less than half of that."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.2g} %"


def notes(data: Arrays) -> list[str]:
    """The advice, and what a reader of these data's picture has to know."""
    found = [advise(data), _of_draws(data), _of_levels(data), _of_repetitions(data), _of_the_rest(data), _OF_SHARING]
    return [sentence for sentence in found if sentence]


_OF_SHARING = (
    "The curves are of references that are drawn anew for every datum; in a batch that shares them, errors of targets "
    "that are near each other go together. As many references as there are points are the exact score of these points, "
    "which a network that follows it to the end samples as copies."
)


def _of_draws(data: Arrays) -> str:
    error = max(float(each.half_width) for each in nats(data))
    return (
        f"Targets of {int(data['draws'])} x_0 with two noises each were drawn, and every exact score sums over all "
        f"{int(data['point_count'])} points: areas are right to ±{error:.2g} nats."
    )


def _of_levels(data: Arrays) -> str:
    number, half_law, half = (data[name][-1] for name in ("references", "half_law", "half"))
    return (
        f"Of a Gaussian with the data's covariance {number} references would not divide the variance by n - 1 below "
        f"σ = {half_law:.3g} and would leave half of it at {half:.3g}, and its points would collapse below "
        f"{float(data['collapse']):.3g}; these data need not follow it."
    )


def _of_repetitions(data: Arrays) -> str:
    points, distinct = int(data["point_count"]), int(data["distinct_count"])
    if distinct == points:
        return ""
    return (
        f"Only {distinct} of the {points} samples differ from each other: the whole of the nats is not ln N = "
        f"{np.log(points):.3g} but the entropy of the shares that they have, {float(data['law'][0]):.3g}, and "
        "references that repeat a sample take less than ln n."
    )


def _of_the_rest(data: Arrays) -> str:
    modes, dimension, share = int(data["mode_count"]), int(data["dimension"]), float(data["variance_share"])
    if share > 1 - 1e-6:
        return ""
    return (
        f"Of these data only the leading {modes} of {dimension} principal components were looked at, which have "
        f"{100 * share:.3g} % of the variance: as many as fit into memory."
    )
