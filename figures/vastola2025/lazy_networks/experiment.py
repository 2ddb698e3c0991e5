"""The V-kernel at training times: in which order the variance of learned scores switches on, mode by mode.

Proposition 5.2 of Vastola 2025 gives the covariance of a lazily trained network, its feature modes k switching on like
1 - e^{-l_kτ}, the rates l_k being eigenvalues of E[w φφᵀ]: the spectral law of Wang & Pehlevan 2025 for a variance.
Held against it are linear features and wide networks, trained by gradient descent on noisy triples of {-1, 0, 1}.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from figures.common.parts import all_grouped, joined_parts, part_size
from figures.common.stages import Arrays, RunStage, Stage
from figures.studies.published_setting import features_of, process_of
from figures.studies.residual_target import ResidualTarget
from figures.vastola2025.lazy_networks.tangent_modes import tangent_modes
from sims.data.built_in import triple
from sims.networks.nonlinear import AbstractScoreNetwork, WideNetwork, network_scales, wide_network
from sims.training.network_ensembles import train_networks
from sims.training.score_ensembles import TrainingSets, descend_features, draw_training_sets, fit_features
from sims.training.score_targets import TargetNoiseDose
from sims.training.training_triples import draw_triples
from theory.definitions.features import AbstractFeatures
from theory.definitions.processes import VariancePreserving
from theory.definitions.targets import DenoiserTarget
from theory.exact_scores.point_masses import PointMasses
from theory.v_kernel.feature_kernels import score_factor
from theory.v_kernel.feature_regression import feature_regression
from theory.v_kernel.gradient_flow import LazyOrder, LazyVKernel
from theory.v_kernel.lattices import lattice_population
from theory.v_kernel.moments import normal_equations
from theory.v_kernel.population import Population

CUTOFF = 0.01  # ε
ORDERS: tuple[LazyOrder, ...] = ("first_order", "fixed_design")
FINER = 6  # training times of the theory's lines for each of the measured ones


@dataclass(frozen=True)
class Config:
    """Sizes of the run; training times of linear features are in units of the inverse of the largest rate."""

    per_axis: int = 5
    per_time: int = 3
    modes: int = 10
    draws: tuple[int, ...] = (512, 2048)  # P, increasing; claims are on the last
    models: int = 4800
    first_time: float = 0.02
    last_time: float = 300.0
    times: int = 13
    steps: int = 300  # per training time
    population: int = 2**13
    networks: tuple[tuple[int, tuple[int, ...]], ...] = ((128, (16, 128)),)  # width, steps of training
    network_draws: int = 64
    network_models: int = 4000
    network_parts: int = 1  # of the networks of one width, a stage each
    step_size: float = 0.5
    probes: int = 32


PRESETS = {
    "quick": Config(),
    "paper": Config(
        draws=(128, 512, 2048, 8192),
        times=20,
        steps=1500,  # the largest rate of one small training set is many times that of the population
        networks=((4, (1024,)), (16, (1024,)), (64, (1024,)), (256, (32, 256, 1024))),
        network_draws=128,
        network_parts=4,
        step_size=0.25,
        probes=64,
    ),
    "tiny": Config(
        modes=4,
        draws=(512, 1024),
        models=12,
        first_time=0.1,
        last_time=30.0,
        times=4,
        steps=80,
        population=1024,
        networks=((4, (4,)),),
        network_draws=16,
        network_models=6,
        probes=5,
    ),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Weights [P, member, τ, mode] of linear features; outputs [run, member, probe] of networks, run by width and τ."""
    linear_key, probe_key, network_key = jax.random.split(key, 3)
    theory = stage("theory of linear features", partial(_linear_theory, config), share=0.2)
    stages = []
    for draws, draw_key in zip(config.draws, jax.random.split(linear_key, len(config.draws)), strict=True):
        work = partial(_linear_ensemble, config, theory["directions"], theory["times"], draws, draw_key)
        stages.append(Stage(f"linear features, P = {draws}", work, share=0.4 / len(config.draws)))
    networks = []
    for (width, steps), width_key in zip(
        config.networks, jax.random.split(network_key, len(config.networks)), strict=True
    ):
        work = partial(_wide_networks, config, width, steps, probe_key, width_key)
        networks.append(_stages_of_members(config, f"networks, width {width}", work))
    measured, *parts = all_grouped(stage, [stages, *networks])
    trained = [joined_parts(runs, {"network_outputs": 1}) for runs in parts]
    return {
        **theory,
        **{name: np.stack([each[name] for each in measured]) for name in measured[0]},
        **{name: np.concatenate([each[name] for each in trained]) for name in trained[0]},
        "draws": np.asarray(config.draws),
        "network_draws": np.asarray(config.network_draws),
    }


def _stages_of_members(config: Config, name: str, work: Callable[..., Arrays]) -> list[Stage]:
    """All members of networks of one width, in parts that share one initial network."""
    share, parts = 0.4 / len(config.networks), config.network_parts
    size = part_size(config.network_models, parts)
    if parts == 1:
        return [Stage(name, work, share)]
    return [
        Stage(f"{name}, members from {first}", partial(work, members=slice(first, first + size)), share / parts)
        for first in range(0, config.network_models, size)
    ]


def _process() -> VariancePreserving:
    return process_of(CUTOFF)


# --- Linear features ---


def _features(config: Config) -> AbstractFeatures:
    """Fourier functions: smooth, so that E[w φφᵀ] has its eigenvalues spread evenly over three decades."""
    return features_of("Fourier", 1, config.per_axis, config.per_time, CUTOFF)


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


def _wide_networks(
    config: Config,
    width: int,
    durations: tuple[int, ...],
    probe_key: PRNGKeyArray,
    key: PRNGKeyArray,
    *,
    members: slice = slice(None),
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
    sets = TrainingSets(jax.tree.map(lambda leaf: leaf[members], sets.triples), sets.targets[:, members])
    shifted = sets._replace(targets=_shifted_targets(network, sets, process))
    modes = tangent_modes(network, data, process)
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
