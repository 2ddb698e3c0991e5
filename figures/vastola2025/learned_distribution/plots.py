"""Panels of the figure `learned_distribution`: densities, distances and gap masses by F/P."""

import numpy as np
from matplotlib.figure import Figure

from figures.common.panels import sizes_with_bars
from figures.common.stages import Arrays
from figures.common.style import BLUE, EXACT, GREEN, ORANGE, VERMILION, WIDEST, fraction, label_panels, plt, styled
from figures.studies.linear_ensembles import Sampler
from figures.studies.published_setting import GAP, POSITIONS
from figures.vastola2025.learned_distribution.experiment import SUFFIXES
from figures.vastola2025.learned_distribution.statistics import LIMIT, distance_to_trained, gap_mass_of, validity

CAPTION = (
    "Without training, the V-kernel predicts the average learned distribution: at F/P = 1/16 it lies "
    "{{predicted distribution, F/P = 1/16|value .4f}} {{predicted distribution, F/P = 1/16|interval .4f}} from "
    "the trained one (root of ∫ (F - F')² dx)."
)

SHOWN = (1 / 16, 1 / 4, 1.0)  # F/P of the densities that are drawn
STYLES = {  # colour and marker
    "trained": (VERMILION, "s"),
    "predicted": (BLUE, "o"),
    "surrogate": (ORANGE, "D"),
    "average": (GREEN, "^"),
    "exact": (EXACT, "v"),
}
WORDS = {
    "trained": "trained",
    "predicted": "predicted",
    "surrogate": "Gaussian, trained mean and covariance",
    "average": "average score alone",
    "exact": "exact score",
}


@styled
def draw(data: Arrays) -> Figure:
    figure, axes = plt.subplots(2, 3, figsize=(WIDEST, 7.2))
    shown = [int(np.argmin(np.abs(np.log(data["feature_ratio"] / ratio)))) for ratio in SHOWN]
    for axis, index in zip(axes[0], shown, strict=True):
        _draw_density(axis, data, index)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=5)
    _draw_distances(axes[1, 0], data, "converged")
    _draw_distances(axes[1, 1], data, "published")
    _draw_gaps(axes[1, 2], data)
    handles, labels = axes[1, 2].get_legend_handles_labels()
    lines, words = axes[1, 0].get_legend_handles_labels()
    figure.legend([*handles, *lines], [*labels, *words], loc="outside lower center", ncols=4)
    label_panels(axes)
    return figure


def _draw_density(axis, data: Arrays, index: int) -> None:
    centres = (data["edges"][1:] + data["edges"][:-1]) / 2
    for low, high in (GAP, (-GAP[1], -GAP[0])):
        axis.axvspan(low, high, color="0.94", lw=0, label="gaps" if low > 0 else None)
    # Empty bins would end a curve on the logarithmic axis.
    curves = {name: np.maximum(data[f"density_{name}"][index], 1e-4) for name in ("trained", "predicted", "average")}
    axis.semilogy(centres, curves["trained"], color=VERMILION, lw=1.6, label="trained, average")
    axis.semilogy(centres, curves["predicted"], color=BLUE, lw=1.2, ls="--", label="predicted [q(x₀)]")
    axis.semilogy(centres, curves["average"], color=GREEN, lw=0.9, label="average score alone")
    axis.semilogy(centres, data["density_true"], color=EXACT, lw=1, ls=":", label="p(x|ε), exact score")
    axis.set_ylim(2e-4, 5)
    axis.set_xlim(*POSITIONS)
    axis.set_title(f"F/P = {fraction(data['feature_ratio'][index])} (prediction: {validity(data)[index]})")
    axis.set_xlabel("x")
    axis.set_ylabel("density")


def _draw_distances(axis, data: Arrays, sampler: Sampler) -> None:
    """Cramér's distance to the trained average, estimated without the noise of few models."""
    _shade_valid(axis, data)
    for place, name in enumerate(("predicted", "surrogate", "average", "exact")):
        colour, marker = STYLES[name]
        suffix = SUFFIXES[sampler]
        found = [distance_to_trained(data, index, name, suffix) for index in range(data["feature_ratio"].size)]
        value, bars = sizes_with_bars(found)
        axis.errorbar(_beside(data, place, 4), value, bars, fmt=marker, ms=4, lw=1, color=colour, clip_on=False)
    axis.axhline(LIMIT, color="0.5", lw=0.8, ls="--", label=f"d, e: {LIMIT:g}, limit of validity")
    axis.set_yscale("symlog", linthresh=LIMIT)
    axis.set_ylim(bottom=0)
    _ratio_axis(axis, data)
    axis.set_ylabel("√∫(F − F')² dx to the trained average")
    axis.set_title({"converged": "distance, converged solver", "published": "distance, published Euler steps"}[sampler])


def _draw_gaps(axis, data: Arrays) -> None:
    _shade_valid(axis, data)
    for place, name in enumerate(STYLES):
        colour, marker = STYLES[name]
        style = {"fmt": marker, "color": colour}
        _draw_masses(axis, data, name, _beside(data, place, len(STYLES)), label=WORDS[name], **style)
        if name in ("trained", "predicted", "exact"):
            _draw_masses(axis, data, f"{name}_published", _beside(data, place, len(STYLES)), mfc="white", **style)
    axis.plot([], [], "s", color="0.4", mfc="white", ms=4, label="f, open: published Euler steps")
    axis.plot([], [], "s", color="0.88", ms=8, label="prediction valid")
    axis.set_yscale("symlog", linthresh=1e-3)
    axis.set_ylim(bottom=0)
    _ratio_axis(axis, data)
    axis.set_ylabel("gap mass, 0.25 < |x| < 0.75")
    axis.set_title("gap mass (bars: 95 %)")


def _beside(data: Arrays, place: int, count: int) -> np.ndarray:
    """Where one of several points stands whose F/P is the same."""
    return data["feature_ratio"] * 1.12 ** (place - (count - 1) / 2)


def _draw_masses(axis, data: Arrays, name: str, places: np.ndarray, **style) -> None:
    masses = data[f"gap_mass_{name}"]
    bars = None if masses.shape[1] == 1 else gap_mass_of(data, slice(None), name).half_width
    axis.errorbar(places, masses.mean(axis=1), yerr=bars, ms=4, lw=1, **style)


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
