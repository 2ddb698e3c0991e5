"""The denoising loss of linear networks for any target and weight, summed over coordinates, averaged over samples."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from sims.convolutions import ConvolutionDenoiser, at_taps, shift_sums
from sims.networks import AbstractLinearNetwork, offsets_of, total_maps_of


class PairCoefficients(NamedTuple):
    """What networks are trained for, one number per noise level: from x = α x_0 + σ ε to y = c x_0 + e ε, weight w.

    | objective | α | σ | c | e |
    |---|---|---|---|---|
    | denoised data, variance exploding | 1 | σ | 1 | 0 |
    | added noise | α | σ | 0 | 1 |
    | flow matching, velocity at time t | t | 1 - t | 1 | -1 |
    """

    alpha: Float[Array, " levels"]  # α
    sigma: Float[Array, " levels"]  # σ
    signal: Float[Array, " levels"]  # c
    noise: Float[Array, " levels"]  # e
    weight: Float[Array, " levels"]  # w


# An array of noise levels stands for `denoising_pairs` at these levels.
Pairs = PairCoefficients | Float[Array, " levels"]


def denoising_pairs(noise_levels: Float[Array, " levels"]) -> PairCoefficients:
    """Denoised data of the variance-exploding process with unit weight: x = x_0 + σ ε, y = x_0."""
    ones = jnp.ones_like(noise_levels)
    return PairCoefficients(ones, noise_levels, ones, jnp.zeros_like(noise_levels), ones)


class PairStatistics(NamedTuple):
    """First and second moments of one draw of data and noise, from which those of every noise level follow."""

    clean_clean: Float[Array, "dim dim"]  # (1/P) Σ x_0 x_0ᵀ
    clean_noise: Float[Array, "dim dim"]  # (1/P) Σ x_0 εᵀ
    noise_noise: Float[Array, "dim dim"]  # (1/P) Σ ε εᵀ
    clean_mean: Float[Array, " dim"]  # (1/P) Σ x_0
    noise_mean: Float[Array, " dim"]  # (1/P) Σ ε


class SecondMoments(NamedTuple):
    """All that the loss of a linear network depends on, for one set of pairs (y, x): moments of (y, x, 1)."""

    target: Float[Array, ""]  # (1/P) Σ |y|²
    cross: Float[Array, "dim dim"]  # (1/P) Σ y xᵀ
    noisy: Float[Array, "dim dim"]  # (1/P) Σ x xᵀ
    target_mean: Float[Array, " dim"]  # (1/P) Σ y
    noisy_mean: Float[Array, " dim"]  # (1/P) Σ x
    weight: Float[Array, ""]  # w


class PatchMoments(NamedTuple):
    """All that the loss of a convolution depends on: moments of targets and of the patches under the filter."""

    target: Float[Array, ""]  # (1/P) Σ |y|²
    cross: Float[Array, " taps"]  # (1/P) Σ Σ_i y_i patch_i
    noisy: Float[Array, "taps taps"]  # (1/P) Σ Σ_i patch_i patch_iᵀ
    weight: Float[Array, ""]  # w


Moments = SecondMoments | PatchMoments


def pair_statistics(clean: Float[Array, "n dim"], noise: Float[Array, "n dim"]) -> PairStatistics:
    """Sample moments of data and noise."""
    count = clean.shape[0]
    clean_clean, clean_noise, noise_noise = (
        a.T @ b / count for a, b in ((clean, clean), (clean, noise), (noise, noise))
    )
    return PairStatistics(clean_clean, clean_noise, noise_noise, clean.mean(axis=0), noise.mean(axis=0))


def moments_of_pairs(statistics: PairStatistics, pairs: Pairs) -> SecondMoments:
    """Sufficient statistics of the pairs (y, x) at every noise level, arrays (levels, ...).

    All levels scale the same draw of ε: each level's training set has its exact law, at the price of one draw.
    """
    coefficients = pairs if isinstance(pairs, PairCoefficients) else denoising_pairs(pairs)
    a, s, c, e, weight = (each.astype(statistics.clean_clean.dtype) for each in coefficients)
    clean_clean, clean_noise, noise_noise, clean_mean, noise_mean = (each[None] for each in statistics)
    noise_clean = jnp.swapaxes(clean_noise, -1, -2)

    def combined(clean_factor, noise_factor) -> Array:
        """Σ of the products (factors of x_0 and ε) x (α, σ): E[z xᵀ] for z = clean_factor x_0 + noise_factor ε."""
        return (
            _matrices(clean_factor * a) * clean_clean
            + _matrices(clean_factor * s) * clean_noise
            + _matrices(noise_factor * a) * noise_clean
            + _matrices(noise_factor * s) * noise_noise
        )

    clean_power, overlap, noise_power = (jnp.trace(each) for each in statistics[:3])
    return SecondMoments(
        target=c**2 * clean_power + 2 * c * e * overlap + e**2 * noise_power,
        cross=combined(c, e),
        noisy=combined(a, s),
        target_mean=c[:, None] * clean_mean + e[:, None] * noise_mean,
        noisy_mean=a[:, None] * clean_mean + s[:, None] * noise_mean,
        weight=weight,
    )


def _matrices(per_level: Float[Array, " levels"]) -> Float[Array, "levels 1 1"]:
    return per_level[:, None, None]


def noisy_moments(clean: Float[Array, "n dim"], noise: Float[Array, "n dim"], pairs: Pairs) -> SecondMoments:
    """`moments_of_pairs` of one draw of data and noise: arrays (levels, ...)."""
    return moments_of_pairs(pair_statistics(clean, noise), pairs)


def sufficient_moments(network: AbstractLinearNetwork, moments: SecondMoments) -> Moments:
    """The least that the loss of this network depends on; arrays with any leading axes.

    A convolution's loss sums over positions, so that its moments are those of K-pixel patches: N/K times smaller
    matrices, which makes its steps as cheap as those of a K-dimensional network.
    """
    if not isinstance(network, ConvolutionDenoiser):
        return moments
    cross, _ = at_taps(shift_sums(moments.cross, network.grid), network)
    _, noisy = at_taps(shift_sums(moments.noisy, network.grid), network)
    return PatchMoments(moments.target, cross, noisy, moments.weight)


def linear_denoising_loss(network: AbstractLinearNetwork, moments: Moments) -> Float[Array, ""]:
    """w (1/P) Σ_i |y_i - W x_i - b|² of a linear network on a set of pairs, through their moments.

    w [E|y|² - 2 tr(W E[yxᵀ]ᵀ) + tr(W E[xxᵀ] Wᵀ) + |b|² + 2 b·(W E[x] - E[y])], the last two terms for a network with
    bias: the same function, hence the same gradients, as the sum over samples, at a cost per step that does not grow
    with their number. Moments of patches (`sufficient_moments`) are for a single `ConvolutionDenoiser`.
    """
    if isinstance(moments, PatchMoments):
        assert isinstance(network, ConvolutionDenoiser)
        taps = network.taps()
        return moments.weight * (moments.target + taps @ (moments.noisy @ taps - 2 * moments.cross))
    total_map, offset = total_maps_of(network), offsets_of(network)
    fit = jnp.sum(total_map * moments.cross)
    power = jnp.sum(total_map * (total_map @ moments.noisy))
    loss = moments.target - 2 * fit + power
    if offset is not None:
        loss = loss + offset @ (offset + 2 * (total_map @ moments.noisy_mean - moments.target_mean))
    return moments.weight * loss
