"""Panels of the figure `learned_distribution`: densities, distances and gap masses by F/P."""

import numpy as np
from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import BLACK, BLUE, GREEN, ORANGE, VERMILION, fraction, label_panels, plt, styled
from figures.studies.published_setting import GAP, POSITIONS
from figures.vastola2025.learned_distribution.distances import BLOCKS
from figures.vastola2025.learned_distribution.experiment import SUFFIXES
from figures.vastola2025.learned_distribution.statistics import LIMIT, distance_ratio, gap_mass_of, validity
from sims.measurements.estimates import Estimate
from sims.measurements.resampling import jackknife_error

SHOWN = (1 / 16, 1 / 4, 1.0)  # F/P of the densities that are drawn
CLOSURE = "Gaussian, trained mean and covariance"
STYLES = {  # colour and marker
    "trained": (BLUE, "s"),
    "predicted": (VERMILION, "o"),
    "surrogate": (ORANGE, "D"),
    "average": (GREEN, "^"),
    "exact": (BLACK, "v"),
}


@styled
def draw(data: Arrays) -> Figure:
    figure, axes = plt.subplots(2, 3, figsize=(12, 7))
    shown = [int(np.argmin(np.abs(np.log(data["feature_ratio"] / ratio)))) for ratio in SHOWN]
    for axis, index in zip(axes[0], shown, strict=True):
        _draw_density(axis, data, index)
    axes[0, 0].legend(loc="upper center", ncols=2, fontsize=7)
    _draw_distances(axes[1, 0], data)
    _draw_ratio(axes[1, 1], data)
    _draw_gaps(axes[1, 2], data)
    label_panels(axes)
    return figure


def _draw_density(axis, data: Arrays, index: int) -> None:
    centres = (data["edges"][1:] + data["edges"][:-1]) / 2
    for low, high in (GAP, (-GAP[1], -GAP[0])):
        axis.axvspan(low, high, color="0.94", lw=0)
    # Empty bins would end a curve on the logarithmic axis.
    curves = {
        name: np.maximum(data[name][index], 1e-4)
        for name in ("lower", "upper", "density_trained", "density_predicted", "density_average")
    }
    axis.fill_between(
        centres, curves["lower"], curves["upper"], color=BLUE, alpha=0.25, lw=0, label="25-75 % of trained models"
    )
    axis.semilogy(centres, curves["density_trained"], color=BLUE, lw=1.6, label="trained, average")
    axis.semilogy(centres, curves["density_predicted"], color=VERMILION, lw=1.2, ls="--", label="predicted [q(x₀)]")
    axis.semilogy(centres, curves["density_average"], color=GREEN, lw=0.9, label="average score alone")
    axis.semilogy(centres, data["density_true"], color=BLACK, lw=0.8, ls=":", label="p(x|ε), exact score")
    axis.set_ylim(2e-4, 2e3)
    axis.set_xlim(*POSITIONS)
    axis.set_title(f"F/P = {fraction(data['feature_ratio'][index])} (prediction: {validity(data)[index]})")
    axis.set_xlabel("x")
    axis.set_ylabel("density")


def _draw_distances(axis, data: Arrays) -> None:
    _shade_valid(axis, data)
    curves = {
        "predicted": "predicted",
        "surrogate": CLOSURE,
        "trained": "another trained ensemble",
        "average": "average score alone",
        "exact": "exact score",
    }
    for name, words in curves.items():
        colour, marker = STYLES[name]
        values = data[f"wasserstein1_{name}"]
        distance = Estimate(values[:, 0], jackknife_error(values[:, 1:].T), BLOCKS)
        style = {"fmt": f"{marker}-", "ms": 4, "lw": 1, "color": colour, "label": words}
        axis.errorbar(data["feature_ratio"], distance.value, yerr=distance.half_width, **style)
    axis.set_yscale("log")
    _ratio_axis(axis, data)
    axis.set_ylabel("W₁ to the trained average")
    axis.set_title("distance (dark: prediction valid, light: undecided)")
    low, high = axis.get_ylim()
    axis.set_ylim(low, high * 12)  # room for the legend above the curves
    axis.legend(loc="upper left")


