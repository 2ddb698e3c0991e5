"""The denoising loss of linear networks for any target and weight, summed over coordinates, averaged over samples."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from sims.networks.convolution import ConvolutionDenoiser, at_taps, shift_sums
from sims.networks.linear import AbstractLinearNetwork, offsets_of, total_maps_of
from sims.training.pairs import SecondMoments


class PatchMoments(NamedTuple):
    """All that the loss of a convolution depends on: moments of targets and of the patches under the filter."""

    target: Float[Array, ""]  # (1/P) Σ |y|²
    cross: Float[Array, " taps"]  # (1/P) Σ Σ_i y_i patch_i
    noisy: Float[Array, "taps taps"]  # (1/P) Σ Σ_i patch_i patch_iᵀ
    weight: Float[Array, ""]  # w


Moments = SecondMoments | PatchMoments


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
