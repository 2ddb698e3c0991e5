"""Prop. 5.1 of Vastola 2025 in trained models: the V-kernel, predicted and measured.

The set-up of Figure 2: denoisers linear in 16×16 features of (x, t), ridge .1, ε = .01, one fit per draw of P triples.
Places are drawn from p(x, t); measured is V = D Cov[s, s'] D', the covariance of the learned score over models times
the diffusion coefficients, between every pair of them. It is held against three predictions: Eq. 13 (with and without
the factor 1/(1 - F/P)), the deterministic equivalent in which all samples have equal leverage, and the one in which
every sample has its own.
"""

from dataclasses import dataclass
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from scipy.stats import t as student_t

from figures.common.claims import Claim
from figures.common.stages import Arrays, RunStage
from figures.common.style import BLUE, GREEN, ORANGE, VERMILION, plt, styled
from figures.studies.linear_ensembles import process_of
from figures.vkernel_statistics import ORDERS, comparison
from sims.data.built_in import triple
from sims.networks.feature_model import FeatureModel
from sims.training.feature_ensembles import train_ensemble
from sims.training.training_triples import draw_triples
from theory.definitions.features import FourierFeatures, GaussianFeatures
from theory.definitions.processes import VariancePreserving
from theory.definitions.targets import DenoiserTarget
from theory.exact_scores.point_masses import PointMasses
from theory.v_kernel.learned_scores import NoiseVarianceWeight, score_coefficients
from theory.v_kernel.least_squares import LinearVKernel

WORDS = {
    "leading": "Eq. 13",
    "corrected": "Eq. 13 /(1 - F/P)",
    "deterministic_equivalent": "equal leverage",
    "local_equivalent": "own leverage",
}
COLOURS = dict(zip(WORDS, (ORANGE, GREEN, VERMILION, BLUE), strict=True))
LINEAR_WIDTH = 1e-3  # of the axes of covariances, in units of the largest predicted variance
_ONE = {"theory": 1.0, "tolerance": 0.05, "relation": "equal"}  # what median ratios are held against


@dataclass(frozen=True)
class Config:
    """Sizes of the run: the published set-up, with ratios at which Prop. 5.1 can hold."""

    ratios: tuple[float, ...] = (1 / 16, 1 / 4, 1.0)  # F/P of Gaussian features
    fourier_ratio: float = 1 / 4
    features_per_axis: int = 16
    ridge: float = 0.1
    cutoff: float = 1e-2  # ε
    models: int = 240
    places: int = 500
    bins: int = 80


PRESETS = {"quick": Config(), "paper": Config(models=2000, places=1000)}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Statistics indexed [case, order], and 2-D histograms of all pairs [case, order, predicted bin, measured bin]."""
    cases = [(False, ratio) for ratio in config.ratios] + [(True, config.fourier_ratio)]
    place_key, *case_keys = jax.random.split(key, len(cases) + 1)
    results = []
    for (fourier, ratio), case_key in zip(cases, case_keys, strict=True):
        work = partial(_case, config, fourier, ratio, place_key, case_key)
        name = f"{'Fourier' if fourier else 'Gaussian'} features at F/P = {ratio:g}"
        results.append(stage(name, work, share=1 / len(cases)))
    return {
        "fourier": np.asarray([fourier for fourier, _ in cases]),
        "feature_ratio": np.asarray([ratio for _, ratio in cases]),
        "edges": _edges(config),
        **{name: np.stack([result[name] for result in results]) for name in results[0]},
    }


def _edges(config: Config) -> np.ndarray:
    """Bin edges of covariances: evenly spaced in asinh(covariance/LINEAR_WIDTH), up to 10 predicted variances."""
    end = np.arcsinh(10 / LINEAR_WIDTH)
    return LINEAR_WIDTH * np.sinh(np.linspace(-end, end, config.bins + 1))


def _case(config: Config, fourier: bool, ratio: float, place_key: PRNGKeyArray, key: PRNGKeyArray) -> Arrays:
    """One family of features at one F/P: train, measure, predict."""
    number = config.features_per_axis
    family = FourierFeatures if fourier else GaussianFeatures
    features = family(1, number, number, positions=(-1.5, 1.5), times=(config.cutoff, 1.0))
    process = process_of(config.cutoff)
    draws, points = round(features.number / ratio), jnp.asarray(triple())
    options = {"models": config.models, "samples": draws, "ridge": config.ridge}
    models = train_ensemble(features, points, process, key=key, **options)
    _, x, time = eqx.filter_jit(draw_triples)(points, process, config.places, key=place_key)
    scores = np.asarray(_scores(models, process, x, time))
    setting, pairs = (PointMasses(triple()), process, features), ((x[:, None], time[:, None]), (x[None], time[None]))
    kernels = {order: LinearVKernel(*setting, draws, config.ridge, order=order) for order in ORDERS}
    predicted = np.stack([np.asarray(kernel.score_covariance(*pairs))[..., 0, 0] for kernel in kernels.values()])
    leverage = _leverage(kernels["local_equivalent"], draws, x, time)
    diffusion = np.asarray(process.diffusion_coefficient(time))
    return comparison(scores, predicted, np.asarray(leverage), diffusion, _edges(config))


@eqx.filter_jit
def _scores(models: FeatureModel, process: VariancePreserving, x, time) -> jnp.ndarray:
    """The part a(t) Wφ of every model's score that varies between models, (models, n)."""
    _, scale = score_coefficients(DenoiserTarget(), process, time)
    return (models.weight[:, 0] @ models.features(x, time).T) * scale[None]


