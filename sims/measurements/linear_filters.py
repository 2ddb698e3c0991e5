"""How nearly a denoiser of images is one linear convolution: filters of many sizes fitted to what it does to noise."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, PRNGKeyArray
from scipy.linalg import solve

from sims.measurements.denoisers import Denoiser, denoised
from sims.measurements.finite import finite
from theory.definitions.arrays import floating
from theory.definitions.checks import whole, whole_arguments

Images = Float[np.ndarray, "n height width channels"]

RIDGE = 1e-3  # on the sum, not the mean, of squares: the published value
NOISES = 50


class LinearFilter(NamedTuple):
    """y_i = Σ_o w(o)ᵀ x_{i+o} + b, cross-correlation with zeros beyond the edge; o = tap - ⌊width/2⌋ on both axes."""

    taps: Float[np.ndarray, "width width channels channels"]  # the last axis is of the output
    bias: Float[np.ndarray, " channels"]

    @property
    def width(self) -> int:
        """Taps along each axis."""
        return self.taps.shape[0]

    def __call__(self, images: Images) -> Images:
        """The filtered images, of the same shape."""
        values = self.taps.shape[-1]
        flat = self.taps.reshape(-1, values)
        return np.stack([_unfolded(image, self.width) @ flat + self.bias for image in images]).reshape(images.shape)


class FittedFilter(NamedTuple):
    """A filter, and the share of the variance over pixels and noises that it explains on noises held out of its fit."""

    filter: LinearFilter
    r_squared: float


def fitted_filters(
    inputs: Images, outputs: Images, widths: Sequence[int], ridge: float = RIDGE
) -> tuple[LinearFilter, ...]:
    """Filters of several widths, each minimising Σ|w * x + b - y|² + `ridge` Σ w² over all pixels of all images.

    The bias has no penalty. The normal equations of the widest filter hold those of the others.
    Raises ValueError unless widths are odd, the ridge is positive, shapes are the same, and all numbers are finite, and
    for no images.
    """
    inputs, outputs = finite("images", inputs), finite("images", outputs)
    if inputs.shape != outputs.shape or inputs.ndim != 4:
        raise ValueError(f"images must be (n, height, width, channels) twice; got {inputs.shape} and {outputs.shape}")
    if not inputs.size:
        raise ValueError(f"images must be one or more, of one pixel or more; got shape {inputs.shape}")
    widths = [whole("the width of a filter", width) for width in widths]
    if not (widths and all(width % 2 == 1 for width in widths)):
        raise ValueError(f"filter widths must be odd numbers, one or more of them; got {widths}")
    if not 0 < ridge < np.inf:
        raise ValueError(f"ridge must be positive and finite; got {ridge}")
    widest, channels = max(widths), inputs.shape[-1]
    size = widest**2 * channels + 1
    left, right = np.zeros((size, size)), np.zeros((size, channels))
    for image, answer in zip(inputs, outputs, strict=True):
        rows = _unfolded(image, widest)
        rows = np.concatenate([rows, np.ones((len(rows), 1))], axis=1)
        left += rows.T @ rows
        right += rows.T @ answer.reshape(-1, channels)
    return tuple(_solved(left, right, width, widest, ridge) for width in widths)


@whole_arguments("noises", "block")
def denoiser_filters(
    denoiser: Denoiser,
    image: Float[np.ndarray, "height width *channels"],
    noise_level: float,
    widths: Sequence[int],
    *,
    key: PRNGKeyArray,
    noises: int = NOISES,
    ridge: float = RIDGE,
    block: int = 64,
) -> tuple[FittedFilter, ...]:
    """The filters nearest to a denoiser at one noise level, about one image: fitted to D(image + σε) for `noises`
    draws of ε and judged on as many others (Wang & Pehlevan 2025, early linear filter).

    `denoiser` acts on flattened images, of rows of pixels of channels. Raises ValueError as `fitted_filters` does, and
    for a noise level that is not positive.
    """
    if not 0 < noise_level < np.inf:
        raise ValueError(f"noise_level must be positive and finite; got {noise_level}")
    shape = (*np.shape(image), 1) if np.ndim(image) == 2 else np.shape(image)
    flat = floating(image).reshape(1, -1)
    noise = jax.random.normal(key, (2 * noises, flat.size), flat.dtype)
    noisy = flat + jnp.asarray(noise_level, noise.dtype) * noise
    outputs = denoised(denoiser, noisy, noise_level, block)
    inputs, outputs = (np.asarray(array, dtype=float).reshape(-1, *shape) for array in (noisy, outputs))
    filters = fitted_filters(inputs[:noises], outputs[:noises], widths, ridge)
    return tuple(FittedFilter(one, r_squared(one, inputs[noises:], outputs[noises:])) for one in filters)


def r_squared(one: LinearFilter, inputs: Images, outputs: Images) -> float:
    """1 - Σ(y - ŷ)²/Σ(y - ȳ)², ȳ the mean of each channel over images and pixels; NaN for outputs that are constant."""
    outputs = np.asarray(outputs, dtype=float)
    total = np.sum((outputs - outputs.mean(axis=(0, 1, 2))) ** 2)
    return float(1 - np.sum((outputs - one(inputs)) ** 2) / total) if total > 0 else float("nan")


def _solved(left: np.ndarray, right: np.ndarray, width: int, widest: int, ridge: float) -> LinearFilter:
    """The filter of a width from the normal equations of the widest, of which its taps are the middle."""
    channels, margin = right.shape[-1], (widest - width) // 2
    inside = np.zeros((widest, widest, channels), dtype=bool)
    inside[margin : margin + width, margin : margin + width] = True
    used = np.append(inside.reshape(-1), True)
    penalty = np.append(np.full(used.sum() - 1, ridge), 0.0)
    solution = solve(left[np.ix_(used, used)] + np.diag(penalty), right[used], assume_a="pos")
    return LinearFilter(solution[:-1].reshape(width, width, channels, channels), solution[-1])


def _unfolded(image: Float[np.ndarray, "height width channels"], width: int) -> Float[np.ndarray, "pixels values"]:
    """The neighbourhood of every pixel, zeros beyond the edge: a row of rows of pixels of channels."""
    reach = width // 2
    padded = np.pad(np.asarray(image, dtype=float), ((reach, reach), (reach, reach), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (width, width), axis=(0, 1))
    return np.moveaxis(windows, 2, -1).reshape(image.shape[0] * image.shape[1], -1)
