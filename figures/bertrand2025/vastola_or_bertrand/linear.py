"""Ridge fits of the readout of random features: what `LinearVKernel` predicts of the effect, and what is trained."""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from figures.bertrand2025.vastola_or_bertrand.setting import (
    DOSES,
    PROCESS,
    Config,
    Measured,
    measured_with,
    times,
    training_sets,
)
from figures.common.stages import Arrays
from figures.studies.residual_target import ResidualTarget
from sims.networks.nonlinear import RandomFeatureNetwork, network_scales, random_feature_network
from sims.sampling.networks import sample_networks
from sims.training.score_ensembles import TrainingSets, fit_readouts
from sims.training.training_triples import draw_triples
from theory.definitions.processes import VariancePreserving
from theory.exact_scores.point_masses import PointMasses
from theory.v_kernel.least_squares import LinearVKernel
from theory.v_kernel.noise_budget import noise_budget
from theory.v_kernel.population import Population

FEATURE_SCALE = 6.0  # of the random weights times √D: tanh bends within a sixth of the data's width
PREDICTED = ("exact", "DSM")


class ReadoutFeatures(eqx.Module):
    """φ(x, t) = c_out h, what the readout of a `RandomFeatureNetwork` multiplies."""

    network: RandomFeatureNetwork

    @property
    def number(self) -> int:
        return self.network.bias.shape[0]

    def __call__(self, x: Float[Array, "*batch dim"], time: Float[Array, "*batch"]) -> Float[Array, "*batch F"]:
        flat, moments = x.reshape(-1, x.shape[-1]), jnp.broadcast_to(time, x.shape[:-1]).reshape(-1)
        inputs, _, output = network_scales(self.network.process, flat, moments, self.network.preconditioning)
        return (output * self.network.hidden(inputs)).reshape(*x.shape[:-1], self.number)


class DosedCovariance(eqx.Module):
    """c Cov(x_0|x, t): the targets' covariance at dose c."""

    data: PointMasses
    process: VariancePreserving
    dose: Float[Array, ""]

    def __call__(self, x: Float[Array, "*batch dim"], time: Float[Array, "*batch"]) -> Float[Array, "*batch dim dim"]:
        return self.dose * self.data.posterior_covariance(x, time, self.process)


def trained_models(config: Config, dimension: int, key: PRNGKeyArray) -> Arrays:
    """Of one dimension: endpoints [P/F, dose, set, seed], and variances [P/F, dose, set]."""
    measured, network, train_key, _ = _setting(config, dimension, key)
    trained, variances = _trained(config, measured, network, train_key)
    arrays = _endpoints(config, measured, network, trained)
    return arrays | {"variance": variances, "by_chance": measured.by_chance}


def predictions(config: Config, dimension: int, key: PRNGKeyArray) -> Arrays:
    """Of the same data sets and features: budgets [P/F, set, part], and endpoints of weights of the predicted law."""
    measured, network, _, predict_key = _setting(config, dimension, key)
    return _predictions(config, measured, network, predict_key)


def _setting(
    config: Config, dimension: int, key: PRNGKeyArray
) -> tuple[Measured, RandomFeatureNetwork, PRNGKeyArray, PRNGKeyArray]:
    """What both share, and their keys."""
    data_key, network_key, train_key, predict_key = jax.random.split(key, 4)
    number = config.features[config.dimensions.index(dimension)]
    scale = FEATURE_SCALE / dimension**0.5
    network = random_feature_network(PROCESS, dimension, width=number, scale=scale, key=network_key)
    return measured_with(config, dimension, data_key), network, train_key, predict_key


def _draws(config: Config, network: RandomFeatureNetwork) -> list[int]:
    return [round(ratio * network.bias.shape[0]) for ratio in config.ratios]


def _trained(
    config: Config, measured: Measured, network: RandomFeatureNetwork, key: PRNGKeyArray
) -> tuple[Float[np.ndarray, "ratios doses sets seeds dim F"], Float[np.ndarray, "ratios doses sets"]]:
    """Readouts, and their variance over training sets as E w|δD|² over fresh triples of the data set."""
    shape = (len(DOSES), config.data_sets, config.seeds)
    readouts, most = [], max(_draws(config, network))
    for draws, draw_key in zip(_draws(config, network), jax.random.split(key, len(config.ratios)), strict=True):
        # As many for every P, of which the first P serve: one program draws them all.
        settings = {"seeds": config.seeds, "samples": most, "keys": jax.random.split(draw_key, config.data_sets)}
        sets = training_sets(config, measured.data_sets, tuple(DOSES.values()), **settings)
        sets = TrainingSets(
            jax.tree.map(lambda leaf, count=draws: leaf[:, :count], sets.triples), sets.targets[:, :, :draws]
        )
        fitted = fit_readouts(network, sets, PROCESS, ridge=config.ridge).readout
        readouts.append(np.asarray(fitted).reshape(*shape, *fitted.shape[2:]))
    trained = np.stack(readouts)
    moments = np.stack([_second_moment(config, network, points, key) for points in measured.data_sets])
    away = trained - trained.mean(axis=3, keepdims=True)
    variances = np.einsum("rosmif,sfg,rosmig->ros", away, moments, away, optimize=True) / (config.seeds - 1)
    return trained, variances