@eqx.filter_jit
def _leverage(kernel: LinearVKernel, draws: int, x, time) -> jnp.ndarray:
    """ℓ(z) = w φᵀRφ/P: a training sample at z has the share ℓ/(1 + ℓ) in its own fit, on average."""
    phi, weight = kernel.features(x, time), NoiseVarianceWeight(kernel.target)(kernel.process, time)
    return weight * jnp.sum(phi @ kernel.resolvent * phi, axis=1) / draws


# --- Claims ---


def _claim(data: Arrays, name: str, case: int, statement: str, estimate: tuple[float, float], **held) -> Claim:
    """A claim on one case from an estimate and its jackknife error over models and places."""
    (value, stderr), most = estimate, held.pop("most", np.inf)
    half = float(student_t.ppf(0.975, int(data["groups"][case]) - 1) * stderr)
    interval = (value - half, min(value + half, max(value, most)))
    defaults = {"source": "this project, from Vastola 2025, Prop. 5.1", "paper": None, "tolerance": 0.0}
    held = defaults | {"theory": None, "relation": "greater"} | held
    return Claim(f"{name}, {_words(data, case)}", statement=statement, measured=value, interval=interval, **held)


def _words(data: Arrays, case: int) -> str:
    return f"{'Fourier' if data['fourier'][case] else 'Gaussian'} features, F/P = {data['feature_ratio'][case]:g}"


def _estimate(data: Arrays, name: str, case: int, order: str, factor: float = 1.0) -> tuple[float, float]:
    row = ORDERS.index(order)
    return factor * float(data[name][case, row]), factor * float(data[f"{name}_stderr"][case, row])


def _unattenuated(data: Arrays, name: str, case: int, order: str) -> tuple[float, float]:
    """A correlation over the one that a perfect prediction would have with so few models."""
    return _estimate(data, name, case, order, 1 / float(data[f"{name}_ceiling"][case]))


def claims(data: Arrays) -> list[Claim]:
    return [*_own_leverage_claims(data), *_paper_claims(data), *_reason_claims(data)]


def _own_leverage_claims(data: Arrays) -> list[Claim]:
    """Correlation of predicted and measured V over all pairs, and the median ratio where F/P is smallest."""
    bounds = {0: 0.97, 1: 0.75, len(data["fourier"]) - 1: 0.95}
    objects = {
        "correlation": ("V-kernel", "V = D Cov[s, s'] D'"),
        "score_correlation": ("bare covariance of the score", "Cov[s, s'], in which small times weigh more,"),
    }
    correlations = [
        _claim(
            data,
            name,
            case,
            f"predicted (own leverage) and measured {words} over all pairs correlate by {bound} or more, of what a "
            "perfect prediction would with so few models",
            _unattenuated(data, statistic, case, "local_equivalent"),
            theory=bound,
            most=1.0,
        )
        for statistic, (name, words) in objects.items()
        for case, bound in bounds.items()
    ]
    plain = [
        _claim(
            data,
            "V-kernel, plain correlation",
            case,
            f"predicted (own leverage) and measured V correlate by {bound} or more, with the noise of so few models",
            _estimate(data, "correlation", case, "local_equivalent"),
            theory=bound,
            most=1.0,
        )
        for case, bound in bounds.items()
    ]
    statement = "measured over predicted variance (own leverage), median over places, is 1 within 5 %"
    estimate = _estimate(data, "median_ratio", 0, "local_equivalent")
    return [*correlations, *plain, _claim(data, "variance of the score", 0, statement, estimate, **_ONE)]


