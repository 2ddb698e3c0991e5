"""The V-kernel at training times: in which order the variance of learned scores switches on, mode by mode.

Proposition 5.2 of Vastola 2025 gives the covariance of a lazily trained network, its feature modes k switching on like
1 - e^{-l_kτ}, the rates l_k being eigenvalues of E[w φφᵀ]: the spectral law of Wang & Pehlevan 2025 for a variance.
Held against it are linear features and wide networks, trained by gradient descent on noisy triples of {-1, 0, 1}.
"""

from functools import partial

import jax
import numpy as np
from jaxtyping import Float, PRNGKeyArray
from matplotlib.figure import Figure

from figures.common.claims import Claim
from figures.common.stages import Arrays, RunStage
from figures.common.style import BLACK, BLUE, GREEN, ORANGE, PALETTE, VERMILION, label_panels, mode_colours, plt, styled
from figures.vastola2025.lazy_networks.experiment import (
    FINER,
    ORDERS,
    Config,
    linear_ensemble,
    linear_theory,
    wide_networks,
)
from sims.measurements.estimates import Estimate
from sims.measurements.modes import first_crossing, mode_covariances
from sims.measurements.resampling import jackknife

# What was demanded before the first run: relative deviation of a variance, deviation of an exponent, of a correlation.
RATIO_TOLERANCE, EXPONENT_TOLERANCE, CORRELATION_TOLERANCE = 0.1, 0.1, 0.05
MEAN_SIGNIFICANCE = 10.0  # a mode's mean is timed if it ends that many of its standard errors from zero

