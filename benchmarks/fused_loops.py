"""How much sooner are small networks trained with the compiler option of `sims.training.compilation` than without?

Run `python -m benchmarks.fused_loops`. The reference takes the same steps, compiled with the option turned off, as
quick presets turn it off by a flag for everything else.
"""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import optax

from benchmarks.timing import HEADER, Comparison, compare
from sims.networks.cnn_unet import cnn_unet
from sims.networks.mlp_unet import mlp_unet
from sims.networks.preconditioned import PreconditionedNetwork
from sims.training.compiler_options import FUSED_LOOPS
from sims.training.edm import EDMTraining
from sims.training.state import TrainingState, advance

STEPS, REPETITIONS = 100, 5
SIDE, POINTS = 8, 1000


def networks() -> dict[str, tuple[PreconditionedNetwork, int]]:
    """Those of the quick presets on photographs, and their batches."""
    mlp = mlp_unet(SIDE**2, layers=5, width=128, embedding=64, key=jax.random.key(0))
    cnn = cnn_unet((SIDE, SIDE, 1), channels=8, multipliers=(1,), middle_attention=False, key=jax.random.key(0))
    return {
        "MLP-UNet": (PreconditionedNetwork(network=mlp), 128),
        "U-Net of one level": (PreconditionedNetwork(network=cnn), 32),
    }


def _going_on(steps: Callable[[TrainingState], TrainingState], state: TrainingState) -> Callable[[], object]:
    """A function that goes on from where its last call has got to."""

    def go_on() -> object:
        nonlocal state
        state = steps(state)
        return eqx.filter(state.parameters, eqx.is_array)

    return go_on


def _compared(name: str, network: PreconditionedNetwork, batch: int) -> Comparison:
    data = jax.random.normal(jax.random.key(1), (POINTS, SIDE**2), jnp.float32)
    training = EDMTraining(data, optax.adam(1e-3), batch)

    def steps(state: TrainingState) -> TrainingState:
        return advance(training, state, STEPS)

    # Inside another compiled function `advance` has no options of its own.
    without = eqx.filter_jit(steps, compiler_options={FUSED_LOOPS: False})  # pyright: ignore[reportCallIssue]
    reference, ours = (_going_on(each, training.init(network, jax.random.key(2))) for each in (without, steps))
    jax.block_until_ready(reference())
    return compare(f"{name}, {STEPS} steps", "without fused loops", reference, ours, repetitions=REPETITIONS)


def main() -> list[Comparison]:
    return [_compared(name, *network) for name, network in networks().items()]


if __name__ == "__main__":
    print(HEADER, *(comparison.row() for comparison in main()), sep="\n")
