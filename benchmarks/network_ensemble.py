"""How many times faster than a Python loop over networks is training 32 small networks as one ensemble?

Run `python -m benchmarks.network_ensemble`. Networks of width 32 on batches of 64, in 16 dimensions. The reference
calls the compiled step of a single network, one member and one step after the other.
"""

from collections.abc import Callable

import equinox as eqx
import jax
import optax
from jaxtyping import Array

from benchmarks.timing import HEADER, Comparison, compare
from sims.networks.mlp_unet import mlp_unet
from sims.networks.preconditioned import PreconditionedNetwork
from sims.training.edm import EDMEnsemble, EDMTraining
from sims.training.state import advance

MEMBERS, WIDTH, BATCH, DIMENSION, STEPS, REPETITIONS = 32, 32, 64, 16, 20, 5


def _make(key: Array) -> PreconditionedNetwork:
    return PreconditionedNetwork(network=mlp_unet(DIMENSION, layers=5, width=WIDTH, embedding=WIDTH, key=key))


def _training() -> EDMTraining:
    return EDMTraining(jax.random.normal(jax.random.key(0), (1000, DIMENSION)), optax.adam(1e-3), BATCH)


def together() -> Callable[[], object]:
    """A function that takes STEPS steps of all members in one compiled loop."""
    ensemble, keys = EDMEnsemble(_training()), jax.random.split(jax.random.key(1), MEMBERS)
    state = ensemble.init(eqx.filter_vmap(_make)(keys), keys)

    def steps() -> object:
        nonlocal state
        state = advance(ensemble, state, STEPS)
        return state.parameters

    return steps


def one_by_one() -> Callable[[], object]:
    """A function that takes the same steps by as many calls as there are members and steps."""
    training = _training()
    step = eqx.filter_jit(EDMTraining.step, donate="all-except-first")
    states = [training.init(_make(key), key) for key in jax.random.split(jax.random.key(1), MEMBERS)]

    def steps() -> object:
        for _ in range(STEPS):
            states[:] = [step(training, state) for state in states]
        return [state.parameters for state in states]

    return steps


def main() -> list[Comparison]:
    reference = one_by_one()
    jax.block_until_ready(reference())
    name = f"{MEMBERS} MLP-UNets, {STEPS} steps"
    return [compare(name, "a loop over compiled single steps", reference, together(), repetitions=REPETITIONS)]


if __name__ == "__main__":
    print(HEADER, *(comparison.row() for comparison in main()), sep="\n")