PRESETS = {
    "quick": Config(),
    "paper": Config(
        draws=(128, 512, 2048, 8192),
        models=4000,
        times=20,
        steps=1500,  # the largest rate of one small training set is many times that of the population
        networks=((4, (1024,)), (16, (1024,)), (64, (1024,)), (256, (32, 256, 1024))),
        network_draws=128,
        network_models=2000,
        step_size=0.25,
        probes=64,
    ),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Weights [P, member, τ, mode] of linear features; outputs [run, member, probe] of networks, run by width and τ."""
    linear_key, probe_key, network_key = jax.random.split(key, 3)
    theory = stage("theory of linear features", partial(linear_theory, config), share=0.2)
    measured = []
    for draws, draw_key in zip(config.draws, jax.random.split(linear_key, len(config.draws)), strict=True):
        work = partial(linear_ensemble, config, theory["directions"], theory["times"], draws, draw_key)
        measured.append(stage(f"linear features, P = {draws}", work, share=0.4 / len(config.draws)))
    networks = []
    for (width, steps), width_key in zip(
        config.networks, jax.random.split(network_key, len(config.networks)), strict=True
    ):
        work = partial(wide_networks, config, width, steps, probe_key, width_key)
        networks.append(stage(f"networks, width {width}", work, share=0.4 / len(config.networks)))
    return {
        **theory,
        **{name: np.stack([each[name] for each in measured]) for name in measured[0]},
        **{name: np.concatenate([each[name] for each in networks]) for name in networks[0]},
        "draws": np.asarray(config.draws),
        "network_draws": np.asarray(config.network_draws),
    }


# --- What is stated ---


def _moments(data: Arrays, row: int) -> Float[np.ndarray, "models 2 times_and_end modes"]:
    """ω and ω² of every member at the training times and, last, at the end of training; for one P."""
    weights = np.concatenate([data["weights"][row], data["final_weights"][row][:, None]], axis=1)
    return np.stack([weights, weights**2], axis=1)


def _variance(moments: Float[np.ndarray, "2 times modes"], models: int) -> Float[np.ndarray, "times modes"]:
    return (moments[1] - moments[0] ** 2) * models / (models - 1)


def _predicted(data: Arrays, order: str, row: int) -> Float[np.ndarray, "times_and_end modes"]:
    """Variance of the weights by one order of `LazyVKernel`, at the measured times and at the end of training."""
    variance = np.concatenate([data[f"variance_{order}"][::FINER], data[f"final_{order}"][None]])
    return variance / data["draws"][row]


def _emergence(times: np.ndarray, curve: Float[np.ndarray, "times_and_end modes"], level: str) -> np.ndarray:
    """When each mode first reaches half of its final (`end`) or largest (`peak`) value."""
    final = curve[-1] if level == "end" else curve[:-1].max(axis=0)
    return first_crossing(times, curve[:-1], final / 2)


def _exponent(rates: np.ndarray, times: np.ndarray) -> float:
    """α of times ∝ rates^-α by least squares in logarithms."""
    x = np.log(rates) - np.log(rates).mean()
    return float(-np.sum(x * np.log(times)) / np.sum(x**2))


def _has_mean(data: Arrays, row: int) -> np.ndarray:
    """Modes whose mean is away from zero: p(x, t) is even in x and E[x_0|x, t] odd, so that even modes have none."""
    stderr = np.sqrt(data["final_first_order"] / (data["draws"][row] * data["weights"].shape[1]))
    return np.abs(data["optimum"]) > MEAN_SIGNIFICANCE * stderr


def _over_members(data: Arrays, row: int, statistic) -> Estimate:
    """A function of the variances and means, [times and end, mode], and its jackknife error over members."""
    moments = _moments(data, row)
    return jackknife(lambda mean: statistic(_variance(mean, len(moments)), np.abs(mean[0])), moments)


def _claim(name: str, statement: str, estimate: Estimate, **held_against) -> Claim:
    held = {"paper": None, "theory": None, "tolerance": 0.0, "relation": "equal"} | held_against
    source = "Vastola 2025, Prop. 5.2"
    return Claim(name, source, statement, measured=float(estimate.value), interval=estimate.interval, **held)


def claims(data: Arrays) -> list[Claim]:
    return [*_ratio_claims(data), *_printed_claims(data), *_emergence_claims(data), *_network_claims(data)]


def _pooled(variance: np.ndarray, predicted: np.ndarray) -> Float[np.ndarray, " modes"]:
    return np.mean(variance[:-1] / predicted[:-1], axis=0)


def _ratio_claims(data: Arrays) -> list[Claim]:
    """First order in 1/P with the design variance: the typical mode, and the one that it fits worst."""
    statements = []
    for row, draws in enumerate(data["draws"]):
        predicted = _predicted(data, "first_order", row)
        worst = _worst_mode(data, row)
        typical = _over_members(data, row, lambda v, _, p=predicted: float(np.median(_pooled(v, p))))
        extreme = _over_members(data, row, lambda v, _, p=predicted, k=worst: float(_pooled(v, p)[k]))
        held = {"theory": 1.0, "tolerance": RATIO_TOLERANCE}
        words = f"measured over predicted variance of the weights, averaged over training times, P = {draws}"
        statements += [
            _claim(f"first order, typical mode, P = {draws}", f"{words}: median over modes", typical, **held),
            _claim(f"first order, worst mode, P = {draws}", f"{words}: mode {worst + 1}", extreme, **held),
        ]
    return statements


def _worst_mode(data: Arrays, row: int) -> int:
    variance = np.var(data["weights"][row], axis=0, ddof=1)
    ratio = np.mean(variance / _predicted(data, "first_order", row)[:-1], axis=0)
    return int(np.argmax(np.abs(np.log(ratio))))


def _printed_claims(data: Arrays) -> list[Claim]:
    """Eq. 16 as printed, the variance at fixed (x, t), at both ends of training and for the largest P."""
    row = len(data["draws"]) - 1
    predicted = _predicted(data, "fixed_design", row)
    corrected = predicted[-1] / (1 - data["final_freedom"] / data["draws"][row])
    early = _over_members(data, row, lambda v, _: float(np.median(v[0] / predicted[0])))
    late = _over_members(data, row, lambda v, _: float(np.median(v[-1] / corrected)))
    return [
        _claim(
            "Eq. 16 early in training",
            "Eq. 16 alone predicts too little: measured variance over it at the first training time, median over modes",
            early,
            paper=1.0,
            relation="greater",
        ),
        _claim(
            "Eq. 16 at the end of training",
            "measured variance of least squares over Eq. 16/(1 - F/P), median over modes: the rest is misfit",
            late,
            paper=1.0,
            tolerance=RATIO_TOLERANCE,
        ),
    ]


def _emergence_claims(data: Arrays) -> list[Claim]:
    """Exponents of the times at which variance and mean emerge, for the largest P."""
    row, times, rates = len(data["draws"]) - 1, data["times"], data["rates"]
    odd = _has_mean(data, row)
    predicted = _predicted(data, "first_order", row)

    def exponent_of_mean(mean: np.ndarray) -> float:
        return _exponent(rates[odd], _emergence(times, mean[:, odd], "end"))

    statements = [
        _claim(
            "emergence of the mean",
            "time to half of the final mean ∝ eigenvalue^-1 (modes with a mean)",
            _over_members(data, row, lambda _, mean: exponent_of_mean(mean)),
            theory=1.0,
            tolerance=EXPONENT_TOLERANCE,
        )
    ]
    for level, words in (("end", "final"), ("peak", "largest")):
        expected = _exponent(rates, _emergence(times, predicted, level))
        exponent = _over_members(data, row, lambda v, _, at=level: _exponent(rates, _emergence(times, v, at)))
        difference = _over_members(
            data,
            row,
            lambda v, mean, at=level: _exponent(rates[odd], _emergence(times, v[:, odd], at)) - exponent_of_mean(mean),
        )
        half = f"half of its {words} value"
        statements += [
            _claim(
                f"emergence of the variance to {half}",
                f"time to {half} ∝ eigenvalue^-1, as in Eq. 16",
                exponent,
                paper=1.0,
                tolerance=EXPONENT_TOLERANCE,
            ),
            _claim(
                f"emergence of the variance to {half}, first order",
                "the same exponent against that of Cov[G]/P, design variance included",
                exponent,
                theory=expected,
                tolerance=EXPONENT_TOLERANCE,
            ),
            _claim(
                f"variance to {half} and mean share an exponent",
                "exponent of the variance less that of the mean, over the modes that have a mean",
                difference,
                paper=0.0,
                tolerance=EXPONENT_TOLERANCE,
            ),
        ]
    return statements


def _upper(matrix: Float[np.ndarray, "n n"]) -> Float[np.ndarray, " pairs"]:
    return matrix[np.triu_indices(len(matrix))]


def _network_agreement(data: Arrays, run: int) -> dict[str, Estimate]:
    """Correlation of predicted and measured covariances over pairs, and median ratio over the larger half of them."""
    outputs, predicted = data["network_outputs"][run], _upper(data["network_predicted"][run])
    larger = np.abs(predicted) >= np.median(np.abs(predicted))
    models, probes = outputs.shape
    pairs = np.triu_indices(probes)
    # Deviations from the common mean: a large mean cannot swamp the products.
    deviation = outputs - outputs.mean(axis=0)
    summaries = np.concatenate([deviation, deviation[:, pairs[0]] * deviation[:, pairs[1]]], axis=1)

    def covariance(mean: np.ndarray) -> np.ndarray:
        centre = mean[:probes]
        return (mean[probes:] - centre[pairs[0]] * centre[pairs[1]]) * models / (models - 1)

    return {
        "correlation": jackknife(lambda mean: float(np.corrcoef(covariance(mean), predicted)[0, 1]), summaries),
        "ratio": jackknife(lambda mean: float(np.median((covariance(mean) / predicted)[larger])), summaries),
    }


def _network_claims(data: Arrays) -> list[Claim]:
    statements = []
    tolerance = {"correlation": CORRELATION_TOLERANCE, "ratio": RATIO_TOLERANCE}
    words = {
        "correlation": "predicted and measured covariance of the score over pairs of points of p(x, t): correlation",
        "ratio": "measured over predicted covariance of the score: median over the larger half of the pairs",
    }
    for run, (width, time) in enumerate(zip(data["network_width"], data["network_time"], strict=True)):
        for name, estimate in _network_agreement(data, run).items():
            label = f"network of width {width}, τ = {time:g}: {name}"
            statements.append(_claim(label, words[name], estimate, theory=1.0, tolerance=tolerance[name]))
    return statements


# --- Drawing ---


@styled
def draw(data: Arrays) -> Figure:
    figure, axes = plt.subplots(2, 3, figsize=(12.5, 7.6))
    _draw_variances(axes[0, 0], data)
    _draw_first_order(axes[0, 1], data)
    _draw_printed(axes[0, 2], data)
    _draw_emergence(axes[1, 0], data)
    _draw_network_pairs(axes[1, 1], data)
    _draw_network_ratios(axes[1, 2], data)
    label_panels(axes)
    return figure


def _draw_variances(axis, data: Arrays) -> None:
    row, rates, draws = len(data["draws"]) - 1, data["rates"], data["draws"][-1]
    colours = mode_colours(len(rates))
    measured = np.var(data["weights"][row], axis=0, ddof=1)
    for mode in range(0, len(rates), 2):
        style = {"color": colours[mode], "lw": 1.2}
        first, printed = (rates[mode] * data[f"variance_{order}"][:, mode] / draws for order in ORDERS)
        axis.plot(data["fine_times"], first, **style)
        axis.plot(data["fine_times"], printed, "--", **style)
        axis.plot(data["times"], rates[mode] * measured[:, mode], "o", ms=3.5, color=colours[mode])
        axis.plot([], [], "o-", ms=3.5, **style, label=f"mode {mode + 1}, $l$ = {rates[mode]:.2g}")
    axis.plot([], [], "--", color="0.4", label="Eq. 16 alone")
    floor = 1e-3 * rates[-1] * data["final_fixed_design"][-1] / draws
    axis.set(xscale="log", yscale="log", xlabel="training time τ", ylabel="variance of the output along the mode")
    axis.set_ylim(bottom=floor)
    axis.set_title(f"linear features, P = {draws}: dots trained,\nlines first order with design variance")
    axis.legend(loc="lower right", fontsize=6.5)


def _draw_first_order(axis, data: Arrays) -> None:
    for row, (draws, colour) in enumerate(zip(data["draws"], PALETTE[::-1][-len(data["draws"]) :], strict=False)):
        ratio = np.var(data["weights"][row], axis=0, ddof=1) / _predicted(data, "first_order", row)[:-1]
        axis.plot((data["times"][:, None] * data["rates"]).ravel(), ratio.ravel(), ".", color=colour)
        axis.plot([], [], ".", color=colour, label=f"P = {draws}")
    axis.axhspan(1 - RATIO_TOLERANCE, 1 + RATIO_TOLERANCE, color="0.9", lw=0, zorder=0, label="within 10 %")
    axis.set(xscale="log", yscale="log", xlabel="eigenvalue × training time, $l_k τ$")
    axis.set_ylabel("measured / first-order variance")
    axis.set_title("with the design variance, every mode")
    ticks = (0.5, 1, 2, 5)
    axis.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.minorticks_off()
    axis.legend(loc="upper left")


def _draw_printed(axis, data: Arrays) -> None:
    row, colours = len(data["draws"]) - 1, mode_colours(len(data["rates"]))
    ratio = np.var(data["weights"][row], axis=0, ddof=1) / _predicted(data, "fixed_design", row)[:-1]
    theory = data["variance_first_order"] / data["variance_fixed_design"]
    for mode, rate in enumerate(data["rates"]):
        axis.plot(rate * data["times"], ratio[:, mode], ".", color=colours[mode])
        axis.plot(rate * data["fine_times"], theory[:, mode], color=colours[mode], lw=0.9)
    axis.plot([], [], "k.", label="trained, colours as in a")
    axis.plot([], [], "k-", lw=0.9, label="first order / Eq. 16")
    axis.axhline(1, color="0.5", lw=0.8)
    axis.set(xscale="log", yscale="log", xlabel="eigenvalue × training time, $l_k τ$")
    axis.set_ylabel("measured / Eq. 16")
    axis.set_title("the paper's variance at fixed (x, t) alone")
    axis.set_ylim(None, 8 * axis.get_ylim()[1])  # room for the legend
    axis.legend(loc="upper right")


def _draw_emergence(axis, data: Arrays) -> None:
    row, times, rates = len(data["draws"]) - 1, data["times"], data["rates"]
    moments = _moments(data, row)
    variance, mean = _variance(moments.mean(axis=0), len(moments)), np.abs(moments[:, 0].mean(axis=0))
    predicted, odd = _predicted(data, "first_order", row), _has_mean(data, row)
    for level, colour, marker, words in (("end", BLUE, "o", "final"), ("peak", GREEN, "s", "largest")):
        axis.plot(rates, _emergence(times, variance, level), marker, color=colour, label=f"variance, half of {words}")
        axis.plot(rates, _emergence(times, predicted, level), "x", color=colour, ms=7)
    axis.plot(rates[odd], _emergence(times, mean[:, odd], "end"), "^", color=VERMILION, label="mean, half of final")
    axis.plot([], [], "kx", label="first order")
    ends = np.array([rates.min(), rates.max()])
    axis.plot(ends, np.log(2) / ends, color=VERMILION, lw=0.9, label="ln 2 / $l$, the mean")
    axis.plot(ends, -np.log1p(-(0.5**0.5)) / ends, "--", color=BLACK, lw=0.9, label="1.23 / $l$, Eq. 16")
    axis.set(xscale="log", yscale="log", xlabel="eigenvalue $l$ of E[$wφφ^T$]", ylabel="emergence time τ")
    axis.set_title(f"emergence of variance and mean, P = {data['draws'][row]}")
    axis.legend(loc="lower left", fontsize=6.8)


def _draw_network_pairs(axis, data: Arrays) -> None:
    widest = data["network_width"].max()
    low, high = 0.0, 0.0
    for run in np.flatnonzero(data["network_width"] == widest):
        predicted = _upper(data["network_predicted"][run])
        measured = _upper(mode_covariances(data["network_outputs"][run]))
        low, high = min(low, float(predicted.min())), max(high, float(predicted.max()))
        axis.plot(predicted, measured, ".", ms=3, color=PALETTE[run], label=f"τ = {data['network_time'][run]:g}")
    axis.plot([low, high], [low, high], color="0.5", lw=0.8)
    axis.set(xlabel="predicted covariance of σ × score", ylabel="measured covariance of σ × score")
    axis.set_title(f"network of width {widest}, P = {data['network_draws']}: pairs of points")
    axis.legend(loc="upper left")


def _draw_network_ratios(axis, data: Arrays) -> None:
    runs, labels = np.arange(len(data["network_width"])), []
    for run in runs:
        found = _network_agreement(data, int(run))
        low, high = found["ratio"].interval
        axis.plot([run, run], [low, high], color=ORANGE, lw=2)
        axis.plot(run, found["ratio"].value, "o", color=BLUE)
        place = f"{data['network_width'][run]}\n{data['network_time'][run]:g}"
        labels.append(f"{place}\n{found['correlation'].value:.4f}")
    axis.axhspan(1 - RATIO_TOLERANCE, 1 + RATIO_TOLERANCE, color="0.9", lw=0, zorder=0)
    axis.set_xticks(runs, labels, fontsize=8)
    axis.set_xlim(-0.6, len(runs) - 0.4)
    axis.margins(y=0.15)
    axis.set(xlabel="width, training time τ, correlation over pairs", ylabel="measured / predicted, median over pairs")
    axis.set_title("lazy prediction by width and training time")
