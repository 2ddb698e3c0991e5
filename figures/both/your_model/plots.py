"""A user's training run as a picture, and what a person who trains has to know to read it."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.both.your_model.experiment import LEADING
from figures.both.your_model.statistics import BRANCHES, FRACTIONS, GRAY_ZONE, HALF_WAY, Reading, excursions
from figures.common.images import draw_images
from figures.common.stages import Arrays
from figures.common.style import (
    BLACK,
    EXPONENT,
    GREEN,
    PINK,
    VERMILION,
    WIDEST,
    label_panels,
    mode_colours,
    plt,
    styled,
)
from sims.measurements.estimates import Estimate
from sims.measurements.resampling import jackknife_error

_OTHER_UNITS = 2.5  # times the data's variance, or its inverse: pixels in other units have four
_NEAR = 1.25  # times it
_FAR_OUT = 10.0  # times the variance that samples begin with or should come to
_MARKERS = {"rising": "^", "falling": "v"}


@styled
def draw(data: Arrays) -> Figure:
    images = "images_generated" in data
    figure = plt.figure(figsize=(WIDEST, 9.4 if images else 7.8))
    grid = figure.add_gridspec(3 if images else 2, 2, height_ratios=(1, 1, 0.55) if images else None)
    axes = np.array([figure.add_subplot(grid[row, column]) for row in range(2) for column in range(2)])
    reading = Reading(data)
    _draw_curves(axes[0], reading)
    _draw_emergence(axes[1], reading)
    _draw_exponents(axes[2], reading)
    _draw_wholes(axes[3], data)
    _key_of_modes(figure, axes[0])
    label_panels(axes)
    if images:
        titles = [f"step {data['steps'][index]:.0f}" for index in data["shown_snapshots"]]
        draw_images(figure, grid[2, :], data["images_generated"], data["images_real"], titles)
    return figure


def _draw_curves(axis: Axes, reading: Reading) -> None:
    data, unit = reading.data, reading.steps_per_time
    shown = np.unique(np.geomspace(1, data["variance"].size, 7).astype(int)) - 1
    times, curves = data["times_closed_form"][1:] * unit, data["variance_closed_form"][1:]
    places = _places(data)
    inside = (times > 0.7 * places[0]) & (times < 1.4 * places[-1])  # none where no unit was found
    own, parts = data["variance_over_training"], np.maximum(data["variance_without"], np.finfo(float).tiny)
    half_width = Estimate(own, jackknife_error(np.log(parts)), len(parts)).half_width
    for mode, colour in zip(shown, mode_colours(len(shown)), strict=True):
        axis.plot(times[inside], curves[inside][:, mode], color=colour, lw=1.2)
        bars = _log_bars(own[:, mode], half_width[:, mode])
        label = f"λ = {data['variance'][mode]:.2g}"
        axis.errorbar(places, own[:, mode], yerr=bars, fmt="o", ms=2.8, lw=0.8, color=colour, label=label)
    axis.set_yscale("log" if np.any(own[:, shown] > 0) else "linear")  # samples that are all equal vary along no mode
    _step_axis(axis, data)
    axis.set_ylabel("variance of the samples along a mode")
    axis.set_title("what the samples have of each mode")


def _key_of_modes(figure: Figure, axis: Axes) -> None:
    handles, labels = axis.get_legend_handles_labels()
    words = "points: your samples with 95 % intervals, lines: linear denoiser; λ: variance of the data along a mode"
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), title=words)


def _draw_emergence(axis: Axes, reading: Reading) -> None:
    found, theory = reading.emergence, reading.closed_form[HALF_WAY] * reading.steps_per_time
    step, variance, clear = found.step[HALF_WAY], reading.data["variance"], reading.clear
    seen = np.isfinite(step)
    axis.set_xscale("log")
    axis.set_yscale("log")
    if (seen & ~clear).any():
        label = f"within a factor {GRAY_ZONE:g} from the start"
        axis.plot(variance[seen & ~clear], step[seen & ~clear], "o", ms=2.5, color="0.75", label=label)
    half_width = Estimate(step, found.log_stderr[HALF_WAY], len(found.without)).half_width
    named = False
    for branch in BRANCHES:
        used = seen & clear & reading.on(branch)
        if not used.any():
            continue
        bars = _log_bars(step[used], half_width[used])
        style = {"fmt": _MARKERS[branch], "ms": 3.5, "lw": 0.7, "color": VERMILION}
        axis.errorbar(variance[used], step[used], yerr=bars, label=_words(reading, branch), **style)
        line = used & np.isfinite(theory)
        axis.plot(variance[line], theory[line], color=BLACK, lw=1.2, label=None if named else "linear denoiser")
        named = True
    axis.axhline(reading.data["steps"][-1], color="0.7", lw=0.8)
    axis.set_xlabel("variance of the data along the mode, λ")
    axis.set_ylabel("emergence: step at half-way")
    axis.set_title(f"when each mode emerges, {EXPONENT}" if seen.any() else "no mode emerges between two snapshots")
    if seen.any():
        axis.legend(loc="lower left")


def _log_bars(value: np.ndarray, half_width: np.ndarray) -> np.ndarray:
    """How far the interval of a logarithm reaches down and up; nowhere where there is none, and no more than e³."""
    reach = np.minimum(np.nan_to_num(half_width), 3.0)
    return value * np.stack([-np.expm1(-reach), np.expm1(reach)])


def _words(reading: Reading, branch: str) -> str:
    found = reading.exponent(branch, HALF_WAY)
    if not found.defined:
        return f"{branch} to λ"
    return f"{branch} to λ: α = {_sized(found.measured)} (linear: {_signed(found.closed_form)})"


def _sized(estimate: Estimate) -> str:
    margin = f" ± {estimate.half_width:.2f}" if np.isfinite(estimate.stderr) else ""
    return _signed(estimate.centre) + margin


def _signed(number: float) -> str:
    return f"{number:.2f}".replace("-", "−")


def _draw_exponents(axis: Axes, reading: Reading) -> None:
    """On both branches at several fractions, with those of the closed form over the same modes."""
    ends, highest, lowest = np.array([0.15, 0.85]), 1.0, 0.0
    for branch, limit, line in zip(BRANCHES, (1 - ends, ends), (":", "--"), strict=True):
        found = [reading.exponent(branch, index) for index in range(len(FRACTIONS))]
        pairs = [(f, each) for f, each in zip(FRACTIONS, found, strict=True) if each.defined]
        far = f"{branch}, far from its start: {'1 − f' if branch == 'rising' else 'f'}"
        axis.plot(ends, limit, line, color="0.5", lw=1, label=far)
        if not pairs:
            continue
        place = np.array([f for f, _ in pairs]) + (-0.008 if branch == "rising" else 0.008)
        value, reach = np.transpose([(each.measured.value, each.measured.half_width) for _, each in pairs])
        closed, marker = np.array([each.closed_form for _, each in pairs]), _MARKERS[branch]
        axis.plot(place, closed, marker, ms=6, mfc="none", color=BLACK, label=f"linear denoiser, {branch}")
        bars = {"yerr": np.nan_to_num(reach), "fmt": marker, "ms": 6, "color": VERMILION}
        axis.errorbar(place, value, label=f"your samples, {branch}", **bars)
        highest, lowest = max(highest, *value, *closed), min(lowest, *value, *closed)
    axis.axhline(0, color="0.7", lw=0.8)
    axis.set_ylim(lowest - 0.25, highest + 0.25)  # long bars are cut off
    axis.set_xticks(FRACTIONS, [f"{f:g}" for f in FRACTIONS])
    axis.set_xlabel("level: fraction f of the way from first snapshot to data, in logarithms")
    axis.set_ylabel("exponent α of emergence")
    axis.set_title("α = 0: all modes at once; the larger α, the later weak modes")
    _key_below(axis, columns=3)


def _draw_wholes(axis: Axes, data: Arrays) -> None:
    """What no single mode says: do samples have the data's modes, and are they copies."""
    places, parts = _places(data), data["alignment_without"]
    chi = Estimate(data["alignment"], jackknife_error(parts), len(parts))
    reach = np.nan_to_num(chi.half_width)
    bars = np.stack([reach, np.clip(1 - chi.value, 0, reach)])  # a share is at most one
    axis.errorbar(places, chi.value, yerr=bars, fmt="o-", ms=3, lw=1, color=GREEN, label="modes are the data's, χ")
    share = data["memorised"].mean(axis=1)
    axis.plot(places, share, "s-", ms=3, lw=1, color=PINK, label="samples that are copies")
    chance = data["memorised_data"].mean()
    axis.axhline(chance, color=PINK, lw=1, ls="--", label="data that would pass for copies")
    _step_axis(axis, data)
    axis.set_ylim(-0.05, 1.05)
    axis.set_ylabel("share")
    axis.set_title("samples as wholes")
    _key_below(axis, columns=2)


