"""How fast is a training step of the MLP-UNet, beside its products of matrices alone, and beside PyTorch?

Run `python -m benchmarks.training_step`. The Gaussian setting of Wang & Pehlevan 2025: d = 128, five layers of 256
units, 256 features of the noise level, batches of 1024, Adam. A ratio of .85 to the products says that all else
(normalisations, activations, noise, Adam) takes 15 % of the step. They are those of forward and backward pass, in the
same shapes and in a compiled loop as well. PyTorch takes its steps with the same arithmetic, one call after the other.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array

from benchmarks.pytorch import MISSING, TorchMLP, pytorch
from benchmarks.timing import HEADER, Comparison, compare
from sims.networks.cnn_unet import CNNUNet
from sims.networks.mlp_unet import MLPUNet, mlp_unet
from sims.networks.preconditioned import PreconditionedNetwork
from sims.training.edm import EDMTraining
from sims.training.state import advance

DIMENSION, LAYERS, WIDTH, FEATURES, BATCH = 128, 5, 256, 256, 1024
LEARNING_RATE, STEPS, REPETITIONS = 1e-4, 10, 5


def data() -> np.ndarray:
    """10,000 points of the authors' kind: eigenvalues exp(N(0, 1)) with mean one."""
    random = np.random.default_rng(0)
    variance = np.exp(random.normal(size=DIMENSION))
    return (random.normal(size=(10_000, DIMENSION)) * np.sqrt(variance / variance.mean())).astype(np.float32)


def network() -> MLPUNet:
    return mlp_unet(DIMENSION, layers=LAYERS, width=WIDTH, embedding=FEATURES, key=jax.random.key(0))


def our_steps(network: MLPUNet | CNNUNet, data: np.ndarray, batch_size: int) -> Callable[[], object]:
    """A function that takes STEPS steps and goes on from there at its next call."""
    training = EDMTraining(jnp.asarray(data), optax.adam(LEARNING_RATE), batch_size)
    state = training.init(PreconditionedNetwork(network=network), jax.random.key(1))

    def steps() -> object:
        nonlocal state
        state = advance(training, state, STEPS)
        return state.parameters

    return steps


Shapes = list[tuple[tuple[int, int], tuple[int, int]]]  # of both factors of every product


def products_alone(shapes: Shapes, repetitions: int) -> Callable[[], list[Array]]:
    """A function that computes products of matrices of these shapes so many times, and nothing else."""
    factors = [(_filled(left), _filled(right)) for left, right in shapes]

    @jax.jit
    def products(factors: list[tuple[Array, Array]]) -> list[Array]:
        def step(_, carried: tuple[list[Array], list[Array]]) -> tuple[list[Array], list[Array]]:
            # A number of each product goes into its factor: what is the same in every step is computed once, before the
            # loop, and a barrier does not keep the compiler from it.
            lefts, results = carried
            lefts = [left.at[0, 0].set(result[0, 0]) for left, result in zip(lefts, results, strict=True)]
            return lefts, [left @ right for left, right in zip(lefts, rights, strict=True)]

        lefts, rights = [left for left, _ in factors], [right for _, right in factors]
        results = [jnp.zeros((left.shape[0], right.shape[1])) for left, right in factors]
        return jax.lax.fori_loop(0, repetitions, step, (lefts, results))[1]

    return lambda: products(factors)


def _filled(shape: tuple[int, ...]) -> Array:
    return jax.random.normal(jax.random.key(2), shape)


def _forward(fixed_rows: int) -> tuple[Shapes, Shapes]:
    """The maps that a derivative goes back through, and those of inputs that have none; of the noise level in rows."""
    maps, fixed = [], []
    for number in range(LAYERS - 1):
        inputs = WIDTH if number else DIMENSION
        maps += [((BATCH, inputs), (inputs, WIDTH)), ((BATCH, WIDTH), (WIDTH, WIDTH))]
        fixed += [((fixed_rows, FEATURES), (FEATURES, WIDTH))] * 2
    if DIMENSION != WIDTH:
        fixed.append(((BATCH, DIMENSION), (DIMENSION, WIDTH)))
    maps.append(((BATCH, WIDTH), (WIDTH, DIMENSION)))
    return maps, fixed


def evaluation_shapes() -> Shapes:
    """Of an evaluation of BATCH samples that share their noise level."""
    maps, fixed = _forward(fixed_rows=1)
    return maps + fixed


def _step_shapes() -> Shapes:
    """Of forward and backward pass; the derivative in the data is not taken."""
    maps, fixed = _forward(fixed_rows=BATCH)
    return maps + fixed + of_right_factors(maps + fixed) + of_left_factors(maps)


def of_right_factors(forward: Shapes) -> Shapes:
    """Of the gradients of the right factors."""
    return [((inputs, rows), (rows, outputs)) for (rows, inputs), (_, outputs) in forward]


def of_left_factors(forward: Shapes) -> Shapes:
    """Of the gradients of the left factors."""
    return [((rows, outputs), (outputs, inputs)) for (rows, inputs), (_, outputs) in forward]


def main() -> list[Comparison]:
    name = f"MLP-UNet, {STEPS} training steps"
    ours, products = our_steps(network(), data(), BATCH), products_alone(_step_shapes(), STEPS)
    jax.block_until_ready(products())
    found = [compare(name, "its products of matrices alone", products, ours, repetitions=REPETITIONS)]
    torch = pytorch()
    if torch is None:
        print(MISSING)
        return found
    theirs = TorchMLP(torch, network()).trainer(data(), BATCH, LEARNING_RATE)
    return [*found, compare(name, "PyTorch", lambda: theirs(STEPS), ours, repetitions=REPETITIONS)]


if __name__ == "__main__":
    print(HEADER, *(comparison.row() for comparison in main()), sep="\n")
