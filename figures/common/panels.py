"""Panels that the figures of the spectral law share: learning curves per mode, and emergence time against variance."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.common.power_laws import fitted_exponent
from figures.common.rounding import decimals_of
from figures.common.style import EXPONENT, VERMILION, mode_colours, power_law_guide
from sims.measurements.agreement import Agreement
from sims.measurements.estimates import Estimate, mean_over


def draw_mode_curves(
    axis: Axes,
    variance: np.ndarray,
    shown: np.ndarray,
    theory: tuple[np.ndarray, np.ndarray],
    times: np.ndarray,
    measured: Estimate,
) -> None:
    """A line (`theory`: times, values) and points with 95 % intervals for every mode shown, against time."""
    theory_times, curves = theory
    for mode, colour in zip(shown, mode_colours(len(shown)), strict=True):
        axis.plot(theory_times, curves[:, mode], color=colour, lw=1.2)
        axis.errorbar(
            times,
            measured.value[:, mode],
            yerr=measured.half_width[:, mode],
            fmt="o",
            ms=2.8,
            lw=0.8,
            color=colour,
            label=f"λ = {variance[mode]:.2g}",
        )
    axis.set_xscale("log")
    axis.set_xlabel("training time ητ")


def key_of_modes(figure: Figure, axis: Axes) -> None:
    """One key above all panels for the modes that `draw_mode_curves` has drawn in one of them."""
    handles, labels = axis.get_legend_handles_labels()
    words = "lines: theory, points: trained networks with 95 % intervals; λ: variance of the data along a mode u"
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), title=words)


def draw_emergence(
    axis: Axes, variance: np.ndarray, theory: np.ndarray, emergence: np.ndarray, used: np.ndarray
) -> None:
    """Emergence time against variance: closed form, trained networks (seeds, modes) where `used`, and slope -1.

    Both exponents are fitted over the modes that are used.
    """
    fit = fitted_exponent(variance, emergence, theory, used)
    label = f"closed form, α = {fit.closed_form.exponent:.3f}" if fit.defined else "closed form"
    axis.loglog(variance, theory, "k-", lw=1.2, label=label)
    if fit.defined:
        times = mean_over(emergence[:, used])
        digits = min(max(3, decimals_of(float(fit.trained.half_width))), 5)
        label = f"trained, α = {fit.trained.value:.{digits}f} ± {fit.trained.half_width:.{digits}f}"
        axis.errorbar(variance[used], times.value, yerr=times.half_width, fmt="o", ms=3.5, color=VERMILION, label=label)
    power_law_guide(axis, variance, (variance[0], 2 * theory[0]), 1.0, "slope −1")
    axis.set_xlabel("variance λ of the mode")
    axis.set_ylabel("emergence time ητ*")
    axis.set_title(f"emergence time, {EXPONENT}")
    axis.legend(loc="lower left")


def sizes_with_bars(found: Sequence[Agreement], unit: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Deviations in some unit, not below zero, and how far their 95 % intervals reach down and up, (2, n)."""
    value = np.array([max(each.centre, 0.0) for each in found]) / unit
    low, high = np.transpose([each.interval for each in found]) / unit
    return value, np.stack([value - np.minimum(low, value), high - value])
