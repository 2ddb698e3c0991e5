"""Gains, what they predict, and the linear share, as a picture."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import BLACK, ORANGE, SKY, VERMILION, WIDEST, label_panels, plt, styled
from figures.studies.trained_networks.plots import (
    estimate_in_words,
    key_below,
    places,
    shown_modes,
    step_axis,
    step_in_words,
)
from figures.studies.trained_networks.statistics import Reading
from figures.wang2025.generation_from_gains.experiment import CNN, LINEAR, MLP
from figures.wang2025.generation_from_gains.statistics import WORDS, exponent_of_gains, log_ratio, share

CAPTION = (
    "Gains ψ(σ) of networks along the data's modes, measured on photograph patches with noise, and what they alone "
    "make of the sampler's noise. a, d: at the end of training, some modes of one model; dashed: λ/(λ + σ²), the exact "
    "denoiser of a Gaussian. b, e: the variance that the network generates over training (lines), and the one that its "
    "gains predict (dots). c, f: share of a mode's variance that is linear in its own noise, all models, at the end "
    "and before training; light blue: a linear network on the same patches. Mean over modes of "
    "ln(predicted/generated) at the end: MLP {{MLP-UNet: gains predict what is generated|value .2f}} {{MLP-UNet: gains "
    "predict what is generated|interval .2f}}, CNN {{CNN, one level: gains predict what is generated|value .2f}} "
    "{{CNN, one level: gains predict what is generated|interval .2f}}, linear network {{linear network: gains predict "
    "what is generated|value .2f}} {{linear network: gains predict what is generated|interval .2f}}; of the MLP before "
    "training {{MLP-UNet: a random function adds variance|value .2f}} {{MLP-UNet: a random function adds "
    "variance|interval .2f}}."
)
_SHOWN_MODES = 6


@styled
def draw(data: Arrays) -> Figure:
    figure, axes = plt.subplots(2, 3, figsize=(WIDEST, 8.2))
    for row, kind in zip(axes, (MLP, CNN), strict=True):
        reading = Reading(data, kind)
        _draw_gains(row[0], reading)
        row[0].set_title(f"{WORDS[kind]}, {step_in_words(int(reading['steps'][-1]))}")
        _draw_variances(row[1], reading)
        _draw_shares(row[2], reading, Reading(data, LINEAR))
        for axis in row:
            key_below(axis, columns=3)
    label_panels(axes)
    return figure


def _draw_gains(axis: Axes, reading: Reading) -> None:
    levels, variances = reading["levels"], reading["variance"][0]
    for mode, colour in shown_modes(variances.size, _SHOWN_MODES):
        variance = variances[mode]
        axis.plot(levels, reading["gains"][0, -1, :, mode], color=colour, lw=1.3, label=f"λ = {variance:.2g}")
        axis.plot(levels, variance / (variance + levels**2), "--", color=colour, lw=0.8)
    axis.set_xscale("log")
    axis.set_xlabel("noise level σ")
    axis.set_ylabel("gain of a mode, ψ")


def _draw_variances(axis: Axes, reading: Reading) -> None:
    at = places(reading["steps"])
    for mode, colour in shown_modes(reading["variance"].shape[1], _SHOWN_MODES):
        axis.plot(at, reading["generated"][0, :, mode], color=colour, lw=1.3)
        axis.plot(at, reading["predicted"][0, :, mode], ".", color=colour, ms=5)
    axis.plot([], [], color=BLACK, lw=1.3, label="generated")
    axis.plot([], [], ".", color=BLACK, ms=5, label="predicted by gains")
    axis.set_yscale("log")
    step_axis(axis)
    axis.set_ylabel("variance of a mode, λ̃")


def _draw_shares(axis: Axes, reading: Reading, linear: Reading) -> None:
    kinds = {
        "linear network, end": (linear, -1, "s", SKY),
        "before training": (reading, 0, "^", ORANGE),
        "end": (reading, -1, "o", VERMILION),
    }
    for label, (of, record, marker, colour) in kinds.items():
        shares = of["linear_share"][:, record]
        axis.plot(of["variance"].ravel(), shares.ravel(), marker, ms=2.5, color=colour, alpha=0.7, label=label)
    axis.set_xscale("log")
    axis.set_ylim(-0.03, 1.05)
    axis.set_xlabel("variance of the data along the mode, λ")
    axis.set_ylabel("share linear in the mode's own noise")


def notes(data: Arrays) -> list[str]:
    """Numbers that the picture does not show."""
    shares = [f"{words} {estimate_in_words(share(data, kind))}" for kind, words in WORDS.items()]
    scatter = [f"{words} {np.std(log_ratio(data, kind), axis=-1).mean():.2f}" for kind, words in WORDS.items()]
    exponents = [f"{words} {estimate_in_words(exponent_of_gains(data, kind))}" for kind, words in WORDS.items()]
    return [
        f"Share of variance that is linear in the mode's own noise at the end, mean over modes: {', '.join(shares)}.",
        f"Scatter over modes of ln(predicted/generated) at the end: {', '.join(scatter)}; what is generated is the "
        "variance of few samples.",
        f"Falling modes, geometric mean: α by predicted variances less α by generated ones: {', '.join(exponents)}.",
    ]
