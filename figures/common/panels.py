"""Panels that the figures of the spectral law share: learning curves per mode, and emergence time against variance."""

import numpy as np
from matplotlib.axes import Axes

from figures.common.power_laws import exponents
from figures.common.style import VERMILION, mode_colours, power_law_guide
from sims.measurements.estimates import Estimate, mean_over
from theory.spectral_law.power_law import fit_power_law


def draw_mode_curves(
    axis: Axes,
    variance: np.ndarray,
    shown: np.ndarray,
    theory: tuple[np.ndarray, np.ndarray],
    times: np.ndarray,
    measured: Estimate,
) -> None:
    """A line (`theory`: times, values) and points with two standard errors for every mode shown, against time."""
    theory_times, curves = theory
    for mode, colour in zip(shown, mode_colours(len(shown)), strict=True):
        axis.plot(theory_times, curves[:, mode], color=colour, lw=1.2)
        axis.errorbar(
            times,
            measured.value[:, mode],
            yerr=2 * measured.stderr[:, mode],
            fmt="o",
            ms=2.8,
            lw=0.8,
            color=colour,
            label=f"λ = {variance[mode]:.2g}",
        )
    axis.set_xscale("log")
    axis.set_xlabel("training time ητ")


def draw_emergence(
    axis: Axes, variance: np.ndarray, theory: np.ndarray, emergence: np.ndarray, used: np.ndarray
) -> None:
    """Emergence time against variance: closed form, trained networks (seeds, modes) where `used`, and slope -1."""
    exponent = fit_power_law(variance, theory).exponent
    axis.loglog(variance, theory, "k-", lw=1.2, label=f"closed form, α = {exponent:.3f}")
    if used.sum() >= 3:
        fitted = exponents(variance[used], emergence[:, used])
        times = mean_over(emergence[:, used])
        label = f"trained, α = {fitted.value:.3f} ± {fitted.stderr:.3f}"
        axis.errorbar(variance[used], times.value, yerr=2 * times.stderr, fmt="o", ms=3.5, color=VERMILION, label=label)
    power_law_guide(axis, variance, (variance[0], 2 * theory[0]), 1.0, "slope -1")
    axis.set_xlabel("variance λ of the mode")
    axis.set_ylabel("emergence time ητ*")
    axis.set_title("emergence time")
    axis.legend(loc="lower left")