def _paper_claims(data: Arrays) -> list[Claim]:
    """Eq. 13 as printed, and with the factor that it lacks for Gaussian features without a ridge."""
    largest, source = len(data["fourier"]) - 2, {"source": "Vastola 2025, Eq. 13"}
    left = 1 - float(data["feature_ratio"][1])
    return [
        _claim(
            data,
            "Eq. 13 at all but the most exposed places",
            largest,
            "the leading order's and the measured V correlate by 0.95 or more, of what a perfect prediction would",
            _unattenuated(data, "calm_correlation", largest, "leading"),
            theory=0.95,
            most=1.0,
            **source,
        ),
        _claim(
            data,
            "Eq. 13 over 1 - F/P",
            1,
            "with this factor, measured over predicted variance, median over places, is 1 within 5 %",
            _estimate(data, "median_ratio", 1, "leading", left),
            **(_ONE | source),
        ),
    ]


def _reason_claims(data: Arrays) -> list[Claim]:
    """Why equal leverage fails as F/P grows: at some places single samples decide."""
    cases, largest = len(data["fourier"]), len(data["fourier"]) - 2
    excess = (
        "equal leverage underestimates most where a sample's own leverage is large: mean ln(measured/predicted "
        "variance) at the tenth of places of largest leverage, minus that elsewhere, is above 0"
    )
    half = "that excess with own leverage is less than half of the one with equal leverage (difference below 0)"
    calm = (
        "pairs without the tenth of places of largest leverage: correlation (own leverage) of 0.95 or more, of what a "
        "perfect prediction would have"
    )
    left, equal = _estimate(data, "excess_left", largest, "local_equivalent"), "deterministic_equivalent"
    return [
        *(
            _claim(data, "few samples decide", case, excess, _estimate(data, "excess", case, equal), theory=0.0)
            for case in range(1, cases)
        ),
        _claim(data, "own leverage removes most of it", largest, half, left, theory=0.0, relation="less"),
        *(
            _claim(
                data,
                "all but the most exposed places",
                case,
                calm,
                _unattenuated(data, "calm_correlation", case, "local_equivalent"),
                theory=0.95,
                most=1.0,
            )
            for case in range(1, cases)
        ),
    ]


# --- Drawing ---


@styled
def draw(data: Arrays) -> Figure:
    cases = len(data["fourier"])
    figure = plt.figure(figsize=(11.5, 12))
    upper, lower = np.asarray(figure.subfigures(2, 1, height_ratios=(3, 1.25)))
    upper.suptitle(
        "V = D Cov[s, s'] D' of the learned score between all pairs of places, over the largest predicted variance\n"
        "(colour: number of pairs, logarithmic)"
    )
    axes = upper.subplots(len(ORDERS), cases, sharex=True, sharey=True)
    for row, order in enumerate(ORDERS):
        for case in range(cases):
            _draw_pairs(axes[row, case], data, case, order)
        axes[row, 0].set_ylabel(f"measured\n(against {WORDS[order]})")
    for case in range(cases):
        axes[0, case].set_title(_words(data, case).replace(", ", "\n"))
        axes[-1, case].set_xlabel("predicted")
    panels = lower.subplots(1, 4, width_ratios=(1, 1, 1.15, 1.15))
    _draw_correlations(panels[0], data)
    _draw_ratios(panels[1], data)
    _draw_leverage(panels[2], data, 1)
    _draw_leverage(panels[3], data, cases - 1)
    return figure