def _draw_ratio(axis, data: Arrays) -> None:
    _shade_valid(axis, data)
    looks = {
        "converged": ("converged solver", VERMILION, "o", 0.97),
        "published": ("published Euler steps", BLUE, "s", 1.03),
    }
    for sampler, suffix in SUFFIXES.items():
        words, colour, marker, shift = looks[sampler]
        ratios = [distance_ratio(data, index, "trained", suffix) for index in range(data["feature_ratio"].size)]
        axis.errorbar(
            shift * data["feature_ratio"],  # so that the bars do not hide each other
            [each.value for each in ratios],
            yerr=[each.half_width for each in ratios],
            fmt=f"{marker}-",
            ms=4,
            lw=1,
            color=colour,
            label=words,
        )
    axis.axhline(LIMIT, color="0.5", lw=0.8, ls="--", label=f"{LIMIT}: limit of validity")
    axis.axhline(1.0, color="0.7", lw=0.8, ls=":", label="1: as close as another ensemble")
    axis.set_yscale("log")
    _ratio_axis(axis, data)
    axis.set_ylabel("W₁(predicted, trained) / W₁(trained, trained′)")
    axis.set_title("prediction error over resolution (bars: 95 %)")
    low, high = axis.get_ylim()
    axis.set_ylim(low, high * 4)  # room for the legend above the bars
    axis.legend(loc="upper left")


def _draw_gaps(axis, data: Arrays) -> None:
    _shade_valid(axis, data)
    curves = {
        "trained": "trained",
        "predicted": "predicted",
        "surrogate": CLOSURE,
        "average": "average score alone",
        "exact": "exact score",
    }
    for name, words in curves.items():
        colour, marker = STYLES[name]
        _draw_masses(axis, data, name, fmt=f"{marker}-", color=colour, label=words)
    for name in ("trained", "predicted", "exact"):
        colour, marker = STYLES[name]
        _draw_masses(axis, data, f"{name}_published", fmt=f"{marker}:", color=colour, mfc="white")
    axis.plot([], [], "s:", color="0.4", mfc="white", ms=4, lw=1, label="open: published Euler steps")
    axis.set_yscale("symlog", linthresh=1e-3)
    _ratio_axis(axis, data)
    axis.set_ylabel("mass with 0.25 < |x| < 0.75")
    axis.set_title("gap mass (bars: 95 %)")
    axis.legend(loc="lower right", bbox_to_anchor=(1.0, 0.1))  # between the curves and the exact score's line


def _draw_masses(axis, data: Arrays, name: str, **style) -> None:
    single = f"gap_mass_stderr_{name}" not in data
    bars = None if single else gap_mass_of(data, slice(None), name).half_width
    axis.errorbar(data["feature_ratio"], data[f"gap_mass_{name}"], yerr=bars, ms=4, lw=1, **style)


def _shade_valid(axis, data: Arrays) -> None:
    """The parts of the axis around the values of F/P where the prediction is valid, or may be."""
    edges = np.sqrt(data["feature_ratio"][1:] * data["feature_ratio"][:-1])
    edges = np.concatenate([[data["feature_ratio"][0] / 1.4], edges, [data["feature_ratio"][-1] * 1.4]])
    shades = {"valid": "0.88", "undecided": "0.955", "invalid": "white"}
    for low, high, verdict in zip(edges[:-1], edges[1:], validity(data), strict=True):
        axis.axvspan(low, high, color=shades[verdict], lw=0, zorder=0)


def _ratio_axis(axis, data: Arrays) -> None:
    axis.set_xscale("log", base=2)
    axis.set_xticks(data["feature_ratio"], [fraction(ratio) for ratio in data["feature_ratio"]])
    axis.set_xlim(data["feature_ratio"][0] / 1.4, data["feature_ratio"][-1] * 1.4)
    axis.set_xlabel("features over training samples, F/P")
