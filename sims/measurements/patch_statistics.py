"""Covariances of patches: of images and of samples, position by position pooled, in the images' own patch modes."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Num

from sims.measurements.estimates import known_numbers
from theory.definitions.checks import whole_arguments

_BLOCK = 1 << 22  # numbers that are unfolded at a time


class PatchMoments(NamedTuple):
    """Mean and covariance of all patches of a set of images, all positions together."""

    mean: Float[np.ndarray, " values"]
    covariance: Float[np.ndarray, "values values"]  # the number of patches, less one, in the denominator


class PatchModes(NamedTuple):
    """Eigenvectors of a patch covariance as columns, by decreasing variance."""

    variance: Float[np.ndarray, " values"]
    basis: Float[np.ndarray, "values values"]


@whole_arguments("size", "stride")
def patches(images: Num[np.ndarray, "n height width *channels"], size: int, stride: int) -> np.ndarray:
    """All size × size patches whose corner lies on multiples of `stride`, (n, positions, size·size·channels).

    A patch is a row of rows of pixels of channels. Patches that would reach over the edge are left out, so a stride
    that does not divide leaves a margin. Raises ValueError unless 1 ≤ size ≤ height and width, and stride ≥ 1, and for
    no images.
    """
    images = np.asarray(images)
    if images.ndim not in (3, 4):
        raise ValueError(f"images must have the shape (n, height, width) or (n, height, width, c); got {images.shape}")
    if not images.size:
        raise ValueError(f"images must be one or more, of one pixel or more; got shape {images.shape}")
    if size > min(images.shape[1:3]):
        raise ValueError(f"patches must fit into images of {images.shape[1:3]}; got size={size}")
    windows = np.lib.stride_tricks.sliding_window_view(images, (size, size), axis=(1, 2))[:, ::stride, ::stride]
    if images.ndim == 4:
        windows = np.moveaxis(windows, 3, -1)
    return windows.reshape(len(images), windows.shape[1] * windows.shape[2], -1)


@whole_arguments("size", "stride")
def patch_moments(images: Num[np.ndarray, "n height width *channels"], size: int, stride: int) -> PatchMoments:
    """Moments of the patches of all images; unfolded in blocks of images and summed in double precision.

    Raises ValueError as `patches` does, for NaN, and for fewer than two patches.
    """
    known_numbers(images)
    # Centred by the mean of the first image's patches, lest squares lose what patches vary by.
    centre = patches(images[:1], size, stride)[0].astype(float).mean(axis=0)
    count, total, scatter = 0, np.zeros(centre.size), np.zeros((centre.size,) * 2)
    for block in _blocks(images, size, stride):
        block -= centre
        count += len(block)
        total += block.sum(axis=0)
        scatter += block.T @ block
    if count < 2:
        raise ValueError(f"a covariance needs two patches or more; got {count}")
    shift = total / count
    covariance = (scatter - count * np.outer(shift, shift)) / (count - 1)
    return PatchMoments(centre + shift, covariance)


def patch_modes(moments: PatchMoments) -> PatchModes:
    """Eigenvalues and eigenvectors of the covariance, decreasing; round-off below zero becomes zero."""
    variance, basis = np.linalg.eigh(moments.covariance)
    return PatchModes(np.maximum(variance[::-1], 0.0), basis[:, ::-1])


def patch_variances(moments: PatchMoments, basis: Float[np.ndarray, "values modes"]) -> Float[np.ndarray, " modes"]:
    """Variance of patches along given directions, of samples in the modes of the data's patches: u_kᵀ C u_k."""
    return np.einsum("ik,ij,jk->k", basis, moments.covariance, basis, optimize=True)


def _blocks(images: np.ndarray, size: int, stride: int) -> Iterator[Float[np.ndarray, "patches values"]]:
    per_image = patches(images[:1], size, stride).size
    number = max(1, _BLOCK // max(per_image, 1))
    for first in range(0, len(images), number):
        block = patches(images[first : first + number], size, stride)
        yield block.reshape(-1, block.shape[-1]).astype(float)
