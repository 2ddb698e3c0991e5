"""The V-kernel at training times: in which order the variance of learned scores switches on, mode by mode.

Proposition 5.2 of Vastola 2025 gives the covariance of a lazily trained network, its feature modes k switching on like
1 - e^{-l_kτ}, the rates l_k being eigenvalues of E[w φφᵀ]: the spectral law of Wang & Pehlevan 2025 for a variance.
Held against it are linear features and wide networks, trained by gradient descent on noisy triples of {-1, 0, 1}.
"""

from dataclasses import dataclass
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, PRNGKeyArray
from matplotlib.figure import Figure

from figures.claims import Claim
from figures.stages import Arrays, RunStage
from figures.style import BLACK, BLUE, GREEN, ORANGE, PALETTE, VERMILION, label_panels, mode_colours, plt, styled
from sims.datasets import triple
from sims.distribution_measurements import jackknife
from sims.feature_ensembles import draw_triples
from sims.measurements import Estimate, first_crossing, mode_covariances
from sims.score_ensembles import TrainingSets, descend_features, draw_training_sets, fit_features, train_networks
from sims.score_networks import AbstractScoreNetwork, WideNetwork, network_scales, ntk_features, wide_network
from sims.score_objectives import TargetNoiseDose
from theory import FourierFeatures, LazyVKernel, LinearSchedule, PointMasses, VariancePreserving
from theory.features import AbstractFeatures
from theory.objectives import AbstractTarget, DenoiserTarget
from theory.population import Population, feature_regression, lattice_population, normal_equations
from theory.processes import Time
from theory.v_kernel import LazyOrder, score_factor

CUTOFF = 0.01  # ε
ORDERS: tuple[LazyOrder, ...] = ("first_order", "fixed_design")
FINER = 2  # training times of the theory's lines for each of the measured ones
# What was demanded before the first run: relative deviation of a variance, deviation of an exponent, of a correlation.
RATIO_TOLERANCE, EXPONENT_TOLERANCE, CORRELATION_TOLERANCE = 0.1, 0.1, 0.05
MEAN_SIGNIFICANCE = 10.0  # a mode's mean is timed if it ends that many of its standard errors from zero
TANGENT_CUTOFF = 1e-6  # relative rate below which tangent modes have not begun to learn when training ends


@dataclass(frozen=True)
class Config:
    """Sizes of the run; training times of linear features are in units of the inverse of the largest rate."""

    per_axis: int = 5
    per_time: int = 3
    modes: int = 10
    draws: tuple[int, ...] = (512, 2048)  # P, increasing; claims are on the last
    models: int = 1200
    first_time: float = 0.02
    last_time: float = 300.0
    times: int = 13
    steps: int = 300  # per training time
    population: int = 2**13
    networks: tuple[tuple[int, tuple[int, ...]], ...] = ((128, (16, 128)),)  # width, steps of training
    network_draws: int = 64
    network_models: int = 1000
    step_size: float = 0.5
    probes: int = 32


