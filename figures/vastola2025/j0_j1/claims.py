"""What target noise does to what is learned: denoising score matching, the exact score, four doses and shapes of noise.

Vastola 2025 holds that the covariance C of the proxy score makes diffusion models generalise, and his reviewers asked
for J_1 (denoising score matching, DSM) against J_0 (regression on the exact score). Ensembles of linear models and of
small MLPs are trained on the same triples with targets that have the same mean and the covariance cC, c ∈ {0, 1, 4}, or
the isotropic covariance (tr C/D) I. In one dimension the last differs from DSM in its higher moments alone; the corners
of a square tell shape from size.
"""

from functools import partial

import jax
import numpy as np
from jaxtyping import PRNGKeyArray
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from figures.common.claims import Claim
from figures.common.stages import Arrays, RunStage
from figures.common.style import BLACK, BLUE, GREEN, VERMILION, label_panels, plt, styled
from figures.vastola2025.j0_j1.experiment import (
    BRACKET,
    CASES,
    DSM,
    EXACT,
    FOURFOLD,
    GAP,
    ISOTROPIC,
    OBJECTIVES,
    Config,
    change_on_doubling,
    square_corners,
)
from sims.measurements.estimates import mean_over
from sims.measurements.resampling import jackknife, ratio_of_means

COLOURS = (BLACK, BLUE, VERMILION, GREEN)
PRESETS = {
    "quick": Config(),
    "paper": Config(
        line_models=400, models=300, network_steps=6400, samples=1000, square_samples_per_axis=40, bins=150
    ),
}
LINE_CASES = ("linear_first", "linear_second", "network")
SQUARE_CASES = ("square_linear", "square_network")
NETWORK_CASES = ("network", "square_network")
_SHARES = {"linear_first": 0.15, "linear_second": 0.1, "network": 0.25, "square_linear": 0.2, "square_network": 0.25}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Per case: gap mass and memorised fraction [objective, model], densities [objective, bins…]."""
    names = (*LINE_CASES, *SQUARE_CASES)
    arrays: Arrays = {
        "feature_ratio": config.features_per_axis**2 / np.asarray(config.training_samples, dtype=float),
        "edges": np.linspace(-BRACKET, BRACKET, config.bins + 1),
        "corners": square_corners(),
    }
    keys = dict(zip(names, jax.random.split(key, len(names)), strict=True))
    for name, case_key in keys.items():
        measured = stage(name, partial(CASES[name], config, case_key), share=_SHARES[name])
        arrays |= {f"{name}_{part}": value for part, value in measured.items()}
    check = stage("twice the steps", partial(change_on_doubling, config, keys["linear_second"]), share=0.05)
    return arrays | check


# --- Claims ---


def _words(data: Arrays) -> dict[str, str]:
    """What each case is called."""
    first, second = data["feature_ratio"]
    return {
        "linear_first": f"linear, F/P = {first:g}",
        "linear_second": f"linear, F/P = {second:g}",
        "network": "MLP",
        "square_linear": "square, linear",
        "square_network": "square, MLP",
    }


def _claim(name: str, statement: str, measured: float, interval: tuple[float, float], **held_against) -> Claim:
    held = {"paper": None, "theory": None, "tolerance": 0.0, "relation": "greater"} | held_against
    source = "reviewers of Vastola 2025: J0 against J1"
    return Claim(name, source, statement, measured=float(measured), interval=interval, **held)


def claims(data: Arrays) -> list[Claim]:
    words = _words(data)
    statements = [_numerics_claim(data)]
    for case in words:
        statements += [claim(data, case, words[case]) for claim in (_bias_claim, _effect_claim, _dose_claim)]
    statements += [_higher_moments_claim(data, case, words[case]) for case in LINE_CASES]
    for case in SQUARE_CASES:
        statements += [_shape_claim(data, case, part, words[case]) for part in ("gap", "bridge")]
    for case in NETWORK_CASES:
        statements += _training_claims(data, case, words[case])
    return statements


def _numerics_claim(data: Arrays) -> Claim:
    change = mean_over(data["gap_change_on_doubling"].mean(axis=0))
    return _claim(
        "the sampler has converged",
        "twice the steps leave the gap mass unchanged (linear models of the larger F/P, mean over objectives)",
        float(change.value),
        change.interval,
        theory=0.0,
        tolerance=0.005,
        relation="equal",
    )


def _effect_claim(data: Arrays, case: str, words: str) -> Claim:
    """Paired: the same triples, initial weights and minibatches under both objectives."""
    effect = mean_over(data[f"{case}_gap"][DSM] - data[f"{case}_gap"][EXACT])
    return _claim(
        f"target noise fills gaps, {words}",
        "gap mass of DSM (J1) exceeds that of the exact score as target (J0), paired over training sets",
        float(effect.value),
        effect.interval,
        paper=0.0,
    )


def _bias_claim(data: Arrays, case: str, words: str) -> Claim:
    """p(x|ε) itself has less than 1e-6 of its mass in the gaps."""
    gap = mean_over(data[f"{case}_gap"][EXACT])
    return _claim(
        f"gaps fill without target noise, {words}",
        "gap mass of models trained on the exact score exceeds that of p(x|ε), which is zero, by more than 0.001",
        float(gap.value),
        gap.interval,
        theory=0.001,
    )


def _dose_claim(data: Arrays, case: str, words: str) -> Claim:
    gap = data[f"{case}_gap"]
    ratio, interval = ratio_of_means(gap[FOURFOLD] - gap[EXACT], gap[DSM] - gap[EXACT])
    return _claim(
        f"the effect grows with the dose, {words}",
        "[gap mass at c = 4 minus at c = 0]/[at c = 1 minus at c = 0] is 4, to 1: first order in the V-kernel",
        ratio,
        interval,
        theory=4.0,
        tolerance=1.0,
        relation="equal",
    )


def _higher_moments_claim(data: Arrays, case: str, words: str) -> Claim:
    difference = mean_over(data[f"{case}_gap"][DSM] - data[f"{case}_gap"][ISOTROPIC])
    return _claim(
        f"only the covariance counts, {words}",
        "in one dimension, Gaussian target noise of DSM's variance gives DSM's gap mass, to 0.01",
        float(difference.value),
        difference.interval,
        theory=0.0,
        tolerance=0.01,
        relation="equal",
    )


def _shape_claim(data: Arrays, case: str, part: str, words: str) -> Claim:
    difference = mean_over(data[f"{case}_{part}"][DSM] - data[f"{case}_{part}"][ISOTROPIC])
    low, high = difference.interval
    size, half_width = abs(float(difference.value)), (high - low) / 2
    kinds = {"gap": "gap mass", "bridge": "mass on the square's edges between corners"}
    direction = "larger" if difference.value > 0 else "smaller"
    return _claim(
        f"the shape of the noise matters: {kinds[part]}, {words}",
        f"{kinds[part]} of DSM differs from that of isotropic noise of the same trace (absolute difference; "
        f"{direction} for DSM)",
        size,
        (size - half_width, size + half_width),
        paper=0.0,
    )


def _training_claims(data: Arrays, case: str, words: str) -> list[Claim]:
    """Whether training has converged, and how much of the target noise it has fitted."""
    loss, reference = data[f"{case}_loss"][..., -1].astype(float), data[f"{case}_reference"].astype(float)
    exact = jackknife(lambda mean: float(mean[0] / mean[1]), np.stack([loss[EXACT], reference[DSM]], axis=1))
    fitted = jackknife(lambda mean: float(mean[0] / mean[1]), np.stack([loss[DSM], reference[DSM]], axis=1))
    return [
        _claim(
            f"training has converged, {words}",
            "final J0 loss is less than 0.05 of the irreducible loss of DSM on the same triples",
            float(exact.value),
            exact.interval,
            theory=0.05,
            relation="less",
        ),
        _claim(
            f"target noise has been fitted, {words}",
            "final DSM loss is below that of the exact posterior mean on the same triples: the ratio is less than 1",
            float(fitted.value),
            fitted.interval,
            theory=1.0,
            relation="less",
        ),
    ]


# --- Drawing ---


@styled
def draw(data: Arrays) -> Figure:
    figure = plt.figure(figsize=(11, 12))
    line, square, bars = np.asarray(figure.subfigures(3, 1, height_ratios=(0.8, 1.25, 0.8)))
    line_axes = np.asarray(line.subplots(1, 3, sharex=True, sharey=True))
    _draw_densities(line, line_axes, data)
    square_axes = square.subplots(len(SQUARE_CASES), len(OBJECTIVES), sharex=True, sharey=True)
    _draw_squares(square, square_axes, data)
    bars.suptitle("mean and 95 % interval over models", fontsize=9)
    bar_axes = bars.subplots(1, 3)
    for axis, part in zip(bar_axes, ("gap", "memorised", "bridge"), strict=True):
        _draw_shares(axis, data, part)
    handles, labels = bar_axes[0].get_legend_handles_labels()
    bars.legend(handles, labels, loc="outside lower center", ncols=4)
    label_panels(np.concatenate([line_axes.ravel(), square_axes.ravel(), bar_axes.ravel()]))
    return figure


def _draw_densities(block, axes: np.ndarray, data: Arrays) -> None:
    centres, words, floor = (data["edges"][1:] + data["edges"][:-1]) / 2, _words(data), 1e-3
    for axis, case in zip(axes, LINE_CASES, strict=True):
        for sign in (-1, 1):
            axis.axvspan(sign * GAP[0], sign * GAP[1], color="0.94", lw=0)
        for density, colour, name in zip(data[f"{case}_density"], COLOURS, OBJECTIVES, strict=True):
            style = "--" if name.startswith("isotropic") else "-"
            axis.semilogy(centres, density + floor, style, color=colour, lw=1.3, label=name)
        axis.set_title(words[case])
        axis.set_xlabel("x")
        axis.set_xlim(-BRACKET, BRACKET)
    axes[0].set_ylabel("average learned density")
    handles, labels = axes[0].get_legend_handles_labels()
    block.legend(handles, labels, loc="outside lower center", ncols=4)


def _draw_squares(block, axes: np.ndarray, data: Arrays) -> None:
    norm, extent = LogNorm(1e-2, 10), (-BRACKET, BRACKET, -BRACKET, BRACKET)
    for row, case in zip(axes, SQUARE_CASES, strict=True):
        for axis, density, name in zip(row, data[f"{case}_density"], OBJECTIVES, strict=True):
            image = axis.imshow(np.maximum(density.T, 1e-2), origin="lower", extent=extent, norm=norm)
            axis.plot(*data["corners"].T, "o", ms=5, mfc="none", mec=VERMILION, mew=1)
            if case == SQUARE_CASES[0]:
                axis.set_title(name)
            else:
                axis.set_xlabel("x")
        row[0].set_ylabel(f"{_words(data)[case]}\ny")
    block.colorbar(image, ax=axes, label="average learned density", shrink=0.8, extend="both")


def _draw_shares(axis, data: Arrays, part: str) -> None:
    """Mean and 95 % interval over models, one group of points per case."""
    titles = {
        "gap": "gap mass",
        "memorised": "memorised fraction",
        "bridge": "mass on the square's edges",
    }
    cases = [case for case in _words(data) if f"{case}_{part}" in data]
    for index, (name, colour) in enumerate(zip(OBJECTIVES, COLOURS, strict=True)):
        estimates = [mean_over(data[f"{case}_{part}"][index]) for case in cases]
        position = np.arange(len(cases)) + 0.15 * (index - 1.5)
        half_widths = [1.96 * float(estimate.stderr) for estimate in estimates]
        values = [float(estimate.value) for estimate in estimates]
        axis.errorbar(position, values, half_widths, fmt="o", ms=4, color=colour, capsize=2, label=name)
    axis.set_xticks(np.arange(len(cases)), [_words(data)[case].replace(", ", ",\n") for case in cases], fontsize=7)
    axis.set_ylabel(titles[part])
    axis.set_xlabel("model")
    axis.set_ylim(bottom=0)
