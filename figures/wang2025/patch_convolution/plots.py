"""Generated spectra, learning curves, emergence times and exponents by width."""

import numpy as np
from matplotlib.figure import Figure

from figures.common.panels import draw_mode_curves
from figures.common.stages import Arrays
from figures.common.style import (
    BLACK,
    EXPONENT,
    VERMILION,
    WIDEST,
    label_panels,
    plt,
    power_law_guide,
    setting_colours,
    styled,
)
from figures.wang2025.patch_convolution.experiment import FULL
from figures.wang2025.patch_convolution.statistics import emergence_times, exponent, names_of, narrowest
from sims.measurements.estimates import mean_over
from sims.measurements.modes import variance_over_seeds

CAPTION = (
    "A filter as wide as the patch learns every mode N times as early, otherwise as one layer does. Of a filter "
    "of 3 pixels modes do not emerge in the order of their variances: rank correlation {{photographs, width 3: "
    "modes do not emerge in the order of their variances|value .2f}} {{photographs, width 3: modes do not "
    "emerge in the order of their variances|interval .2f}}. Lines and dashes are theory, points trained filters."
)


@styled
def draw(data: Arrays) -> Figure:
    figure, axes = plt.subplots(2, 3, figsize=(WIDEST, 7.2))
    _draw_spectra(axes[0, 0], data)
    narrow = narrowest(data)
    _draw_curves(axes[0, 1], data, FULL, "full width")
    _draw_curves(axes[0, 2], data, narrow, f"width {narrow}")
    _draw_emergence(axes[1, 0], data)
    _draw_exponents(axes[1, 1], data)
    _draw_distances(axes[1, 2], data)
    label_panels(axes)
    return figure


# Modes and widths are discrete: a dash for the closed form, a point for trained filters.
_DASH = {"marker": "_", "ls": "none", "ms": 7, "mew": 1.2}


def _styles(data: Arrays) -> dict[str, tuple[np.ndarray, str]]:
    """Colour and label of every width."""
    names, labels = names_of(data), [*(f"width {width}" for width in data["widths"]), "full width"]
    return dict(zip(names, zip(setting_colours(len(names)), labels, strict=True), strict=True))


def _draw_spectra(axis, data: Arrays) -> None:
    rank = 1 + np.arange(data["variance"].size)
    axis.semilogy(rank, data["variance"], marker="s", ls="none", ms=6, mew=0, color="0.8", label="data")
    for name, (colour, label) in _styles(data).items():
        axis.plot(rank, data[f"variance_curve_{name}"][-1], color=colour, **_DASH)
        measured = variance_over_seeds(data[f"variance_trained_{name}"][:, -1])
        bars = {"yerr": measured.half_width, "fmt": "o", "ms": 2.5, "lw": 0.8}
        axis.errorbar(rank, measured.value, color=colour, label=label, **bars)
    axis.set_xlabel("Fourier mode, in order of the data's variance")
    axis.set_ylabel("variance")
    axis.set_title("generated spectrum; dashes: closed form")
    axis.legend(ncols=2)


def _draw_curves(axis, data: Arrays, name: str, title: str) -> None:
    shown = np.unique(np.linspace(0, data["variance"].size - 1, 6).round().astype(int))
    pixels = data["pixels"]
    curves = (pixels * data[f"fine_times_{name}"], data[f"variance_curve_{name}"])
    measured = variance_over_seeds(data[f"variance_trained_{name}"])
    draw_mode_curves(axis, data["variance"], shown, curves, pixels * data[f"times_{name}"], measured)
    axis.set_yscale("log")
    axis.set_xlabel("training time Nητ")
    axis.set_ylabel("generated variance λ̃")
    axis.set_title(f"{title}, N = {pixels:g} pixels; lines: closed form")
    axis.legend()


def _draw_emergence(axis, data: Arrays) -> None:
    for name, (colour, label) in _styles(data).items():
        theory, measured = emergence_times(data, name)
        axis.loglog(data["variance"], data["pixels"] * theory, color=colour, **_DASH)
        seen = np.isfinite(measured).all(axis=0)
        times = mean_over(data["pixels"] * measured[:, seen])
        bars = {"yerr": times.half_width, "fmt": "o", "ms": 2.5, "lw": 0.8}
        axis.errorbar(data["variance"][seen], times.value, color=colour, label=label, **bars)
    first = data["pixels"] * np.fmin.reduce(emergence_times(data, FULL)[0])
    power_law_guide(axis, data["variance"], (data["variance"][0], 2 * first), 1.0, "slope −1")
    axis.set_xlabel("data's variance λ of the mode")
    axis.set_ylabel("emergence time Nητ*")
    axis.set_title("emergence of each mode's own final variance")
    axis.legend()


def _draw_exponents(axis, data: Arrays) -> None:
    """Bars: 95 %, of the power-law fit for the closed form and over seeds for trained filters."""
    for first, marker, words in ((0, "o", "all modes"), (1, "s", "without the largest")):
        fits = {place: exponent(data, name, first) for place, name in enumerate(names_of(data))}
        fits = {place: fit for place, fit in fits.items() if fit.defined}
        places = np.array(list(fits)) + 0.2 * (first - 0.5)
        laws = (
            [fit.closed_form.exponent for fit in fits.values()],
            [fit.closed_form_half_width for fit in fits.values()],
        )
        trained = [fit.trained.value for fit in fits.values()], [fit.trained.half_width for fit in fits.values()]
        axis.errorbar(places, *laws, fmt=marker, ms=7, mfc="none", color=BLACK, label=f"closed form, {words}")
        axis.errorbar(places, *trained, fmt=marker, ms=3, color=VERMILION, label=f"trained, {words}")
    axis.axhline(1.0, color="0.6", lw=0.8, ls=":")
    _mark_widths(axis, data)
    axis.set_ylabel(f"exponent α of {EXPONENT}")
    axis.set_title("power-law fits of emergence against width")
    axis.legend(loc="lower right")


def _mark_widths(axis, data: Arrays) -> None:
    axis.set_xticks(np.arange(len(names_of(data))), names_of(data))
    axis.set_xlabel("width of the filter in pixels")


def _draw_distances(axis, data: Arrays) -> None:
    positions, target = np.arange(len(names_of(data))), np.log(data["variance"])
    theory = [np.sqrt(np.mean((np.log(data[f"variance_curve_{name}"][-1]) - target) ** 2)) for name in names_of(data)]
    trained = [
        np.sqrt(np.mean((np.log(data[f"variance_trained_{name}"][:, -1]).mean(axis=0) - target) ** 2))
        for name in names_of(data)
    ]
    axis.plot(positions, theory, "o", ms=7, mfc="none", color=BLACK, label="closed form")
    axis.plot(positions, trained, "o", ms=3, color=VERMILION, label="trained")
    _mark_widths(axis, data)
    axis.set_ylabel("r.m.s. ln(λ̃/λ) over modes")
    axis.set_title("distance from the data's spectrum")
    axis.legend()