def _second_moment(config: Config, network: RandomFeatureNetwork, points: np.ndarray, key: PRNGKeyArray) -> np.ndarray:
    """E[w φφᵀ] by fresh triples."""
    triples = draw_triples(jnp.asarray(points), PROCESS, config.population, key=jax.random.fold_in(key, 1))
    phi = np.asarray(_features_at(network, triples.noisy, triples.time))
    weight = np.asarray((PROCESS.signal_scale(triples.time) / PROCESS.noise_scale(triples.time)) ** 2)
    return phi.T @ (weight[:, None] * phi) / len(phi)


@eqx.filter_jit
def _features_at(network: RandomFeatureNetwork, x: Array, time: Array) -> Array:
    return ReadoutFeatures(network)(x, time)


def _endpoints(
    config: Config, measured: Measured, network: RandomFeatureNetwork, readouts: np.ndarray, suffix: str = ""
) -> Arrays:
    """Of readouts [first, second, sets, seeds, dim, F]: all models that share a network's random features."""
    leading = readouts.shape[:4]
    flat = jnp.asarray(readouts.reshape(1, -1, *readouts.shape[4:]), jnp.float32)
    single = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), network)
    arrays, rest = eqx.partition(single, eqx.is_inexact_array)
    spread = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (*flat.shape[:2], *leaf.shape)), arrays)
    networks = eqx.tree_at(lambda each: each.readout, eqx.combine(spread, rest), flat)
    samples = sample_networks(networks, PROCESS, measured.initial, times(config))
    samples = np.asarray(samples, dtype=float).reshape(*leading, *measured.initial.shape)
    return {f"memorised{suffix}": measured.shares(samples), f"distance{suffix}": measured.distances(samples)}


def _predictions(config: Config, measured: Measured, network: RandomFeatureNetwork, key: PRNGKeyArray) -> Arrays:
    """The budget of misfit, design and target noise; and endpoints of weights drawn from the predicted law."""
    population_key, weight_key = jax.random.split(key)
    features, draws = ReadoutFeatures(network), _draws(config, network)
    budgets, weights = [], []
    for points, set_key in zip(measured.data_sets, jax.random.split(population_key, config.data_sets), strict=True):
        data = PointMasses(points)
        triples = draw_triples(jnp.asarray(points), PROCESS, config.population, key=set_key)
        population = Population(triples.noisy, triples.time, jnp.full(config.population, 1 / config.population))
        setting = partial(noise_budget, data, PROCESS, features, ridge=config.ridge, target=ResidualTarget())
        budgets.append([list(map(float, setting(draws=float(each), population=population))) for each in draws])
        if measured.data_sets.shape[-1] in config.predicted_dimensions:
            keys = jax.random.split(jax.random.fold_in(weight_key, len(weights)), len(draws))
            weights.append(
                [
                    [_drawn(config, data, features, each, dose, population, draw_key) for dose in PREDICTED]
                    for each, draw_key in zip(draws, keys, strict=True)
                    if each >= features.number
                ]
            )
    arrays = {"budget": np.swapaxes(np.asarray(budgets), 0, 1)}
    if not weights:
        return arrays
    drawn = np.moveaxis(np.asarray(weights), 0, 2)
    return arrays | _endpoints(config, measured, network, drawn, "_predicted")


def _drawn(
    config: Config, data: PointMasses, features, draws: int, dose: str, population: Population, key
) -> np.ndarray:
    """Weights of independent models from the predicted law; doses share the key, so that they are paired."""
    covariance = DosedCovariance(data, PROCESS, jnp.asarray({"exact": 0.0, "DSM": 1.0}[dose]))
    kernel = LinearVKernel(
        data,
        PROCESS,
        features,
        float(draws),
        config.ridge,
        target=ResidualTarget(),
        population=population,
        clean_covariance=covariance,
    )
    return np.asarray(kernel.draw_weights(key, config.predicted_models))
