"""Convolutional denoisers on rings and periodic images, as they are trained: one filter shared by all positions."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int

from sims.networks.linear import AbstractLinearNetwork, Bias
from theory.definitions.spectra import whole_lengths


class ConvolutionDenoiser(AbstractLinearNetwork):
    """D(x)_i = Σ_o w(o) x_{i+o}, circular cross-correlation with one filter; no bias.

    Samples are pixels in row order on a periodic `grid`: (N,) for a ring, (H, W) for an image. The filter has one axis
    per axis of the grid; tap j of a filter of width K sits at the offset o = j - ⌊K/2⌋. A full-width filter (K = N)
    reaches every pixel once. Cross-correlation is the convention of Wang & Pehlevan 2025, App. G.
    """

    kernel: Float[Array, "..."]  # (*batch, *widths)
    grid: tuple[int, ...] = eqx.field(static=True)

    @property
    def widths(self) -> tuple[int, ...]:
        """Taps of the filter along each axis of the grid."""
        return self.kernel.shape[self.kernel.ndim - len(self.grid) :]

    def taps(self) -> Float[Array, "*batch taps"]:
        """The filter as a vector, in row order."""
        return self.kernel.reshape(*self.kernel.shape[: self.kernel.ndim - len(self.grid)], -1)

    def __call__(self, x: Float[Array, " dim"]) -> Float[Array, " dim"]:
        image = x.reshape(self.grid)
        axes = tuple(range(len(self.grid)))
        output = jnp.zeros_like(image)
        for tap in np.ndindex(*self.widths):
            # Rolling by -o brings x_{i+o} to position i.
            shift = tuple(width // 2 - index for index, width in zip(tap, self.widths, strict=True))
            output = output + self.kernel[tap] * jnp.roll(image, shift, axes)
        return output.reshape(x.shape)

    def total_map(self) -> Float[Array, "*batch dim dim"]:
        """The circulant matrix of the filter: entry (i, i + o) is w(o)."""
        taps, pixels = self.taps(), int(np.prod(self.grid))
        by_offset = jnp.zeros((*taps.shape[:-1], pixels), taps.dtype)
        by_offset = by_offset.at[..., _flat(_offsets(self.widths), self.grid)].set(taps)
        return by_offset[..., shift_indices(self.grid)]

    def offset(self) -> Bias:
        return None

    @property
    def shift_grid(self) -> tuple[int, ...]:
        return self.grid


def convolution_denoiser(
    grid: tuple[int, ...], widths: tuple[int, ...], initial_gain: ArrayLike, dtype=jnp.float32
) -> ConvolutionDenoiser:
    """w(0) = Q at the centre of the filter and zero elsewhere, so that the total map is Q·I.

    Raises ValueError for a width that is neither odd nor full, or does not fit the grid.
    """
    grid, widths = whole_lengths("the lengths of a grid", grid), whole_lengths("filter widths", widths)
    fits = len(widths) == len(grid) and all(
        1 <= width <= length and (width % 2 == 1 or width == length) for width, length in zip(widths, grid, strict=True)
    )
    if not fits:
        raise ValueError(f"filter widths must be odd, or the full grid; got widths {widths} on a grid of {grid}")
    centre = tuple(width // 2 for width in widths)
    return ConvolutionDenoiser(jnp.zeros(widths, dtype).at[centre].set(jnp.asarray(initial_gain, dtype)), grid)


def shift_indices(grid: tuple[int, ...]) -> Int[np.ndarray, "dim dim"]:
    """Flat index of the offset from pixel i to pixel j, at [i, j]: row i shows an image as its shift by i has it."""
    return _differences(np.indices(grid).reshape(len(grid), -1), grid)


def shift_sums(matrices: Float[Array, "*batch dim dim"], grid: tuple[int, ...]) -> Float[Array, "*batch dim"]:
    """Σ_i M(i, i + o) for every offset o on the grid: N times the average over all shifts of a second moment."""
    place = np.indices(grid).reshape(len(grid), -1)
    partner = _flat(place[:, :, None] + place[:, None, :], grid)  # [offset, pixel]
    return matrices[..., np.arange(place.shape[1])[None], partner].sum(axis=-1)


def at_taps(
    sums: Float[Array, "*batch dim"], network: ConvolutionDenoiser
) -> tuple[Float[Array, "*batch taps"], Float[Array, "*batch taps taps"]]:
    """Shift sums at the offset o of every tap, and at the difference o' - o of every two taps."""
    offsets = _offsets(network.widths)
    return sums[..., _flat(offsets, network.grid)], sums[..., _differences(offsets, network.grid)]


def _offsets(widths: tuple[int, ...]) -> Int[np.ndarray, "axes taps"]:
    return np.indices(widths).reshape(len(widths), -1) - (np.asarray(widths) // 2)[:, None]


def _differences(places: Int[np.ndarray, "axes n"], grid: tuple[int, ...]) -> Int[np.ndarray, "n n"]:
    """Flat index of the offset from place i to place j, at [i, j]."""
    return _flat(places[:, None, :] - places[:, :, None], grid)


def _flat(places: Int[np.ndarray, "axes *n"], grid: tuple[int, ...]) -> Int[np.ndarray, "*n"]:
    """Index in row order of places on the periodic grid."""
    return np.asarray(np.ravel_multi_index(tuple(places), grid, mode="wrap"))