def _key_below(axis: Axes, columns: int) -> None:
    """A legend where no data can be."""
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=columns, columnspacing=1.0)


def _places(data: Arrays) -> np.ndarray:
    """Where snapshots are on a logarithmic axis; step 0 has no place there, and stands before the others."""
    steps = data["steps"]
    return np.where(steps > 0, steps, steps[steps > 0].min() / 2.5)


def _step_axis(axis: Axes, data: Arrays) -> None:
    axis.set_xscale("log")
    axis.set_xlabel("training step" + (" (leftmost: step 0)" if data["steps"][0] == 0 else ""))


# --- Words below the picture ---


def notes(data: Arrays) -> list[str]:
    """What was looked at, what came out, and what it does not say."""
    reading = Reading(data)
    found = [
        _of_the_run(data),
        _of_the_start(data),
        *(_of_branch(reading, branch) for branch in BRANCHES),
        _of_the_papers(reading),
        _of_the_closed_form(reading),
        _of_excursions(data),
        _of_the_end(data),
        _of_units(data),
        _of_copies(data),
        "Intervals say what more samples of the same snapshots would change, not what another run of training would.",
    ]
    return [sentence for sentence in found if sentence]


def _of_the_run(data: Arrays) -> str:
    counts, steps = data["sample_counts"], data["steps"]
    many = f"{counts.min()}" if counts.min() == counts.max() else f"{counts.min()} to {counts.max()}"
    total = data["variance"].sum()
    share = total / (total + float(data["variance_of_rest"]))
    demonstration = "Without --data and --snapshots: a small network trained here on digits. "
    return ("" if data["users_own"] else demonstration) + (
        f"{len(steps)} snapshots from step {steps[0]:.0f} to {steps[-1]:.0f}, of {many} samples. A mode is a direction "
        f"in which the data vary, a principal component: {data['variance'].size} of {int(data['dimension'])} are "
        f"looked at, with {100 * share:.4g} % of the variance of {int(data['data_count'])} samples."
    )


