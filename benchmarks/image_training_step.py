"""How fast is a training step of the image U-Net, beside its products of matrices alone, and beside PyTorch?

Run `python -m benchmarks.image_training_step`. The U-Net of one level that Figure 4 trains at the paper preset: images
of 16 × 16 pixels, eight channels, batches of 32, Adam. A convolution is a product of its filter, as a matrix, and of
shifted images as rows. Such products of few channels are short: what limits the step is memory, through which shifted
copies, normalisations and their derivatives go.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from benchmarks.pytorch import MISSING, TorchUNet, pytorch
from benchmarks.timing import HEADER, Comparison, compare
from benchmarks.training_step import Shapes, of_inputs, of_weights, products_alone
from sims.networks.cnn_unet import CNNUNet, cnn_unet
from sims.networks.image_convolution import Convolution
from sims.networks.preconditioned import PreconditionedNetwork
from sims.training.edm import EDMTraining
from sims.training.state import advance

SHAPE, CHANNELS, BATCH = (16, 16, 1), 8, 32
LEARNING_RATE, STEPS, REPETITIONS = 1e-4, 10, 5


def network() -> CNNUNet:
    return cnn_unet(SHAPE, channels=CHANNELS, multipliers=(1,), middle_attention=False, key=jax.random.key(0))


def _data() -> np.ndarray:
    return 0.5 * np.random.default_rng(0).normal(size=(10_000, SHAPE[0] * SHAPE[1])).astype(np.float32)


def _our_steps() -> Callable[[], object]:
    """A function that takes STEPS steps and goes on from there at its next call."""
    training = EDMTraining(jnp.asarray(_data()), optax.adam(LEARNING_RATE), BATCH)
    state = training.init(PreconditionedNetwork(network=network()), jax.random.key(1))

    def steps() -> object:
        nonlocal state
        state = advance(training, state, STEPS)
        return state.parameters

    return steps


def _shapes() -> Shapes:
    """Of forward and backward pass of all convolutions; the derivative in the data is not taken."""
    pixels = BATCH * SHAPE[0] * SHAPE[1]
    found = jax.tree.leaves(network(), is_leaf=lambda part: isinstance(part, Convolution))
    kernels = [part.kernel for part in found if isinstance(part, Convolution)]
    forward = [((kernel.shape[3], kernel[..., 0].size), (kernel[..., 0].size, pixels)) for kernel in kernels]
    # The filter is the left factor, and shifted images are the right one.
    after_the_first = [shapes for kernel, shapes in zip(kernels, forward, strict=True) if kernel.shape[2] > SHAPE[2]]
    return forward + of_inputs(forward) + of_weights(after_the_first)


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


def main() -> list[Comparison]:
    name = f"image U-Net, {STEPS} training steps"
    ours, products = _our_steps(), products_alone(_shapes(), STEPS)
    jax.block_until_ready(products())
    found = [compare(name, "its products of matrices alone", products, ours, repetitions=REPETITIONS)]
    torch = pytorch()
    if torch is None:
        print(MISSING)
        return found
    _check(torch)
    train = TorchUNet(torch, network()).trainer(_data(), BATCH, LEARNING_RATE)
    return [*found, compare(name, "PyTorch", lambda: train(STEPS), ours, repetitions=REPETITIONS)]


if __name__ == "__main__":
    print(HEADER, *(comparison.row() for comparison in main()), sep="\n")
