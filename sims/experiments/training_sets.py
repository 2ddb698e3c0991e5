"""Ensembles of linear denoisers over independent training sets, and how their maps scatter."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from sims.measurements.estimates import Estimate, mean_over
from sims.networks.linear import linear_denoiser, total_maps_of
from sims.training.descent import Clock, train_full_batch
from sims.training.pairs import Pairs, PairStatistics, SecondMoments, moments_of_pairs, pair_statistics
from theory.definitions.spectra import Spectrum


def shared_data_training_sets(
    spectrum: Spectrum, pairs: Pairs, *, members: int, data: int, noises: int, key: PRNGKeyArray
) -> SecondMoments:
    """Moments of training sets of n = `data` Gaussian points, each with m = `noises` noises of its own.

    Leading axes (members, levels). Every member draws data and noise of its own; m = 1 is a set of n fresh triples.
    """
    return _shared_data(spectrum, pairs, data, jnp.asarray(noises), jax.random.split(key, members))


def noise_averaged_training_sets(
    spectrum: Spectrum, pairs: Pairs, *, members: int, data: int, key: PRNGKeyArray
) -> SecondMoments:
    """Moments of `data` Gaussian points averaged over all noise, as if every point were noised infinitely often."""
    return _noise_averaged(spectrum, pairs, data, jax.random.split(key, members))


@eqx.filter_jit
def _shared_data(spectrum: Spectrum, pairs: Pairs, data: int, noises: Array, keys: PRNGKeyArray) -> SecondMoments:
    """The number of noises is an argument: ensembles that differ in it alone are compiled once."""

    def of_member(key: PRNGKeyArray) -> SecondMoments:
        data_key, noise_key = jax.random.split(key)
        clean = _gaussian_data(spectrum, data, data_key)

        def add(index: Array, total: PairStatistics) -> PairStatistics:
            noise = jax.random.normal(jax.random.fold_in(noise_key, index), clean.shape, clean.dtype)
            return jax.tree.map(jnp.add, total, pair_statistics(clean, noise))

        start = jax.tree.map(jnp.zeros_like, pair_statistics(clean, clean))
        total = jax.lax.fori_loop(0, noises, add, start)
        return moments_of_pairs(jax.tree.map(lambda leaf: leaf / noises.astype(leaf.dtype), total), pairs)

    return jax.lax.map(of_member, keys)


@eqx.filter_jit
def _noise_averaged(spectrum: Spectrum, pairs: Pairs, data: int, keys: PRNGKeyArray) -> SecondMoments:
    def of_member(key: PRNGKeyArray) -> SecondMoments:
        clean = _gaussian_data(spectrum, data, key)
        statistics = pair_statistics(clean, jnp.zeros_like(clean))
        return moments_of_pairs(statistics._replace(noise_noise=jnp.eye(clean.shape[1], dtype=clean.dtype)), pairs)

    return jax.lax.map(of_member, keys)


def _gaussian_data(spectrum: Spectrum, data: int, key: PRNGKeyArray) -> Float[Array, "n dim"]:
    normal = jax.random.normal(key, (data, spectrum.dimension), jnp.float32)
    return spectrum.from_modes(normal * jnp.sqrt(spectrum.variance)[None]).astype(jnp.float32)


def descend(
    spectrum: Spectrum, moments: SecondMoments, clock: Clock, *, initial_gain: float
) -> Float[np.ndarray, "members stages levels modes modes"]:
    """Uᵀ W U of linear denoisers trained from W = `initial_gain`·I by full-batch gradient descent, one per level."""
    network = linear_denoiser(spectrum.dimension, initial_gain)
    steps, counts = jnp.asarray(clock.step_sizes, jnp.float32), jnp.asarray(clock.steps)
    maps = jnp.swapaxes(total_maps_of(train_full_batch(network, moments, steps, counts)), 1, 2)
    if spectrum.basis is not None:
        maps = spectrum.basis.T @ maps @ spectrum.basis
    return np.asarray(maps, dtype=float)


@eqx.filter_jit
def loss_on_fresh_data(
    maps: Float[Array, "*batch modes modes"], spectrum: Spectrum, noise_level: float
) -> Float[Array, "*batch"]:
    """E|x_0 - W(x_0 + σε)|² = tr Σ - 2 tr WΣ + tr W(Σ + σ²)Wᵀ over the whole distribution, W in mode coordinates."""
    lam = spectrum.variance
    return (
        jnp.sum(lam) - 2 * jnp.diagonal(maps, axis1=-2, axis2=-1) @ lam + jnp.sum(maps**2 @ (lam + noise_level**2), -1)
    )


def variance_over_members(weights: Float[np.ndarray, "members *batch"]) -> Estimate:
    """Sample variance over the members of an ensemble and its jackknife standard error, element by element."""
    return mean_over(_variance_pseudo_values(weights))


def pooled_variance_ratio(
    weights: Float[np.ndarray, "members *batch rows columns"], predicted: Float[np.ndarray, "*batch rows columns"]
) -> Estimate:
    """Measured over predicted variance, averaged over matrix elements with equal weight; (*batch) each.

    The standard error is the jackknife's over members, so that correlations between elements are counted.
    """
    return mean_over(np.mean(_variance_pseudo_values(weights) / predicted, axis=(-2, -1)))


def _variance_pseudo_values(weights: np.ndarray) -> np.ndarray:
    """n v - (n - 1) v₋ᵢ with v₋ᵢ the variance without member i: their mean is the sample variance v itself."""
    weights = np.asarray(weights, dtype=float)
    count = len(weights)
    if count < 3:
        raise ValueError(f"a jackknife of a variance needs three members or more; got {count}")
    squares = (weights - weights.mean(axis=0)) ** 2
    variance = squares.sum(axis=0) / (count - 1)
    without = ((count - 1) * variance - squares * count / (count - 1)) / (count - 2)
    return count * variance - (count - 1) * without
