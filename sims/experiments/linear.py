"""Experiments with linear networks, one per noise level: training sets, and what the networks generate."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from sims.measurements.modes import mode_covariances, mode_means, mode_variances
from sims.networks.linear import Network, one_per_level
from sims.sampling.linear_flow import FlowCoefficients, sample_linear_flow, sample_linear_networks
from sims.training.descent import Clock, train_minibatch
from sims.training.pairs import Pairs, PairStatistics, SecondMoments, moments_of_pairs, noisy_moments, pair_statistics
from theory.definitions.spectra import Spectrum


def gaussian_training_sets(
    spectrum: Spectrum, pairs: Pairs, *, seeds: int, samples: int, key: PRNGKeyArray
) -> SecondMoments:
    """Moments of an independent noisy training set per seed and noise level, (seeds, levels, ...).

    The data are Gaussian with the mean and covariance of `spectrum`; `pairs` are the coefficients of inputs and
    targets, or noise levels.
    """
    return _gaussian_moments(spectrum, pairs, samples, jax.random.split(key, seeds))


@eqx.filter_jit
def _gaussian_moments(spectrum: Spectrum, pairs: Pairs, samples: int, keys: PRNGKeyArray) -> SecondMoments:
    scale = jnp.sqrt(spectrum.variance).astype(jnp.float32)

    def of_seed(key: PRNGKeyArray) -> SecondMoments:
        data_key, noise_key = jax.random.split(key)
        clean = jax.random.normal(data_key, (samples, spectrum.dimension), jnp.float32) * scale[None]
        if spectrum.basis is not None:
            clean = clean @ spectrum.basis.T.astype(jnp.float32)
        clean = clean + spectrum.mean.astype(jnp.float32)[None]
        noise = jax.random.normal(noise_key, clean.shape, clean.dtype)
        return noisy_moments(clean, noise, pairs)

    return jax.lax.map(of_seed, keys)


def training_sets_from_samples(
    clean: Float[Array, "n dim"], pairs: Pairs, *, seeds: int, noise_repeats: int, key: PRNGKeyArray
) -> SecondMoments:
    """Moments of given samples under fresh noise per seed, (seeds, levels, ...): training sets from real data.

    Every sample is used `noise_repeats` times by every seed, each time with noise of its own: seeds differ in their
    noise alone. Computed in the precision of `clean`, which is taken as it is, without centring.
    """

    return _over_noise(clean, pairs, jax.random.split(key, (seeds, noise_repeats)))


@eqx.filter_jit
def _over_noise(clean, pairs: Pairs, keys: PRNGKeyArray) -> SecondMoments:
    """The samples are an argument: as a constant of the program they would be multiplied while it is compiled."""

    def of_repeat(key: PRNGKeyArray) -> PairStatistics:
        return pair_statistics(clean, jax.random.normal(key, clean.shape, clean.dtype))

    def of_seed(keys: PRNGKeyArray) -> SecondMoments:
        repeats = jax.lax.map(of_repeat, keys)
        return moments_of_pairs(jax.tree.map(lambda leaf: leaf.mean(axis=0), repeats), pairs)

    return jax.lax.map(of_seed, keys)


def train_seeds_minibatch(
    network: Network,
    clean: Float[Array, "n dim"],
    pairs: Pairs,
    clock: Clock,
    *,
    seeds: int,
    batch_size: int,
    key: PRNGKeyArray,
) -> Network:
    """Independent SGD runs from one initial network; leading axes (seeds, snapshots, levels)."""
    step_sizes, steps = jnp.asarray(clock.step_sizes), jnp.asarray(clock.steps)
    start = one_per_level(network, step_sizes.shape[1])
    return _over_seeds(jax.random.split(key, seeds), start, clean, pairs, step_sizes, steps, batch_size)


@eqx.filter_jit
def _over_seeds(keys, start: Network, clean, pairs, step_sizes, steps, batch_size: int) -> Network:
    def of_seed(key: PRNGKeyArray) -> Network:
        return train_minibatch(start, clean, pairs, step_sizes, steps, batch_size=batch_size, key=key)

    return eqx.filter_vmap(of_seed)(keys)


def mode_gains(
    total_maps: Float[Array, "*batch dim dim"], basis: Float[Array, "dim dim"] | None
) -> Float[Array, "*batch modes"]:
    """u_kᵀ W u_k of every trained map."""
    if basis is None:
        return jnp.diagonal(total_maps, axis1=-2, axis2=-1)
    return jnp.einsum("ik,...ij,jk->...k", basis, total_maps, basis)


class GeneratedMoments(NamedTuple):
    """Mean and covariance of generated samples in mode coordinates a_k = u_kᵀ x."""

    mean: Float[np.ndarray, "seeds snapshots modes"]
    covariance: Float[np.ndarray, "seeds snapshots modes modes"]

    @property
    def variance(self) -> Float[np.ndarray, "seeds snapshots modes"]:
        """Variance per mode, the diagonal of the covariance."""
        return np.diagonal(self.covariance, axis1=-2, axis2=-1)


def generated_mode_variances(
    total_maps: Float[Array, "seeds snapshots levels dim dim"],
    flow: FlowCoefficients | Float[Array, " levels"],
    basis: Float[Array, "dim dim"] | None,
    *,
    samples: int,
    key: PRNGKeyArray,
) -> Float[np.ndarray, "seeds snapshots modes"]:
    """Variance per data mode of what each set of networks without bias generates through its own noise levels.

    `flow` is the sampling process, or the noise levels of denoisers of the variance-exploding process.
    """
    return np.stack([mode_variances(each) for each in _generated(total_maps, None, flow, basis, samples, key)])


def generated_moments(
    total_maps: Float[Array, "seeds snapshots levels dim dim"],
    offsets: Float[Array, "seeds snapshots levels dim"] | None,
    flow: FlowCoefficients,
    basis: Float[Array, "dim dim"] | None,
    *,
    samples: int,
    key: PRNGKeyArray,
) -> GeneratedMoments:
    """Mean and covariance, in mode coordinates, of what each set of networks with offsets b generates."""
    measured = [
        (mode_means(each), mode_covariances(each))
        for each in _generated(total_maps, offsets, flow, basis, samples, key)
    ]
    means, covariances = zip(*measured, strict=True)
    return GeneratedMoments(np.stack(means), np.stack(covariances))


def _generated(total_maps, offsets, flow, basis, samples: int, key: PRNGKeyArray):
    """Samples of one seed's networks after the other, each (snapshots, n, modes): memory is that of one seed."""
    for seed, row in enumerate(jax.random.split(key, total_maps.shape[:2])):
        yield _generate_each(total_maps[seed], None if offsets is None else offsets[seed], row, flow, basis, samples)


@eqx.filter_jit
def _generate_each(total_maps, offsets, keys, flow, basis, samples: int) -> Float[Array, "snapshots n modes"]:
    """Samples in mode coordinates from each of the sets of networks, one set after the other."""

    def of_networks(networks: tuple[Array, Array | None, PRNGKeyArray]) -> Float[Array, "n modes"]:
        maps, biases, sample_key = networks
        normal = jax.random.normal(sample_key, (samples, maps.shape[-1]), maps.dtype)
        if isinstance(flow, FlowCoefficients):
            generated = sample_linear_flow(maps, biases, flow, flow.initial_scale.astype(maps.dtype) * normal)
        else:
            levels = flow.astype(maps.dtype)
            generated = sample_linear_networks(maps, levels, levels[0] * normal)
        return generated if basis is None else generated @ basis.astype(maps.dtype)

    return jax.lax.map(of_networks, (total_maps, offsets, keys))