PRESETS = {
    "quick": Config(),
    "paper": Config(
        draws=(128, 512, 2048, 8192),
        models=4000,
        times=20,
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
    theory = stage("theory of linear features", partial(_linear_theory, config), share=0.2)
    measured = []
    for draws, draw_key in zip(config.draws, jax.random.split(linear_key, len(config.draws)), strict=True):
        work = partial(_linear_ensemble, config, theory["directions"], theory["times"], draws, draw_key)
        measured.append(stage(f"linear features, P = {draws}", work, share=0.4 / len(config.draws)))
    networks = []
    for (width, steps), width_key in zip(
        config.networks, jax.random.split(network_key, len(config.networks)), strict=True
    ):
        work = partial(_networks, config, width, steps, probe_key, width_key)
        networks.append(stage(f"networks, width {width}", work, share=0.4 / len(config.networks)))
    return {
        **theory,
        **{name: np.stack([each[name] for each in measured]) for name in measured[0]},
        **{name: np.concatenate([each[name] for each in networks]) for name in networks[0]},
        "draws": np.asarray(config.draws),
        "network_draws": np.asarray(config.network_draws),
    }


def _process() -> VariancePreserving:
    return VariancePreserving(LinearSchedule(0.1, 20.0), end_time=CUTOFF)


# --- Linear features ---


def _features(config: Config) -> AbstractFeatures:
    """Fourier functions: smooth, so that E[w φφᵀ] has its eigenvalues spread evenly over three decades."""
    return FourierFeatures(1, config.per_axis, config.per_time, positions=(-1.5, 1.5), times=(CUTOFF, 1.0))


def _symmetric_population(data: PointMasses, process: VariancePreserving, count: int) -> Population:
    """A lattice and its mirror image: p(x, t) is even in x, and without that symmetry near-degenerate modes mix."""
    half = lattice_population(data, process, count // 2)
    return Population(
        jnp.concatenate([half.x, -half.x]), jnp.tile(half.time, 2), jnp.tile(half.mass / jnp.sum(half.mass), 2) / 2
    )


def _linear_theory(config: Config) -> Arrays:
    """Eigenmodes of E[w φφᵀ], and for P = 1 the mean and variance of the weights along them; τ is `fine_times`.

    The variance is inversely proportional to P to this order. At the end of training it is that of first order too.
    """
    data, process, features = PointMasses(triple()), _process(), _features(config)
    population = _symmetric_population(data, process, config.population)
    second_moment, cross = _normal_equations(
        feature_regression(data, process, features, DenoiserTarget(), None, population)
    )
    rates, directions = np.linalg.eigh(np.asarray(second_moment))
    rates, directions = rates[::-1][: config.modes], directions[:, ::-1][:, : config.modes]
    count = FINER * (config.times - 1) + 1
    fine = np.geomspace(config.first_time, config.last_time, count) / rates[0]

    def law(tau: float, order: LazyOrder) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        kernel = LazyVKernel(data, process, features, 1, jnp.asarray(tau), order=order, population=population)
        along = directions.T @ np.asarray(kernel.weight_factor[0])
        return (
            np.asarray(kernel.mean_weights[0]) @ directions,
            np.sum(along**2, axis=1),
            np.asarray(kernel.degrees_of_freedom),
        )

    laws = {order: [law(tau, order) for tau in (*fine, np.inf)] for order in ORDERS}
    mean, _, freedom = (np.stack(part) for part in zip(*laws["first_order"], strict=True))
    variance = {order: np.stack([each[1] for each in law]) for order, law in laws.items()}
    return {
        "rates": rates,
        "directions": directions,
        "optimum": np.asarray(cross[0]) @ directions / rates,
        "times": fine[::FINER],
        "fine_times": fine,
        "mean_theory": mean[:-1],
        "freedom": freedom[:-1],
        "final_freedom": freedom[-1],
        **{f"variance_{order}": value[:-1] for order, value in variance.items()},
        **{f"final_{order}": value[-1] for order, value in variance.items()},
    }


_normal_equations = eqx.filter_jit(normal_equations)


def _linear_ensemble(config: Config, directions, times, draws: int, key: PRNGKeyArray) -> Arrays:
    """Weights of every member along the eigenmodes, at the training times and at the end of training."""
    process, features = _process(), _features(config)
    objective = (TargetNoiseDose(1.0),)
    sets = draw_training_sets(jnp.asarray(triple()), process, objective, models=config.models, samples=draws, key=key)
    trained = descend_features(features, sets, process, times=jnp.asarray(times), steps=config.steps)
    final = fit_features(features, sets, process, ridge=0.0)
    return {
        "weights": np.asarray(trained.weight[0, :, :, 0]) @ directions,
        "final_weights": np.asarray(final.weight[0, :, 0]) @ directions,
    }


# --- Networks ---


class ResidualTarget(AbstractTarget):
    """y = x_0 - c_skip x, what a `WideNetwork` adds to c_skip x: c = σ²/(α² + σ²) and e = -ασ/(α² + σ²)."""

    def coefficients(self, process: VariancePreserving, time: Time) -> tuple[Time, Time]:
        alpha, sigma = process.signal_scale(time), process.noise_scale(time)
        total = alpha**2 + sigma**2
        return sigma**2 / total, -alpha * sigma / total


class TangentModes(eqx.Module):
    """Tangent features of a network along F orthonormal directions of its parameters, φ_k = v_k·∂D/∂θ, for D = 1.

    Gradient flow of the linearised network moves φ·(θ - θ_0); with all directions that learn, nothing is lost.
    """

    network: WideNetwork
    directions: Float[Array, "parameters F"]

    @property
    def number(self) -> int:
        return self.directions.shape[1]

    def __call__(self, x: Float[Array, "*batch 1"], time: Float[Array, "*batch"]) -> Float[Array, "*batch F"]:
        flat, moments = x.reshape(-1, 1), jnp.broadcast_to(time, x.shape[:-1]).reshape(-1)
        values = ntk_features(self.network, flat, moments)[:, 0] @ self.directions
        return values.reshape(*x.shape[:-1], self.number)


@eqx.filter_jit
def _tangent_directions(network: WideNetwork, population: Population, weight: Float[Array, " N"]):
    """Right singular vectors of √(p w) φ over the population, and its squared singular values, falling."""
    phi = ntk_features(network, population.x, population.time)[:, 0]
    phi = jnp.sqrt(population.mass * weight)[:, None] * phi
    values, vectors = jnp.linalg.eigh(phi @ phi.T)
    values, vectors = values[::-1], vectors[:, ::-1]
    return phi.T @ (vectors / jnp.sqrt(jnp.maximum(values, jnp.finfo(values.dtype).tiny))[None]), values


def _tangent_modes(network: WideNetwork, data: PointMasses, process: VariancePreserving) -> TangentModes:
    """The directions in which a network learns at all, from its empirical tangent kernel on 384 points."""
    network = jax.tree.map(lambda leaf: leaf.astype(float) if eqx.is_array(leaf) else leaf, network)
    population = lattice_population(data, process, 384)
    weight = (process.signal_scale(population.time) / process.noise_scale(population.time)) ** 2
    directions, values = _tangent_directions(network, population, weight)
    return TangentModes(network, directions[:, : int(np.sum(np.asarray(values / values[0]) > TANGENT_CUTOFF))])


def _networks(
    config: Config, width: int, durations: tuple[int, ...], probe_key: PRNGKeyArray, key: PRNGKeyArray
) -> Arrays:
    """σ times the score at the probes: of every trained network, and its predicted covariance at every time.

    All members begin as one network D_0. They are trained on targets shifted by D_0 - c_skip x, so that D - D_0 learns
    what is left of x_0 beside c_skip x, from zero.
    """
    initial_key, sets_key, training_key = jax.random.split(key, 3)
    process, points = _process(), jnp.asarray(triple())
    data, network = PointMasses(points), wide_network(process, 1, width=width, key=initial_key)
    probes = draw_triples(points, process, config.probes, key=probe_key)
    sets = draw_training_sets(
        points,
        process,
        (TargetNoiseDose(1.0),),
        models=config.network_models,
        samples=config.network_draws,
        key=sets_key,
    )
    shifted = sets._replace(targets=_shifted_targets(network, sets, process))
    modes = _tangent_modes(network, data, process)
    population = lattice_population(data, process, config.population // 4)
    weight = process.signal_scale(probes.time) / process.noise_scale(probes.time)
    outputs, predicted, freedom = [], [], []
    for steps in durations:
        trained = train_networks(
            lambda _: network,
            shifted,
            points,
            process,
            optimiser=optax.sgd(config.step_size),
            steps=steps,
            batch_size=None,
            records=1,
            key=training_key,
        )
        outputs.append(np.asarray(_moved(trained.networks, network, probes.noisy, probes.time) * weight[None]))
        kernel = LazyVKernel(
            data,
            process,
            modes,
            config.network_draws,
            jnp.asarray(config.step_size * steps),
            target=ResidualTarget(),
            population=population,
        )
        predicted.append(_sigma_score_covariance(kernel, probes.noisy, probes.time))
        freedom.append(kernel.degrees_of_freedom)
    return {
        "network_width": np.full(len(durations), width),
        "network_time": config.step_size * np.asarray(durations),
        "network_outputs": np.stack(outputs),
        "network_predicted": np.stack(predicted),
        "network_freedom": np.asarray(freedom),
        "network_rate": np.full(len(durations), np.max(kernel.rates)),
    }


@eqx.filter_jit
def _shifted_targets(network: WideNetwork, sets: TrainingSets, process: VariancePreserving) -> Array:
    def start(x: Array, time: Array) -> Array:
        return network(x, time) - network_scales(process, x, time).skip * x

    return sets.targets + jax.vmap(start)(sets.triples.noisy, sets.triples.time)[None]


@eqx.filter_jit
def _moved(
    networks: AbstractScoreNetwork, initial: WideNetwork, x: Array, time: Array
) -> Float[Array, "models probes"]:
    """D - D_0 of every member at the probes."""
    arrays, fixed = eqx.partition(networks, eqx.is_inexact_array)
    members = jax.tree.map(lambda leaf: leaf[0], arrays)
    outputs = jax.vmap(lambda member: eqx.combine(member, fixed)(x, time)[:, 0])(members)
    return outputs - initial(x, time)[None, :, 0]


@eqx.filter_jit
def _sigma_score_covariance(kernel: LazyVKernel, x: Array, time: Array) -> Float[Array, "probes probes"]:
    """σσ' Cov[ŝ, ŝ'] between all pairs of probes."""
    factor = score_factor(kernel, (x, time), diffused=False)[:, 0] * kernel.process.noise_scale(time)[:, None]
    return factor @ factor.T


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
    runs = np.arange(len(data["network_width"]))
    for run in runs:
        found = _network_agreement(data, int(run))
        low, high = found["ratio"].interval
        axis.plot([run, run], [low, high], color=ORANGE, lw=2)
        axis.plot(run, found["ratio"].value, "o", color=BLUE)
        axis.text(run, high, f"r = {found['correlation'].value:.4f}", ha="center", va="bottom", fontsize=7.5)
    axis.axhspan(1 - RATIO_TOLERANCE, 1 + RATIO_TOLERANCE, color="0.9", lw=0, zorder=0)
    labels = [f"width {w}\nτ = {t:g}" for w, t in zip(data["network_width"], data["network_time"], strict=True)]
    axis.set_xticks(runs, labels)
    axis.set_xlim(-0.6, len(runs) - 0.4)
    axis.margins(y=0.15)
    axis.set(xlabel="network", ylabel="measured / predicted, median over pairs")
    axis.set_title("lazy prediction by width; r is the correlation over pairs")