def _of_the_start(data: Arrays) -> str:
    first = data["steps"][0]
    if first == 0:
        return ""
    return (
        f"There is no snapshot of step 0: what was learned before step {first:.0f} is not seen, and a mode's way "
        "begins with what it had there. Save samples before the first step of training."
    )


def _of_branch(reading: Reading, branch: str) -> str:
    modes, step = reading.on(branch), reading.emergence.step[HALF_WAY]
    if not modes.any():
        return ""
    clear = modes & reading.clear
    early, late = (int(np.sum(clear & (step == end))) for end in (-np.inf, np.inf))
    less = "less" if branch == "rising" else "more"
    said = [
        f"{int(modes.sum())} modes begin with {less} variance than the data have; of those {int(clear.sum())} that "
        f"have to change by more than a factor of {GRAY_ZONE:g}, {int(np.sum(clear & np.isfinite(step)))} pass "
        "half-way between two snapshots"
    ]
    said += [f"{early} before the first after step 0"] * (early > 0) + [f"{late} not by the end"] * (late > 0)
    found = reading.exponent(branch, HALF_WAY)
    if found.defined:
        size, fit = _sized(found.measured), found.line.r_squared
        said.append(f"their emergence goes as λ^-α with α = {size} (R² of the fit {fit:.2f})")
    else:
        said.append("too few, or of variances too much alike, for an exponent")
    return "; ".join(said) + "."


def _of_the_papers(reading: Reading) -> str:
    if not any(reading.exponent(branch, HALF_WAY).defined for branch in BRANCHES):
        return ""
    return (
        "Networks of Wang & Pehlevan 2025 have α from 1.05 to 1.13 (MLPs on Gaussian data), 0.35 to 0.48 (MLPs on "
        "images) and about 0 (convolutional ones), by a definition that differs in details."
    )


def _of_the_closed_form(reading: Reading) -> str:
    unit = reading.steps_per_time
    if not np.isfinite(unit):
        return "No mode emerges between two snapshots, so the linear denoiser's time has no unit in steps."
    return (
        "The linear denoiser has EDM's preconditioning and begins with the same variance, the geometric mean over "
        f"modes of the first snapshot; one number was fitted, the unit of its time: {unit:.3g} steps."
    )


def _of_excursions(data: Arrays) -> str:
    ratio = excursions(data)
    far = np.flatnonzero(ratio > _FAR_OUT)
    if not far.size:
        return ""
    first, last = (f"{data['steps'][index]:.0f}" for index in far[[0, -1]])
    steps = f"At step {first}" if first == last else f"Between the steps {first} and {last}"
    return (
        f"{steps} the samples have along some mode up to {ratio.max():.2g} times the variance that they began with or "
        "that the data have: training, or sampling, was not stable there. Where a mode passes half-way on its way out "
        "or back, that is no learning."
    )


def _of_the_end(data: Arrays) -> str:
    """Every mode counts alike in the mean of the claim, the weakest too."""
    ratio = data["variance_over_training"][-1] / data["variance"]
    away = np.abs(np.log(np.maximum(ratio, np.finfo(float).tiny)))
    worst = int(away.argmax())
    return (
        f"In the last snapshot {int(np.sum(away < np.log(_NEAR)))} of {ratio.size} modes have the data's variance to a "
        f"factor of {_NEAR:g}. The farthest, of λ = {data['variance'][worst]:.2g}, has {ratio[worst]:.2g} times that."
    )


def _of_units(data: Arrays) -> str:
    last, target = data["variance_over_training"][-1].sum(), data["variance"].sum()
    said = "Images in files are cut off at black and white, and so is the variance of samples beyond. "
    said = said if data["clipped"] else ""
    if 1 / _OTHER_UNITS < last / target < _OTHER_UNITS:
        return said
    return said + (
        f"The last samples have {last / target:.3g} times the variance of the data: if training did not fail, they are "
        "in other units than the data (pixels from 0 to 1 and from -1 to 1, say)."
    )


def _of_copies(data: Arrays) -> str:
    modes, chance = min(LEADING, data["variance"].size), 100 * data["memorised_data"].mean()
    return (
        "A sample is a copy where one of the data is three times nearer than any other, along the first "
        f"{modes} modes; of the data themselves {chance:.2g} % would pass for copies of others. χ is the share of the "
        "samples' squared covariance that lies on the data's modes, without the share of chance."
    )
