"""How many times faster than XLA's convolution are shifts and a product of matrices, inside a compiled loop on a CPU?

Run `python -m benchmarks.convolutions`. Value and gradients of a filter with 3 × 3 taps, 32 channels, on 64 images of
16 × 16 pixels. `sims.networks.image_convolution` takes the one form on CPUs and the other elsewhere; it should not
where this ratio is below one.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array

from benchmarks.timing import HEADER, Comparison, compare
from sims.networks.image_convolution import convolve_by_library, convolve_by_shifts

IMAGES, SIZE, CHANNELS, TAPS, STEPS, REPETITIONS = 64, 16, 32, 3, 10, 5


def _descended(convolve: Callable[[Array, Array], Array]) -> Callable[[], Array]:
    """A function that takes STEPS gradient steps in the images and in the filter."""
    images_key, kernel_key = jax.random.split(jax.random.key(0))
    images = jax.random.normal(images_key, (CHANNELS, IMAGES, SIZE, SIZE))
    kernel = 0.1 * jax.random.normal(kernel_key, (TAPS, TAPS, CHANNELS, CHANNELS))
    slopes = jax.grad(lambda images, kernel: jnp.mean(convolve(images, kernel) ** 2), (0, 1))

    @jax.jit
    def steps(both: tuple[Array, Array]) -> tuple[Array, Array]:
        def step(_, both: tuple[Array, Array]) -> tuple[Array, Array]:
            return jax.tree.map(lambda array, slope: array - 1e-3 * slope, both, slopes(*both))

        return jax.lax.fori_loop(0, STEPS, step, both)

    return lambda: steps((images, kernel))[1]


def main() -> list[Comparison]:
    if jax.default_backend() != "cpu":
        print("This machine computes on another device than its CPU, where XLA's convolution is the one that is used.")
        return []
    library, shifts = _descended(convolve_by_library), _descended(convolve_by_shifts)
    jax.block_until_ready(library())
    name = f"convolution, {STEPS} gradient steps"
    return [compare(name, "jax.lax.conv_general_dilated", library, shifts, repetitions=REPETITIONS)]


if __name__ == "__main__":
    print(HEADER, *(comparison.row() for comparison in main()), sep="\n")