def _draw_pairs(axis: Axes, data: Arrays, case: int, order: str) -> None:
    """Histogram of all pairs on axes that are linear near zero and logarithmic beyond."""
    counts, edges = data["histogram"][case, ORDERS.index(order)], data["edges"]
    shown = np.ma.masked_less(counts.T, 1)
    axis.pcolormesh(edges, edges, shown, norm=LogNorm(1, max(float(counts.max()), 2.0)), rasterized=True)
    axis.plot(edges[[0, -1]], edges[[0, -1]], color="0.5", lw=0.8, zorder=3)
    for which in ("x", "y"):
        getattr(axis, f"set_{which}scale")("asinh", linear_width=LINEAR_WIDTH)
        getattr(axis, f"set_{which}ticks")([-1.0, -1e-2, 0.0, 1e-2, 1.0], ["-1", "-.01", "0", ".01", "1"])
    text = "r = {:.3f} ± {:.3f}".format(*_estimate(data, "correlation", case, order))
    axis.text(0.04, 0.96, text, transform=axis.transAxes, va="top", fontsize=8)


def _labels(data: Arrays) -> list[str]:
    return [
        f"{'Fourier' if fourier else 'Gauss'}\n{ratio:.3g}"
        for fourier, ratio in zip(data["fourier"], data["feature_ratio"], strict=True)
    ]


def _draw_correlations(axis: Axes, data: Arrays) -> None:
    """Correlation of every order, with the largest that a finite ensemble allows."""
    place = np.arange(len(data["fourier"]))
    for row, order in enumerate(ORDERS):
        shift = 0.18 * (row - 1)
        value, stderr = data["correlation"][:, row], data["correlation_stderr"][:, row]
        axis.errorbar(place + shift, value, stderr, fmt="o", ms=4, lw=1, color=COLOURS[order], label=WORDS[order])
    axis.hlines(
        data["correlation_ceiling"], place - 0.35, place + 0.35, color="0.4", lw=1, ls=":", label="perfect prediction"
    )
    axis.set_xticks(place, _labels(data))
    axis.set_ylim(0, 1.04)
    axis.set_xlabel("features and F/P")
    axis.set_ylabel("correlation over all pairs")
    axis.legend(loc="lower left", fontsize=6.5)


def _draw_ratios(axis: Axes, data: Arrays) -> None:
    """Median ratio of every order, and of Eq. 13 with its factor where F < P."""
    place, below = np.arange(len(data["fourier"])), data["feature_ratio"] < 1
    ratio, stderr = data["median_ratio"], data["median_ratio_stderr"]
    rows = [(order, ratio[:, row], stderr[:, row]) for row, order in enumerate(ORDERS)]
    left = np.where(below, 1 - data["feature_ratio"], np.nan)
    rows.insert(1, ("corrected", rows[0][1] * left, rows[0][2] * left))
    axis.axhspan(0.95, 1.05, color="0.9", lw=0)
    for index, (order, value, stderr) in enumerate(rows):
        shift = 0.16 * (index - 1.5)
        axis.errorbar(place + shift, value, stderr, fmt="o", ms=4, lw=1, color=COLOURS[order], label=WORDS[order])
    axis.set_xticks(place, _labels(data))
    axis.set_xlabel("features and F/P")
    axis.set_ylabel("measured/predicted variance (median)")
    axis.legend(loc="upper left", fontsize=6.5)
    low, high = axis.get_ylim()
    axis.set_ylim(low, high + 0.45 * (high - low))


def _draw_leverage(axis: Axes, data: Arrays, case: int) -> None:
    """Where equal leverage goes wrong: the variance at every place against the leverage of a sample there."""
    shown = data["resolved"][case]
    for order in ("deterministic_equivalent", "local_equivalent"):
        ratio = data["variance_ratio"][case, ORDERS.index(order)]
        style = {"ms": 2.5, "mew": 0, "alpha": 0.7, "color": COLOURS[order], "label": WORDS[order]}
        axis.loglog(data["leverage"][case][shown], ratio[shown], "o", **style)
    axis.axhline(1, color="0.5", lw=0.8, zorder=0)
    least = np.min(data["leverage"][case][data["exposed"][case]])
    axis.axvline(least, color="0.5", lw=0.8, ls=":", zorder=0, label="most exposed tenth →")
    axis.set_xlim(1e-5, None)
    axis.set_title(_words(data, case), fontsize=8)
    axis.set_xlabel("leverage ℓ of a sample at the place")
    axis.set_ylabel("measured/predicted variance")
    axis.legend(loc="upper left", fontsize=6.5)
