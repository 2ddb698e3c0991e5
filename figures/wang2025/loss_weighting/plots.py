"""Emergence times and exponents by weighting."""

import numpy as np
from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import (
    BLACK,
    EXPONENT,
    KINDS,
    VERMILION,
    label_panels,
    plt,
    setting_colours,
    styled,
)
from figures.wang2025.loss_weighting.experiment import COMMON, MEANS, TRAINED_COMMON
from figures.wang2025.loss_weighting.statistics import exponents_of_powers
from sims.measurements.estimates import mean_over

CAPTION = (
    "The loss weight sets the exponent: for w = σ^-2a trained networks have τ* ∝ λ^-(1-a), slope {{dα/da at the "
    "arithmetic mean|value .3f}} in a at the arithmetic mean. Noise prediction, a = 1, trains all modes at "
    "once: α = {{exponent for w = σ^-2|value z.3f}} {{exponent for w = σ^-2|interval z.3f}}. Lines are theory, "
    "points trained networks."
)


_COMMON_COLOURS = (BLACK, *KINDS)
_WEIGHT, _IN_UNITS = r"$w = σ^{-2a}$", r"variance λ of the mode, in units of EDM's $σ_d^2$"


@styled
def draw(data: Arrays) -> Figure:
    figure, axes = plt.subplots(2, 2, figsize=(10, 7.6))
    _draw_emergence(axes[0, 0], data)
    _draw_exponents(axes[0, 1], data)
    _draw_common(axes[1, 0], data)
    _draw_local_exponents(axes[1, 1], data)
    label_panels(axes)
    return figure


def _draw_emergence(axis, data: Arrays) -> None:
    exponents = data["exponents"]
    for index, (a, colour) in enumerate(zip(exponents, setting_colours(exponents.size), strict=True)):
        axis.loglog(data["wide_variance"], data["wide_emergence"][index], color=colour, lw=1.2)
        _points(axis, data, index, colour, f"a = {a:g}", scale=1.0)
    axis.set_xlim(data["variance"].min() / 3, data["variance"].max() * 3)
    axis.set_ylim(1e-2, 1e2)
    axis.set_xlabel("variance λ of the mode")
    axis.set_ylabel("emergence time ητ*, arithmetic mean")
    axis.set_title(f"weights {_WEIGHT} (lines: theory, points: trained)")
    axis.legend(ncols=2)


def _points(axis, data: Arrays, index: int, colour: str, label: str, scale: float) -> None:
    """Measured emergence times of one run, with 95 % intervals."""
    seen = np.isfinite(data["emergence_arithmetic"][index]).all(axis=0)
    times = mean_over(data["emergence_arithmetic"][index][:, seen])
    axis.errorbar(
        data["variance"][seen],
        scale * times.value,
        yerr=scale * times.half_width,
        fmt="o",
        ms=3.5,
        color=colour,
        label=label,
    )


def _draw_exponents(axis, data: Arrays) -> None:
    a = data["exponents"]
    axis.plot(a, 1 - a, "k-", lw=1, label="1 − a, arithmetic mean")
    axis.plot(a, 1 - a / 2, "k--", lw=1, label="1 − a/2, geometric mean")
    for mean, marker in zip(MEANS, "os", strict=True):
        fits = exponents_of_powers(data, mean)
        used = [(x, fit.trained) for x, fit in zip(a, fits, strict=True) if fit.defined]
        values = [fit.value for _, fit in used]
        errors = [fit.half_width for _, fit in used]
        label = f"trained, {mean} mean"
        axis.errorbar([x for x, _ in used], values, yerr=errors, fmt=marker, ms=4, color=VERMILION, label=label)
    axis.axhline(1.0, color="0.7", lw=0.8, ls=":", label="universal law, α = 1")
    axis.set_xlabel(f"a in {_WEIGHT}")
    axis.set_ylabel(f"exponent α of {EXPONENT}")
    axis.set_title("the weight sets the exponent")
    axis.legend()


def _draw_common(axis, data: Arrays) -> None:
    """Times relative to that of λ = 1, since a constant factor in the weight is a factor in the learning rate."""
    for name, colour, emergence in zip(COMMON, _COMMON_COLOURS, data["common_emergence"], strict=True):
        unit = np.exp(np.interp(0.0, np.log(data["wide_variance"]), np.log(emergence)))
        axis.loglog(data["wide_variance"], emergence / unit, color=colour, lw=1.2, label=name)
        if name in TRAINED_COMMON:
            _points(
                axis, data, data["exponents"].size + TRAINED_COMMON.index(name), colour, f"{name}, trained", 1 / unit
            )
    axis.set_xlabel(_IN_UNITS)
    axis.set_ylabel("emergence time relative to λ = 1")
    axis.set_title("weightings in common use")
    axis.legend()


def _draw_local_exponents(axis, data: Arrays) -> None:
    for name, colour, emergence in zip(COMMON, _COMMON_COLOURS, data["common_emergence"], strict=True):
        local = -np.gradient(np.log(emergence), np.log(data["wide_variance"]))
        axis.semilogx(data["wide_variance"], local, color=colour, lw=1.2, label=name)
    axis.set_xlabel(_IN_UNITS)
    axis.set_ylabel("local exponent −d ln τ*/d ln λ")
    axis.set_title("where each weighting keeps the bias")
    axis.legend()
