"""Figure 21 as a picture."""

import numpy as np
from matplotlib.figure import Figure

from figures.common.panels import draw_mode_curves, key_of_modes
from figures.common.stages import Arrays
from figures.common.style import label_panels, plt, setting_colours, styled
from sims.measurements.estimates import mean_over
from sims.measurements.modes import variance_over_seeds

CAPTION = (
    "With a trained bias and a mean of length 3 the weakest mode overshoots by {{|μ| = 3: overshoot of the "
    "weakest mode|value .3f}} (theory {{|μ| = 3: overshoot of the weakest mode|reference .3f}}), and in passing "
    "only {{|μ| = 3: modes mix in passing|value .2f}} of the generated covariance lies on the data's axes. "
    "Lines are theory, points trained networks."
)
DIFFERS = "points of trained networks, the error of the mean, and the share of the covariance on the data's axes."


@styled
def draw(data: Arrays) -> Figure:
    figure, axes = plt.subplots(2, 3, figsize=(11, 7))
    _draw_modes(axes[0, 0], data, "gain", mean_over)
    axes[0, 0].set_ylabel("gain uᵀWu")
    axes[0, 0].set_title(f"weights W at σ = 1, |μ| = {data['mean_length'][-1]:g}; dotted: optimum")
    for optimum in data["optimal_gain"]:
        axes[0, 0].axhline(optimum, color="0.6", lw=0.7, ls=":", zorder=0)
    _draw_modes(axes[0, 1], data, "bias", mean_over)
    axes[0, 1].set_ylabel("bias uᵀb")
    axes[0, 1].set_title(f"bias at σ = 1, |μ| = {data['mean_length'][-1]:g}")
    _draw_modes(axes[0, 2], data, "variance", variance_over_seeds)
    axes[0, 2].set_yscale("log")
    axes[0, 2].set_ylabel("generated variance uᵀΣ̃u")
    axes[0, 2].set_title(f"generated variance, |μ| = {data['mean_length'][-1]:g}")
    _draw_per_mean(axes[1], data)
    key_of_modes(figure, axes[0, 0])
    label_panels(axes)
    return figure


def _draw_modes(axis, data: Arrays, quantity: str, over_seeds) -> None:
    """Theory lines and trained points of every mode, for the longest mean."""
    curves = (data["fine_times"], data[f"{quantity}_curve"][-1])
    modes = np.arange(data["variance"].size)
    draw_mode_curves(axis, data["variance"], modes, curves, data["times"], over_seeds(data[f"{quantity}_trained"][-1]))


def _draw_per_mean(axes, data: Arrays) -> None:
    """Error of the generated mean, alignment and divergence, one colour per length of the mean."""
    error, aligned, divergence = axes
    lengths = data["mean_length"]
    for index, (length, colour) in enumerate(zip(lengths, setting_colours(lengths.size), strict=True)):
        label = f"|μ| = {length:g}"
        target = np.full(data["variance"].size, length / np.sqrt(data["variance"].size))
        if length > 0:
            distance = np.linalg.norm(data["mean_curve"][index] - target[None], axis=-1) / length
            error.plot(data["fine_times"], distance, color=colour, lw=1.2)
            # Averaged over seeds first: the length of a mean of few samples is biased upwards.
            measured = np.linalg.norm(data["mean_trained"][index].mean(axis=0) - target[None], axis=-1) / length
            error.plot(data["times"], measured, "o", ms=3, color=colour, label=label)
        aligned.plot(data["fine_times"], data["alignment_curve"][index], color=colour, lw=1.2)
        shares = mean_over(data["alignment_trained"][index])
        aligned.errorbar(
            data["times"], shares.value, yerr=shares.half_width, fmt="o", ms=3, lw=0.8, color=colour, label=label
        )
        divergence.plot(data["fine_times"], data["divergence_curve"][index], color=colour, lw=1.2, label=label)
    error.set_title("error of the generated mean μ̃, data's mean μ")
    error.set_ylabel("|μ̃ - μ|/|μ|")
    aligned.set_title("generated covariance Σ̃: mixing of modes")
    aligned.set_ylabel("share of Σ̃ on the data's axes")
    divergence.set_title("divergence of what is generated, p̃ (theory)")
    divergence.set_ylabel("KL(p̃‖p) in nats")
    divergence.set_yscale("log")
    for axis in axes:
        axis.set_xscale("log")
        axis.set_xlabel("training time ητ")
        axis.legend()
