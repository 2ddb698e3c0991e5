"""How many times faster inside a compiled loop on a CPU are shifts and a product of matrices, than other forms?

Run `python -m benchmarks.convolutions`. Value and gradients of a filter with 3 × 3 taps on 64 images of 16 × 16 pixels,
beside XLA's convolution and beside the same shifts of images whose channels are last. `sims.networks.image_convolution`
has channels first and takes shifts on CPUs; it should not where these ratios are below one.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from benchmarks.timing import HEADER, Comparison, compare
from sims.networks.image_convolution import convolve_by_library, convolve_by_shifts

IMAGES, SIZE, TAPS, STEPS, REPETITIONS = 64, 16, 3, 10, 5
CHANNELS = 8, 32


def _descended(
    convolve: Callable[[Array, Array], Array], channels: int, *, channels_last: bool = False
) -> Callable[[], Array]:
    """A function that takes STEPS gradient steps in the images and in the filter."""
    images_key, kernel_key = jax.random.split(jax.random.key(0))
    images = jax.random.normal(images_key, (channels, IMAGES, SIZE, SIZE))
    images = jnp.moveaxis(images, 0, -1) if channels_last else images
    kernel = 0.1 * jax.random.normal(kernel_key, (TAPS, TAPS, channels, channels))
    slopes = jax.grad(lambda images, kernel: jnp.mean(convolve(images, kernel) ** 2), (0, 1))

    @jax.jit
    def steps(both: tuple[Array, Array]) -> tuple[Array, Array]:
        def step(_, both: tuple[Array, Array]) -> tuple[Array, Array]:
            return jax.tree.map(lambda array, slope: array - 1e-3 * slope, both, slopes(*both))

        return jax.lax.fori_loop(0, STEPS, step, both)

    return lambda: steps((images, kernel))[1]


def _shifts_with_channels_last(x: Array, kernel: Array) -> Array:
    """Shifted images as columns, times the filter."""
    count, height, width, inputs = x.shape
    reach = TAPS // 2
    padded = jnp.pad(x, ((0, 0), (reach, reach), (reach, reach), (0, 0)))
    shifted = [padded[:, row : row + height, column : column + width] for row, column in np.ndindex(TAPS, TAPS)]
    columns = jnp.concatenate(shifted, axis=-1).reshape(-1, TAPS**2 * inputs)
    return (columns @ kernel.reshape(columns.shape[1], -1)).reshape(count, height, width, -1)


def _compared(channels: int) -> list[Comparison]:
    name, ours = f"convolution, {channels} channels", _descended(convolve_by_shifts, channels)
    references = {
        "jax.lax.conv_general_dilated": _descended(convolve_by_library, channels),
        "channels last": _descended(_shifts_with_channels_last, channels, channels_last=True),
    }
    for reference in references.values():
        np.testing.assert_allclose(reference(), ours(), rtol=0, atol=1e-5)
    return [compare(name, label, each, ours, repetitions=REPETITIONS) for label, each in references.items()]


def main() -> list[Comparison]:
    if jax.default_backend() != "cpu":
        print("This machine computes on another device than its CPU, where XLA's convolution is the one that is used.")
        return []
    return [comparison for channels in CHANNELS for comparison in _compared(channels)]


if __name__ == "__main__":
    print(HEADER, *(comparison.row() for comparison in main()), sep="\n")
