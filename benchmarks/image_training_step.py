"""How fast is a training step of the image U-Net, beside its products alone, its convolutions alone, and PyTorch?

Run `python -m benchmarks.image_training_step`. The U-Net of one level that Figure 4 trains at the paper preset: images
of 16 × 16 pixels, eight channels, batches of 32, Adam. A convolution is a product of its filter, as a matrix, and of
shifted copies of the images as rows. What it takes beyond its product are these copies; what a step takes beyond its
convolutions are normalisations, activations, noise and Adam.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from benchmarks.pytorch import MISSING, TorchUNet, pytorch
from benchmarks.timing import HEADER, Comparison, compare
from benchmarks.training_step import (
    LEARNING_RATE,
    STEPS,
    Shapes,
    of_left_factors,
    of_right_factors,
    our_steps,
    products_alone,
)
from sims.networks.cnn_unet import CNNUNet, cnn_unet
from sims.networks.image_convolution import Convolution, convolve_by_shifts

SHAPE, CHANNELS, BATCH = (16, 16, 1), 8, 32
REPETITIONS = 5


def network() -> CNNUNet:
    return cnn_unet(SHAPE, channels=CHANNELS, multipliers=(1,), middle_attention=False, key=jax.random.key(0))


def _data() -> np.ndarray:
    return 0.5 * np.random.default_rng(0).normal(size=(10_000, SHAPE[0] * SHAPE[1])).astype(np.float32)


def _convolutions() -> list[Convolution]:
    found = jax.tree.leaves(network(), is_leaf=lambda part: isinstance(part, Convolution))
    return [part for part in found if isinstance(part, Convolution)]


def _shapes() -> Shapes:
    """Of forward and backward pass of all convolutions; the derivative in the data is not taken.

    The filter is the left factor, shifted images are the right one. What the noise level goes through is left out.
    """
    pixels, kernels = BATCH * SHAPE[0] * SHAPE[1], [part.kernel for part in _convolutions()]
    forward = [((kernel.shape[3], kernel[..., 0].size), (kernel[..., 0].size, pixels)) for kernel in kernels]
    after_the_first = [shapes for kernel, shapes in zip(kernels, forward, strict=True) if kernel.shape[2] > SHAPE[2]]
    return forward + of_left_factors(forward) + of_right_factors(after_the_first)


def _check(torch: Any) -> None:
    """Both networks are one function, of arrays of which none is nearly zero, as some are at the start."""
    leaves, structure = jax.tree.flatten(network())
    keys = jax.random.split(jax.random.key(3), len(leaves))
    moved = structure.unflatten(
        leaf + 0.1 * jax.random.normal(key, leaf.shape) for leaf, key in zip(leaves, keys, strict=True)
    )
    x, level = _data()[:BATCH], np.linspace(-1.0, 1.0, BATCH, dtype=np.float32)
    with torch.no_grad():
        expected = TorchUNet(torch, moved).network(torch.tensor(x), torch.tensor(level)[:, None]).numpy()
    np.testing.assert_allclose(moved(jnp.asarray(x), jnp.asarray(level)), expected, rtol=0, atol=1e-4)


def _convolutions_alone() -> Callable[[], object]:
    """The convolutions of STEPS steps, forward and backward, each of images of its own: products and shifted copies."""
    kernels = [part.kernel for part in _convolutions()]
    images = [jax.random.normal(jax.random.key(4), (kernel.shape[2], BATCH, *SHAPE[:2])) for kernel in kernels]

    @jax.jit
    def convolutions(kernels: list[Array], images: list[Array]) -> list[Array]:
        def of_one(kernel: Array, x: Array) -> tuple[Array, Array]:
            y, pull_back = jax.vjp(convolve_by_shifts, x, kernel)
            slope_of_x, slope_of_kernel = pull_back(y)
            # The first image is data, whose slope nobody asks for.
            return kernel + 1e-6 * slope_of_kernel, x if kernel.shape[2] == SHAPE[2] else x + 1e-6 * slope_of_x

        def step(_, carried: tuple[list[Array], list[Array]]) -> tuple[list[Array], list[Array]]:
            pairs = [of_one(*pair) for pair in zip(*carried, strict=True)]
            return [kernel for kernel, _ in pairs], [x for _, x in pairs]

        return jax.lax.fori_loop(0, STEPS, step, (kernels, images))[0]

    return lambda: convolutions(kernels, images)


def main() -> list[Comparison]:
    name, ours = f"image U-Net, {STEPS} training steps", our_steps(network(), _data(), BATCH)
    parts = {
        "its products of matrices alone": products_alone(_shapes(), STEPS),
        "its convolutions alone": _convolutions_alone(),
    }
    found = []
    for reference, of_part in parts.items():
        jax.block_until_ready(of_part())
        found.append(compare(name, reference, of_part, ours, repetitions=REPETITIONS))
    torch = pytorch()
    if torch is None:
        print(MISSING)
        return found
    _check(torch)
    train = TorchUNet(torch, network()).trainer(_data(), BATCH, LEARNING_RATE)
    return [*found, compare(name, "PyTorch", lambda: train(STEPS), ours, repetitions=REPETITIONS)]


if __name__ == "__main__":
    print(HEADER, *(comparison.row() for comparison in main()), sep="\n")
