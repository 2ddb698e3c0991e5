"""Training sets of linear networks, as the moments of their pairs: from a Gaussian or from given samples.

Independent sets, one per seed or member, are leading axes; `pairs` are the coefficients of inputs and targets at every
noise level, or noise levels. Raises ValueError unless numbers of seeds, members, samples and noises are 1, 2, ….
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from sims.training.pairs import Pairs, PairStatistics, SecondMoments, moments_of_pairs, noisy_moments, pair_statistics
from theory.definitions.checks import whole_arguments
from theory.definitions.spectra import Spectrum


@whole_arguments("seeds", "samples")
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


@whole_arguments("seeds", "noise_repeats")
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


@whole_arguments("members", "data", "noises")
def shared_data_training_sets(
    spectrum: Spectrum, pairs: Pairs, *, members: int, data: int, noises: int, key: PRNGKeyArray
) -> SecondMoments:
    """Moments of training sets of n = `data` Gaussian points, each with m = `noises` noises of its own.

    Leading axes (members, levels). Every member draws data and noise of its own; m = 1 is a set of n fresh triples.
    """
    return _shared_data(spectrum, pairs, data, jnp.asarray(noises), jax.random.split(key, members))


@whole_arguments("members", "data")
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
