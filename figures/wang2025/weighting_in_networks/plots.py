"""Exponents against the loss weight, and emergence under both optimisers, as a picture."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import BLACK, EXPONENT, KINDS, WIDEST, label_panels, plt, setting_colours, styled
from figures.studies.trained_networks.plots import key_below
from figures.studies.trained_networks.statistics import Reading, mean_of_defined
from figures.wang2025.weighting_in_networks.experiment import OPTIMISERS, kind
from figures.wang2025.weighting_in_networks.statistics import NAMES, exponents

CAPTION = (
    "Gradient descent follows the loss weight, dα/da = {{SGD: the loss weight lowers the exponent|value .2f}} "
    "{{SGD: the loss weight lowers the exponent|interval .2f}}; with Adam the slope is {{Adam follows the loss"
    " weight less than SGD|value .2f}} {{Adam follows the loss weight less than SGD|interval .2f}} above that."
    " Falling modes of photograph patches, geometric mean of start and target; bars: 95 % over models; black: "
    "a linear denoiser with the same start, preconditioning and density of noise levels. b, c: one model, and "
    "the closed form in a fitted unit of time."
)


@styled
def draw(data: Arrays) -> Figure:
    figure, axes = plt.subplots(1, 3, figsize=(WIDEST, 4.0))
    _draw_exponents(axes[0], data)
    for axis, optimiser in zip(axes[1:], OPTIMISERS, strict=True):
        _draw_emergence(axis, data, optimiser)
    label_panels(axes)
    return figure


def _draw_exponents(axis: Axes, data: Arrays) -> None:
    tilt = data["tilt"]
    axis.plot(tilt, (1 - tilt) / 2, ":", color="0.5", lw=1, label="(1 − a)/2")
    closed = [mean_of_defined(each).value for each in exponents(data, "sgd").closed_form]
    axis.plot(tilt, closed, color=BLACK, lw=1.2, label="closed form, linear")
    for optimiser, colour, shift in zip(OPTIMISERS, KINDS, (-0.008, 0.008), strict=False):
        found = [mean_of_defined(each) for each in exponents(data, optimiser).trained]
        value, bars = ([float(getattr(each, part)) for each in found] for part in ("value", "half_width"))
        axis.errorbar(tilt + shift, value, yerr=bars, fmt="o", ms=4, lw=1, color=colour, label=NAMES[optimiser])
    axis.set_xlabel("exponent a of the loss weight σ$^{-2a}$")
    axis.set_ylabel("exponent α of emergence")
    axis.set_title("the loss weight and the optimiser")
    axis.set_ylim(bottom=0)
    key_below(axis, columns=2)


def _draw_emergence(axis: Axes, data: Arrays, optimiser: str) -> None:
    axis.set(xscale="log", yscale="log")
    for index, (a, colour) in enumerate(zip(data["tilt"], setting_colours(len(data["tilt"])), strict=True)):
        reading = Reading(data, kind(optimiser, index))
        variance, used = reading["variance"][0], (reading.clear() & reading.on("falling"))[0]
        step, theory = reading.emergence()[0], reading.closed_form()[0] * reading.steps_per_time()[0]
        seen, drawn = used & np.isfinite(step), used & np.isfinite(theory)
        axis.plot(variance[seen], step[seen], "v", ms=3, color=colour, label=f"a = {a:g}")
        axis.plot(variance[drawn], theory[drawn], color=colour, lw=1)
    axis.set_xlabel("variance of the data along the mode, λ")
    axis.set_ylabel("emergence step τ*")
    axis.set_title(f"{NAMES[optimiser]}: {EXPONENT}")
    key_below(axis, columns=3)


def notes(data: Arrays) -> list[str]:
    """Modes that do not emerge in the run enter no fit."""
    late = []
    for optimiser in OPTIMISERS:
        for index, a in enumerate(data["tilt"]):
            reading = Reading(data, kind(optimiser, index))
            used = reading.clear() & reading.on("falling")
            missing = int(np.isposinf(reading.emergence())[used].sum())
            if missing:
                late.append(f"{NAMES[optimiser]}, a = {a:g}: {missing} of {int(used.sum())} modes of all models")
    return [f"Do not pass the geometric mean by the end, and enter no fit: {'; '.join(late)}."] if late else []
