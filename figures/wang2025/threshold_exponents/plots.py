"""Exponent against threshold and against damping."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from figures.common.stages import Arrays
from figures.common.style import BLACK, EXPONENT, VERMILION, label_panels, plt, setting_colours, styled
from figures.studies.trained_networks.statistics import Branch, mean_of_defined
from figures.wang2025.threshold_exponents.statistics import by_damping, by_fraction, closed_form_by_damping, mlps

CAPTION = (
    "Which exponent α of τ* ∝ λ^-α a network has depends on what counts as emerged: f is how far λ̃ is from its initial "
    "to its target value, in logarithms, so that f = ½ is the geometric mean. There a preconditioned network has ½, a "
    "raw weight matrix that starts from zero 1, and momentum takes that to ½ again. The loss weight is multiplied by "
    "σ^-2a. Lines are the closed form, dashed its asymptotic law, points trained networks with 95 % intervals. "
    "Diamonds are MLPs, one for all noise levels; dotted is the closed form with their modes, start and levels. Where "
    "dampings are shaded, modes are critically damped, γ² = 8ηλ."
)
# Title of each panel, and its settings with their markers.
PANELS = {
    "preconditioned, falling modes: α → f(1 − a)": {"preconditioned_falling": "o"},
    "preconditioned, rising modes: α → 1 − f(1 + a)": {"preconditioned_rising": "o"},
    "raw matrix: rising from gain 0, falling from 1": {"raw_rising": "o", "raw_falling": "s"},
}


@styled
def draw(data: Arrays) -> Figure:
    figure, axes = plt.subplots(2, 2, figsize=(10, 7.6))
    for axis, (title, settings) in zip(axes.flat, PANELS.items(), strict=False):
        for setting, marker in settings.items():
            _draw_setting(axis, data, setting, marker)
            if setting.startswith("preconditioned"):
                _draw_mlps(axis, data, "falling" if setting.endswith("falling") else "rising")
        axis.set_title(title)
        axis.set_xlim(0, 1)
        axis.set_ylabel(f"exponent α of {EXPONENT}")
        axis.set_xlabel(r"fraction f of the way from $\ln λ̃(0)$ to $\ln λ$ at which a mode has emerged")
    _name_weights(axes[0, 0], data)
    _name_branches(axes[1, 0])
    _draw_momentum(axes[1, 1], data)
    label_panels(axes)
    return figure


def _draw_setting(axis: Axes, data: Arrays, setting: str, marker: str) -> None:
    fractions, weights = data["fraction"], data["weight_exponent"].size
    for index, colour in enumerate(setting_colours(weights)):
        found = by_fraction(data, setting, index)
        axis.plot(fractions, data[f"asymptotic_{setting}"][index], "--", color=colour, lw=0.7)
        axis.plot(fractions, found.closed_form, color=colour, lw=1.4)
        trained = found.trained
        face = "none" if marker == "s" else colour
        axis.errorbar(fractions, trained.value, yerr=trained.half_width, fmt=marker, ms=4, color=colour, mfc=face)


def _draw_mlps(axis: Axes, data: Arrays, branch: Branch) -> None:
    fractions, found = data["fraction"], mlps(data, branch)
    closed = [float(mean_of_defined(models).value) for models in found.closed_form.T]
    axis.plot(fractions, closed, ":", color=BLACK, lw=1.2)
    estimates = found.by_fraction()
    value, half_width = ([float(getattr(each, name)) for each in estimates] for name in ("value", "half_width"))
    beside = fractions + 0.012  # of the linear networks' points
    axis.errorbar(beside, value, yerr=half_width, fmt="D", ms=4, color=BLACK, mfc="white", lw=0.8)


def _name_weights(axis: Axes, data: Arrays) -> None:
    exponents = data["weight_exponent"]
    weights = [
        Line2D([], [], color=colour, lw=1.4, label=f"weight × $σ^{{-2a}}$, a = {a:g}")
        for a, colour in zip(exponents, setting_colours(exponents.size), strict=True)
    ]
    kinds = [
        Line2D([], [], color="0.3", lw=1.4, label="closed form"),
        Line2D([], [], color="0.3", lw=0.7, ls="--", label="asymptotic law"),
        Line2D([], [], color="0.3", ls="", marker="o", ms=4, label="linear networks, trained"),
        Line2D(
            [], [], color=BLACK, ls=":", marker="D", ms=4, mfc="white", lw=1.2, label="MLPs, a = 0, and closed form"
        ),
    ]
    axis.legend(handles=[*weights, *kinds], loc="upper left")


def _name_branches(axis: Axes) -> None:
    branches = {"rising: α → 1 − fa": ("o", "0.3"), "falling: α → f(1 − a)": ("s", "none")}
    axis.legend(
        handles=[
            Line2D([], [], color="0.3", ls="", marker=marker, ms=4, mfc=face, label=words)
            for words, (marker, face) in branches.items()
        ]
    )


def _draw_momentum(axis: Axes, data: Arrays) -> None:
    trained = by_damping(data).trained
    axis.semilogx(data["damping_curve"], closed_form_by_damping(data), color=BLACK, lw=1.4, label="closed form")
    axis.errorbar(
        data["damping"],
        trained.value,
        yerr=trained.half_width,
        fmt="o",
        ms=4,
        color=VERMILION,
        label="linear networks, trained",
    )
    left, right = data["damping_curve"][0], data["damping_curve"][-1]
    limits = (0.5, right, "right", "weak damping: ½"), (1.0, left, "left", "gradient flow: 1")
    for level, place, side, words in limits:
        axis.axhline(level, color="0.6", lw=0.8, ls=":")
        axis.annotate(words, (place, level), (0, 4), textcoords="offset points", ha=side, color="0.4")
    variance = data["momentum_variance"]
    low, high = np.sqrt(8 * variance.min()), np.sqrt(8 * variance.max())
    axis.axvspan(low, high, color="0.9", lw=0, zorder=0)
    axis.text(np.sqrt(low * high), 0.455, "γ² = 8ηλ", ha="center", color="0.4")
    axis.set_ylim(0.44, 1.06)
    axis.set_xlabel("damping γ, with η = 1")
    axis.set_ylabel(f"exponent α of {EXPONENT}, geometric mean")
    axis.set_title("raw matrix, trained with momentum")
    axis.legend(loc="upper left", bbox_to_anchor=(0.0, 0.88))
