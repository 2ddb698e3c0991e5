"""Convolutions of images in two forms that give the same numbers, of which each kind of processor gets the faster.

Inside compiled loops on a CPU, XLA's own convolution takes several times as long as shifted copies of the image and one
product of matrices; on other devices it is the faster one (`python -m benchmarks.convolutions`).
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from sims.networks.layers import product, xavier
from theory.definitions.checks import whole_arguments

Images = Float[Array, "n height width channels"]
Kernel = Float[Array, "taps taps inputs outputs"]


class Convolution(eqx.Module):
    """y_p = Σ_o w(o) x_{p+o} + b, with zeros around the image; an odd number of taps along each axis."""

    kernel: Kernel
    bias: Float[Array, " outputs"]
    bfloat16: bool = eqx.field(static=True, default=False)

    def __call__(self, x: Images) -> Images:
        convolve = convolve_by_shifts if jax.default_backend() == "cpu" else convolve_by_library
        return convolve(x, self.kernel, bfloat16=self.bfloat16) + self.bias[None, None, None]


def convolve_by_shifts(x: Images, kernel: Kernel, *, bfloat16: bool = False) -> Images:
    """Σ_o w(o) x_{p+o} as one product of matrices: shifted images as columns, times the filter."""
    taps, _, inputs, outputs = kernel.shape
    count, height, width, _ = x.shape
    reach = taps // 2
    padded = jnp.pad(x, ((0, 0), (reach, reach), (reach, reach), (0, 0)))
    shifted = [padded[:, row : row + height, column : column + width] for row, column in np.ndindex(taps, taps)]
    columns = jnp.concatenate(shifted, axis=-1).reshape(-1, taps**2 * inputs)
    return product(columns, kernel.reshape(-1, outputs), bfloat16=bfloat16).reshape(count, height, width, outputs)


def convolve_by_library(x: Images, kernel: Kernel, *, bfloat16: bool = False) -> Images:
    """The same by `jax.lax.conv_general_dilated`."""
    dtype = jnp.bfloat16 if bfloat16 else x.dtype
    x_and_kernel, layout = (x.astype(dtype), kernel.astype(dtype)), ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(*x_and_kernel, (1, 1), "SAME", dimension_numbers=layout).astype(x.dtype)


def halved(x: Images) -> Images:
    """Means over blocks of 2 × 2 pixels."""
    count, height, width, channels = x.shape
    return x.reshape(count, height // 2, 2, width // 2, 2, channels).mean(axis=(2, 4))


def doubled(x: Images) -> Images:
    """Every pixel as a block of 2 × 2."""
    return jnp.repeat(jnp.repeat(x, 2, axis=1), 2, axis=2)


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
