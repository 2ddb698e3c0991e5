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


class ShiftMoments(NamedTuple):
    """All that the loss of any convolution on a periodic grid depends on: N numbers in place of N × N."""

    target: Float[Array, ""]  # (1/P) Σ |y|²
    cross: Float[Array, " dim"]  # (1/P) Σ Σ_i y_i x_{i+o}, by the offset o
    noisy: Float[Array, " dim"]  # (1/P) Σ Σ_i x_i x_{i+o}
    weight: Float[Array, ""]  # w


Moments = SecondMoments | PatchMoments


def shift_moments(moments: SecondMoments, grid: tuple[int, ...]) -> ShiftMoments:
    """What is left of the moments for convolutions on this grid; arrays with any leading axes."""
    cross, noisy = (shift_sums(matrices, grid) for matrices in (moments.cross, moments.noisy))
    return ShiftMoments(moments.target, cross, noisy, moments.weight)


def sufficient_moments(network: AbstractLinearNetwork, moments: SecondMoments | ShiftMoments) -> Moments:
    """The least that the loss of this network depends on; arrays with any leading axes.

    A convolution's loss sums over positions, so that its moments are those of K-pixel patches: N/K times smaller
    matrices, which makes its steps as cheap as those of a K-dimensional network. Raises ValueError for moments of
    shifts and a network of another kind.
    """
    if not isinstance(network, ConvolutionDenoiser):
        if isinstance(moments, ShiftMoments):
            raise ValueError(f"moments of shifts must train a ConvolutionDenoiser; got {type(network).__name__}")
        return moments
    if isinstance(moments, SecondMoments):
        moments = shift_moments(moments, network.grid)
    cross, _ = at_taps(moments.cross, network)
    _, noisy = at_taps(moments.noisy, network)
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
