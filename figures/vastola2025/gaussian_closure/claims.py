"""Is the learned score Gaussian over training draws, and what does it cost to pretend so?

The path integral of Vastola 2025, Prop. 3.1, keeps the mean and the covariance of the estimator over training sets and
is exact if the estimator is a Gaussian field; his reviewers asked for a test. At points (x, t) drawn from p(x, t),
Mardia's test is run over an ensemble of trained models, with Holm's correction. Where a model is linear in its weights,
the same ensemble is replaced by one with Gaussian weights of the *measured* mean and covariance: whatever differs then
between the distributions that the two generate is the cost of the closure alone.
"""

from functools import partial

import jax
import numpy as np
from jaxtyping import PRNGKeyArray
from matplotlib.figure import Figure
from scipy.stats import binomtest, norm

from figures.common.claims import Claim
from figures.common.stages import Arrays, RunStage
from figures.common.style import BLACK, BLUE, VERMILION, fraction, label_panels, plt, styled
from figures.vastola2025.gaussian_closure.experiment import (
    Config,
    draw_points,
    linear_models,
    mlps,
    random_feature_networks,
)
from sims.measurements.estimates import mean_over
from sims.measurements.gaussianity import holm_rejected

LEVEL = 0.05

PRESETS = {
    "quick": Config(),
    "paper": Config(models=1000, points=1000, null_draws=200_000, samples=1000, network_steps=4000, permutations=2000),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Per kind of model: p-values at the points and at surrogates' values there; distances and gap masses."""
    point_key, random_key, network_key, *linear_keys = jax.random.split(key, 3 + len(config.training_samples))
    drawn = draw_points(config, point_key)
    share = 0.6 / len(config.training_samples)
    rows = [
        stage(f"linear models, P = {count}", partial(linear_models, config, drawn, count, linear_key), share=share)
        for count, linear_key in zip(config.training_samples, linear_keys, strict=True)
    ]
    rows.append(
        stage("random-feature networks", partial(random_feature_networks, config, drawn, random_key), share=0.15)
    )
    network = stage("MLPs", partial(mlps, config, drawn, network_key), share=0.25)
    return {
        "feature_ratio": config.features_per_axis**2 / np.asarray(config.training_samples, dtype=float),
        "random_feature_ratio": np.asarray(config.random_features / config.network_training_samples),
        "x": np.asarray(drawn.noisy[:, 0]),
        "time": np.asarray(drawn.time),
        **{name: np.stack([row[name] for row in rows]) for name in rows[0]},
        "p_value_mlp": network["p_value"],
        "loss_ratio_mlp": network["loss_ratio"],
    }


# --- Claims ---


def _kinds(data: Arrays) -> list[str]:
    """What the ensembles are called, in the order of `_p_values`."""
    linear = [f"linear, F/P = {fraction(ratio)}" for ratio in data["feature_ratio"]]
    return [*linear, f"random features, F/P = {fraction(float(data['random_feature_ratio']))}", "MLP"]


def _p_values(data: Arrays) -> np.ndarray:
    return np.concatenate([data["p_value"], data["p_value_mlp"][None]])


def _share(rejected: np.ndarray) -> tuple[float, tuple[float, float]]:
    """Share of points rejected with Wilson's 95 % interval: given the ensemble, points are independent draws."""
    interval = binomtest(int(rejected.sum()), rejected.size).proportion_ci(method="wilson")
    return float(rejected.mean()), (float(interval.low), float(interval.high))


def _claim(name: str, statement: str, measured: float, interval: tuple[float, float], **held_against) -> Claim:
    held = {"paper": None, "theory": None, "tolerance": 0.0, "relation": "less"} | held_against
    source = "Vastola 2025, Prop. 3.1; its reviewers"
    return Claim(name, source, statement, measured=measured, interval=interval, **held)


def claims(data: Arrays) -> list[Claim]:
    kinds = _kinds(data)
    statements = [_calibration_claim(data), _loss_claim(data)]
    for kind, p_values in zip(kinds, _p_values(data), strict=True):
        share, interval = _share(holm_rejected(p_values, LEVEL))
        statements.append(
            _claim(
                f"the learned score is Gaussian, {kind}",
                "Mardia's test with Holm's correction at level 0.05 rejects fewer than 5 % of points from p(x, t)",
                share,
                interval,
                theory=LEVEL,
            )
        )
    for row, kind in enumerate(kinds[:-1]):
        statements += [_distance_claim(data, row, kind), _gap_claim(data, row, kind)]
    return statements


def _calibration_claim(data: Arrays) -> Claim:
    """Surrogates are exactly Gaussian and as correlated between points as the trained models are."""
    rate = mean_over(np.mean(data["p_value_surrogate"] <= LEVEL, axis=1))
    return _claim(
        "the test is calibrated",
        "at level 0.05 without correction, it rejects 0.05 of the points of Gaussian surrogates (mean over ensembles)",
        float(rate.value),
        rate.interval,
        theory=LEVEL,
        tolerance=0.05,
        relation="equal",
    )


def _loss_claim(data: Arrays) -> Claim:
    ratio, stderr = (float(part) for part in data["loss_ratio_mlp"])
    return _claim(
        "the MLPs are trained",
        "their final DSM loss is below that of the exact posterior mean on the same triples: the ratio is less than 1",
        ratio,
        (ratio - 1.96 * stderr, ratio + 1.96 * stderr),
        theory=1.0,
    )


def _distance_claim(data: Arrays, row: int, kind: str) -> Claim:
    floor = data["wasserstein1_null"][row].mean()
    ratio = float(data["wasserstein1"][row] / floor)
    half_width = 1.96 * float(data["wasserstein1_stderr"][row] / floor)
    return _claim(
        f"the closure costs little, {kind}",
        "W1 between the learned distributions of the trained and of the Gaussian ensemble is at most 1.5 times what "
        "two ensembles of one law and this size differ by",
        ratio,
        (ratio - half_width, ratio + half_width),
        theory=1.5,
    )


def _gap_claim(data: Arrays, row: int, kind: str) -> Claim:
    trained, gaussian = mean_over(data["gap"][row]), mean_over(data["gap_surrogate"][row])
    difference = float(gaussian.value - trained.value)
    half_width = 1.96 * float(np.hypot(gaussian.stderr, trained.stderr))
    return _claim(
        f"the closure keeps the gap mass, {kind}",
        "gap mass of the Gaussian ensemble minus that of the trained one is zero, to 0.01",
        difference,
        (difference - half_width, difference + half_width),
        theory=0.0,
        tolerance=0.01,
        relation="equal",
    )


# --- Drawing ---


@styled
def draw(data: Arrays) -> Figure:
    figure = plt.figure(figsize=(11, 9.5))
    maps, bars = np.asarray(figure.subfigures(2, 1, height_ratios=(1.7, 1)))
    map_axes = np.asarray(maps.subplots(2, -(-len(_kinds(data)) // 2), sharex=True, sharey=True))
    _draw_maps(maps, map_axes, data)
    bar_axes = np.asarray(bars.subplots(1, 3))
    _draw_shares(bar_axes[0], data)
    _draw_distances(bar_axes[1], data)
    _draw_gaps(bar_axes[2], data)
    label_panels(np.concatenate([map_axes.ravel(), bar_axes.ravel()]))
    return figure


def _draw_maps(block, axes: np.ndarray, data: Arrays) -> None:
    """Where the test rejects: p-values at every point, those rejected after Holm's correction ringed."""
    for axis in axes.flat[len(_kinds(data)) :]:
        axis.set_axis_off()
    for axis, kind, p_values in zip(axes.flat, _kinds(data), _p_values(data), strict=False):
        image = axis.scatter(data["x"], data["time"], c=-np.log10(p_values), vmin=0, vmax=4, s=16, cmap="viridis", lw=0)
        rejected = holm_rejected(p_values, LEVEL)
        axis.scatter(
            data["x"][rejected],
            data["time"][rejected],
            s=34,
            facecolors="none",
            edgecolors=VERMILION,
            lw=0.8,
            label="rejected after Holm",
        )
        axis.set_yscale("log")
        axis.set_title(f"{kind}: {rejected.mean():.0%} rejected")
    for axis in axes[-1]:
        axis.set_xlabel("x")
    for axis in axes[:, 0]:
        axis.set_ylabel("t")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    block.legend(handles, labels, loc="outside lower center")
    block.colorbar(image, ax=axes, label="-log₁₀ p of Mardia's test", extend="max", shrink=0.8)


def _categories(axis, names: list[str]) -> None:
    axis.set_xticks(
        np.arange(len(names)),
        [name.replace(", ", ",\n").replace("random ", "random\n") for name in names],
        fontsize=6.5,
    )
    axis.set_xlabel("model")


def _draw_shares(axis, data: Arrays) -> None:
    p_values = _p_values(data)
    rules = (("level 0.05, uncorrected", BLACK, -0.12, p_values <= LEVEL),)
    rules += (("after Holm", VERMILION, 0.12, np.array([holm_rejected(row, LEVEL) for row in p_values])),)
    for name, colour, shift, rejected in rules:
        shares = [_share(row) for row in rejected]
        values = np.array([share for share, _ in shares])
        bounds = np.array([interval for _, interval in shares])
        errors = np.maximum(np.abs(bounds.T - values), 0)
        axis.errorbar(
            np.arange(len(values)) + shift, values, errors, fmt="o", ms=4, color=colour, capsize=2, label=name
        )
    axis.axhline(LEVEL, color="0.6", lw=0.8, ls="--", label="0.05")
    _categories(axis, _kinds(data))
    axis.set_ylabel("share of points rejected (95 %)")
    axis.set_ylim(-0.02, 1.02)
    axis.legend(loc="best")


def _draw_distances(axis, data: Arrays) -> None:
    kinds, null = _kinds(data)[:-1], data["wasserstein1_null"]
    position = np.arange(len(kinds))
    low, middle, high = np.quantile(null, [0.025, 0.5, 0.975], axis=1)
    axis.errorbar(
        position + 0.12, middle, [middle - low, high - middle], fmt="s", ms=4, color="0.55", capsize=2, label="one law"
    )
    axis.errorbar(
        position - 0.12,
        data["wasserstein1"],
        norm.ppf(0.975) * data["wasserstein1_stderr"],
        fmt="o",
        ms=4,
        color=BLUE,
        capsize=2,
        label="trained against Gaussian weights",
    )
    axis.set_ylim(0, 1.3 * axis.get_ylim()[1])  # room for the legend
    _categories(axis, kinds)
    axis.set_ylabel("W₁ of average distributions (95 %)")
    axis.legend(loc="upper left")


def _draw_gaps(axis, data: Arrays) -> None:
    kinds = _kinds(data)[:-1]
    for name, words, colour, shift in (
        ("gap", "trained", BLACK, -0.12),
        ("gap_surrogate", "Gaussian weights", BLUE, 0.12),
    ):
        estimates = [mean_over(row) for row in data[name]]
        values = [float(estimate.value) for estimate in estimates]
        errors = [1.96 * float(estimate.stderr) for estimate in estimates]
        axis.errorbar(
            np.arange(len(kinds)) + shift, values, errors, fmt="o", ms=4, color=colour, capsize=2, label=words
        )
    _categories(axis, kinds)
    axis.set_ylabel("gap mass (95 %)")
    axis.set_ylim(bottom=0)
    axis.legend(loc="best")
