"""Eigenvalues of Jacobians over training, as a picture."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import BLACK, WIDEST, label_panels, plt, setting_colours, styled
from figures.studies.photograph_networks.denoisers import middle
from figures.studies.trained_networks.plots import (
    draw_band,
    estimate_in_words,
    key_below,
    places,
    step_axis,
    step_in_words,
)
from figures.wang2025.fig14.statistics import (
    WORDS,
    distance,
    eigenvalue_beyond_linear,
    error_beyond_linear,
    gaussian_gains,
    imaginary_share,
)

CAPTION = (
    "Eigenvalues of the denoiser's Jacobian at a photograph patch with noise, real parts by decreasing size, of one "
    "model of each network. Black: λ/(λ + σ²), of the exact denoiser of a Gaussian. a, d: at the middle noise level "
    "over training. b, e: at the end. c, f: root mean square distance, mean and 95 % over models."
)
DIFFERS = "photograph patches in place of faces, small networks, both kinds of network, and the distances (c, f)."
_SHOWN_RECORDS = 6


@styled
def draw(data: Arrays) -> Figure:
    figure, axes = plt.subplots(2, 3, figsize=(WIDEST, 8.2))
    chosen = np.flatnonzero(middle(data["noise_levels"]))
    level = int(chosen[len(chosen) // 2])
    for row, (kind, words) in zip(axes, WORDS.items(), strict=True):
        _draw_over_training(row[0], data, kind, level)
        row[0].set_title(f"{words}, σ = {data['noise_levels'][level]:g}")
        _draw_at_the_end(row[1], data, kind)
        row[1].set_title(f"{words}, {step_in_words(data[f'{kind}_steps'][-1])}")
        _draw_distances(row[2], data, kind)
        row[2].set_title(f"{words}: distance from λ/(λ + σ²)")
        for axis in row:
            key_below(axis, columns=3)
    label_panels(axes)
    return figure


def _spectrum(axis: Axes, values: np.ndarray, colour, label: str) -> None:
    axis.plot(np.arange(1, len(values) + 1), values, color=colour, lw=1.2, label=label)


def _finish(axis: Axes) -> None:
    axis.set_xscale("log")
    axis.set_xlabel("eigenvalue, by decreasing size")
    axis.set_ylabel("real part")


def _draw_over_training(axis: Axes, data: Arrays, kind: str, level: int) -> None:
    steps, values = data[f"{kind}_steps"], data[f"{kind}_real"][0, :, level, 0]
    shown = np.unique(np.linspace(0, len(steps) - 1, _SHOWN_RECORDS).round().astype(int))
    for record, colour in zip(shown, setting_colours(len(shown)), strict=True):
        _spectrum(axis, values[record], colour, f"{step_in_words(int(steps[record]))}")
    axis.plot(np.arange(1, values.shape[-1] + 1), gaussian_gains(data)[0, level], "--", color=BLACK, lw=1.2)
    _finish(axis)


def _draw_at_the_end(axis: Axes, data: Arrays, kind: str) -> None:
    for place, (level, colour) in enumerate(_levels(data)):
        _spectrum(axis, data[f"{kind}_real"][0, -1, place, 0], colour, f"σ = {level:g}")
        exact = gaussian_gains(data)[0, place]
        axis.plot(np.arange(1, len(exact) + 1), exact, "--", color=BLACK, lw=0.9)
    _finish(axis)


def _draw_distances(axis: Axes, data: Arrays, kind: str) -> None:
    away, at = distance(data, kind), places(data[f"{kind}_steps"])
    for place, (level, colour) in enumerate(_levels(data)):
        draw_band(axis, at, away[:, :, place], colour, f"σ = {level:g}")
    step_axis(axis)
    axis.set_ylim(bottom=0.0)
    axis.set_ylabel("root mean square distance")


def _levels(data: Arrays) -> list[tuple[float, np.ndarray]]:
    return list(zip(data["noise_levels"].tolist(), setting_colours(len(data["noise_levels"])), strict=True))


def notes(data: Arrays) -> list[str]:
    """Why eigenvalues may lie below those of a Gaussian's denoiser, and how far they are from real ones."""
    means = [f"{words} {estimate_in_words(eigenvalue_beyond_linear(data, kind, -1))}" for kind, words in WORDS.items()]
    errors = [f"{words} {estimate_in_words(error_beyond_linear(data, kind, -1))}" for kind, words in WORDS.items()]
    shares = [f"{words} {imaginary_share(data, kind, -1).mean():.2g}" for kind, words in WORDS.items()]
    return [
        "Photographs are not Gaussian, and eigenvalues depend on the patch. At the end their mean less the mean of "
        f"λ/(λ + σ²) is {', '.join(means)} at patches of average contrast, where Jacobians are taken. On average over "
        "patches and noises an exact denoiser has its error over σ² for the mean eigenvalue, and most patches have "
        f"less contrast: errors over σ² less those of the best linear denoiser are {', '.join(errors)}. Both over σ "
        "from 0.1 to 1.",
        "No symmetry is imposed on networks: at the end imaginary parts make up a share of Σ|eigenvalue|² of "
        f"{' and '.join(shares)}, over σ from 0.1 to 1.",
    ]
