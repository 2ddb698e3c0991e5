"""What does a step cost whose target is averaged over references, beside one of denoising score matching?

Run `python -m benchmarks.stable_target`. An MLP-UNet of three layers of 256 units on 64-dimensional data, batches of
256, Adam, and 256 references of each datum: one set for the batch, or a set of its own for each.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

from benchmarks.timing import HEADER, Comparison, compare
from sims.networks.mlp_unet import mlp_unet
from sims.networks.preconditioned import PreconditionedNetwork
from sims.training.edm import EDMTraining
from sims.training.references import References
from sims.training.state import advance

DIMENSION, LAYERS, WIDTH, FEATURES, BATCH, REFERENCES = 64, 3, 256, 64, 256, 256
STEPS, REPETITIONS = 40, 7


def steps_with(references: References) -> Callable[[], object]:
    """A function that takes STEPS steps and goes on from there at its next call."""
    data = jax.random.normal(jax.random.key(0), (8192, DIMENSION), jnp.float32)
    network = mlp_unet(DIMENSION, layers=LAYERS, width=WIDTH, embedding=FEATURES, key=jax.random.key(1))
    training = EDMTraining(data, optax.adam(1e-3), BATCH, references=references)
    state = training.init(PreconditionedNetwork(network=network), jax.random.key(2))

    def steps() -> object:
        nonlocal state
        state = advance(training, state, STEPS)
        return state.parameters

    return steps


def main() -> list[Comparison]:
    alone = steps_with(References(1))
    jax.block_until_ready(alone())
    kinds = {"shared": References(REFERENCES, shared=True), "of their own": References(REFERENCES)}
    return [
        compare(
            f"{REFERENCES} references, {words}",
            "a step without",
            alone,
            steps_with(references),
            repetitions=REPETITIONS,
        )
        for words, references in kinds.items()
    ]


if __name__ == "__main__":
    print(HEADER, *(comparison.row() for comparison in main()), sep="\n")
