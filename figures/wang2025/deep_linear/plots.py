"""Gains, variances, emergence times, exponents and waiting times by depth."""

import numpy as np
from matplotlib.figure import Figure

from figures.common.panels import draw_mode_curves, key_of_modes
from figures.common.stages import Arrays
from figures.common.style import (
    BLACK,
    EXPONENT,
    VERMILION,
    label_panels,
    plt,
    power_law_guide,
    setting_colours,
    styled,
)
from figures.wang2025.deep_linear.statistics import emergence_of, exponent_of
from sims.measurements.estimates import mean_over
from sims.measurements.modes import variance_over_seeds
from theory.spectral_law.power_law import fit_power_law

CAPTION = (
    "Depth sharpens the transition of every mode and keeps the law: networks of depth 3 and 4 have the "
    "exponents {{depth 3: emergence exponent against theory|value .3f}} and {{depth 4: emergence exponent "
    "against theory|value .3f}}, where theory has {{depth 3: emergence exponent against theory|reference .3f}} "
    "and {{depth 4: emergence exponent against theory|reference .3f}}. Lines are theory, points trained "
    "networks."
)


@styled
def draw(data: Arrays) -> Figure:
    figure, axes = plt.subplots(2, 3, figsize=(11, 7))
    _draw_gains(axes[0, 0], data)
    for axis, depth in zip(axes[0, 1:], data["trained_depths"], strict=False):
        _draw_variances(axis, data, int(depth))
    _draw_emergence(axes[1, 0], data)
    _draw_exponents(axes[1, 1], data)
    _draw_waiting(axes[1, 2], data)
    key_of_modes(figure, axes[0, 1])
    label_panels(axes)
    return figure


def _colours(data: Arrays) -> dict[int, np.ndarray]:
    depths = data["depths"].tolist()
    return dict(zip(depths, setting_colours(len(depths)), strict=True))


def _draw_gains(axis, data: Arrays) -> None:
    mode = 1
    for index, (depth, colour) in enumerate(_colours(data).items()):
        axis.semilogx(data["fine_times"], data["gain_by_depth"][index, :, mode], color=colour, label=f"L = {depth}")
    for depth in data["trained_depths"].tolist():
        gains = mean_over(data[f"gain_trained_{depth}"][:, 0, :, mode])
        axis.errorbar(data["times"], gains.value, yerr=gains.half_width, fmt="o", ms=3, color=_colours(data)[depth])
    axis.set_xlabel("training time ητ")
    axis.set_ylabel("gain uᵀWu")
    axis.set_title(f"weights W at σ = 1, λ = {data['variance'][mode]:g}, depth L")
    axis.legend()


def _draw_variances(axis, data: Arrays, depth: int) -> None:
    curves = (data[f"fine_times_{depth}"], data[f"variance_curve_{depth}"])
    measured = variance_over_seeds(data[f"variance_trained_{depth}"])
    draw_mode_curves(axis, data["variance"], np.arange(data["variance"].size), curves, data["times"], measured)
    axis.set_yscale("log")
    axis.set_ylabel("generated variance λ̃")
    axis.set_title(f"depth L = {depth}")


def _draw_emergence(axis, data: Arrays) -> None:
    for index, (depth, colour) in enumerate(_colours(data).items()):
        axis.loglog(data["variance"], data["emergence"][index], color=colour, lw=1.2)
        if depth in data["trained_depths"]:
            times = emergence_of(data, depth)
            seen = np.isfinite(times).all(axis=0)
            estimate = mean_over(times[:, seen])
            axis.errorbar(
                data["variance"][seen],
                estimate.value,
                yerr=estimate.half_width,
                fmt="o",
                ms=3.5,
                color=colour,
                label=f"trained, L = {depth}",
            )
    power_law_guide(
        axis, data["variance"], (data["variance"][0], 1.6 * data["emergence"].max(axis=0)[0]), 1.0, "slope −1"
    )
    axis.set_xlabel("variance λ of the mode")
    axis.set_ylabel("emergence time ητ*")
    axis.set_title(f"emergence of λ̃, {EXPONENT}")
    axis.legend()


def _exponent(variance: np.ndarray, times: np.ndarray) -> float:
    """Over the modes that have a time: a gain that ends where it began has no half-way."""
    emerged = np.isfinite(times)
    return float(fit_power_law(variance[emerged], times[emerged]).exponent)


def _draw_exponents(axis, data: Arrays) -> None:
    for name, words, marker in (("emergence", "generated variance", "o"), ("weight_emergence", "weight, σ = 1", "^")):
        exponents = [_exponent(data["variance"], times) for times in data[name]]
        axis.plot(data["depths"], exponents, marker, ms=7, mfc="none", color=BLACK, label=f"theory, {words}")
    fits = [exponent_of(data, depth).trained for depth in data["trained_depths"].tolist()]
    values, errors = [fit.value for fit in fits], [fit.half_width for fit in fits]
    label = "trained, generated variance"
    axis.errorbar(data["trained_depths"], values, yerr=errors, fmt="o", ms=4, color=VERMILION, label=label)
    axis.axhline(1.0, color="0.6", lw=0.8, ls=":")
    axis.set_ylim(0.85, 1.15)
    axis.set_xticks(data["depths"])
    axis.set_xlabel("depth L")
    axis.set_ylabel(f"exponent α of {EXPONENT}")
    axis.set_title("the law at every depth")
    axis.legend(loc="lower right")


def _draw_waiting(axis, data: Arrays) -> None:
    for index, (depth, colour) in enumerate(_colours(data).items()):
        axis.loglog(data["initial_gains"], data["waiting"][index], color=colour, label=f"L = {depth}")
    axis.set_xlabel("initial gain Q")
    axis.set_ylabel("time to half of the optimum, ητ")
    axis.set_title("waiting for a mode of λ = 1, σ = 1")
    axis.legend()
