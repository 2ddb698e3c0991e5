"""Convolutions of images in two forms that give the same numbers, of which each kind of processor gets the faster.

Inside compiled loops on a CPU, XLA's own convolution takes several times as long as shifted copies of the image and one
product of matrices; on other devices it is the faster one (`python -m benchmarks.convolutions`).

Channels come first. Few channels, and many images and pixels, are a short product of long rows, which a CPU does sooner
than a long one of short rows (the same benchmark). What other devices keep side by side in memory XLA decides.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from sims.networks.layers import xavier
from theory.definitions.checks import whole_arguments

Images = Float[Array, "channels n height width"]
Kernel = Float[Array, "taps taps inputs outputs"]


class Convolution(eqx.Module):
    """y_p = Σ_o w(o) x_{p+o} + b, with zeros around the image; an odd number of taps along each axis."""

    kernel: Kernel
    bias: Float[Array, " outputs"]
    bfloat16: bool = eqx.field(static=True, default=False)

    def __call__(self, x: Images) -> Images:
        convolve = convolve_by_shifts if jax.default_backend() == "cpu" else convolve_by_library
        return convolve(x, self.kernel, bfloat16=self.bfloat16) + self.bias[:, None, None, None]


def channels_first(samples: Float[Array, "n dim"], shape: tuple[int, int, int]) -> Images:
    """Samples that are images of `shape` (height, width, channels) in row order, with their channels first.

    Raises ValueError for samples of another size.
    """
    if samples.ndim != 2 or samples.shape[1] != math.prod(shape):
        raise ValueError(f"images of shape {shape} must be samples (n, {math.prod(shape)}); got shape {samples.shape}")
    return jnp.moveaxis(samples.reshape(-1, *shape), -1, 0)


def as_samples(x: Images) -> Float[Array, "n dim"]:
    """The inverse of `channels_first`."""
    return jnp.moveaxis(x, 0, -1).reshape(x.shape[1], -1)


def convolve_by_shifts(x: Images, kernel: Kernel, *, bfloat16: bool = False) -> Images:
    """Σ_o w(o) x_{p+o} as one product of matrices: the filter, times shifted images as rows."""
    taps, _, inputs, outputs = kernel.shape
    _, count, height, width = x.shape
    reach = taps // 2
    padded = jnp.pad(x, ((0, 0), (0, 0), (reach, reach), (reach, reach)))
    shifted = [padded[:, :, row : row + height, column : column + width] for row, column in np.ndindex(taps, taps)]
    rows = jnp.concatenate(shifted, axis=0).reshape(taps**2 * inputs, -1)
    weights, rows = _rounded((kernel.reshape(-1, outputs).T, rows), bfloat16)
    return (weights @ rows).astype(x.dtype).reshape(outputs, count, height, width)


def convolve_by_library(x: Images, kernel: Kernel, *, bfloat16: bool = False) -> Images:
    """The same by `jax.lax.conv_general_dilated`."""
    factors, layout = _rounded((x, kernel), bfloat16), ("CNHW", "HWIO", "CNHW")
    return jax.lax.conv_general_dilated(*factors, (1, 1), "SAME", dimension_numbers=layout).astype(x.dtype)


def _rounded(factors: tuple[Array, Array], bfloat16: bool) -> tuple[Array, Array]:
    """The factors of a product whose factors and result are rounded to bfloat16, if they are."""
    return (factors[0].astype(jnp.bfloat16), factors[1].astype(jnp.bfloat16)) if bfloat16 else factors


def halved(x: Images) -> Images:
    """Means over blocks of 2 × 2 pixels."""
    channels, count, height, width = x.shape
    return x.reshape(channels, count, height // 2, 2, width // 2, 2).mean(axis=(3, 5))


def doubled(x: Images) -> Images:
    """Every pixel as a block of 2 × 2."""
    return jnp.repeat(jnp.repeat(x, 2, axis=2), 2, axis=3)


@whole_arguments("inputs", "outputs", "taps")
def convolution(
    key: PRNGKeyArray,
    inputs: int,
    outputs: int,
    *,
    taps: int = 3,
    scale: float = 1.0,
    bfloat16: bool = False,
    dtype=jnp.float32,
) -> Convolution:
    """Weights from `xavier` times `scale`, bias zero. Raises ValueError unless sizes are 1, 2, …, and taps odd."""
    if taps % 2 == 0:
        raise ValueError(f"taps must be odd; got {taps}")
    kernel = xavier(key, (taps, taps, inputs, outputs), scale=scale, dtype=dtype)
    return Convolution(kernel, jnp.zeros(outputs, dtype), bfloat16)
