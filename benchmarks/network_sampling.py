"""How fast are 1024 samples of an MLP-UNet, by Heun's method in 20 steps, beside their products alone and PyTorch?

Run `python -m benchmarks.network_sampling`. The network is that of `benchmarks.training_step`; both compute what
depends on the noise level once for all samples.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from benchmarks.pytorch import MISSING, TorchMLP, pytorch
from benchmarks.timing import HEADER, Comparison, compare
from benchmarks.training_step import BATCH, DIMENSION, evaluation_shapes, network, products_alone
from sims.networks.preconditioned import PreconditionedNetwork
from sims.sampling.networks import heun_sample
from sims.sampling.schedules import edm_schedule_to_zero

STEPS, REPETITIONS = 20, 5


def main() -> list[Comparison]:
    name, denoiser = f"MLP-UNet, {BATCH} samples", PreconditionedNetwork(network=network())
    noise = np.random.default_rng(0).normal(size=(BATCH, DIMENSION)).astype(np.float32)
    levels, on_device = edm_schedule_to_zero(0.002, 80.0, STEPS).astype(jnp.float32), jnp.asarray(noise)
    products = products_alone(evaluation_shapes(), 2 * STEPS - 1)
    jax.block_until_ready(products())

    def ours() -> Array:
        return heun_sample(denoiser, on_device, levels)

    found = [compare(name, "its products of matrices alone", products, ours, repetitions=REPETITIONS)]
    torch = pytorch()
    if torch is None:
        print(MISSING)
        return found
    theirs, schedule = TorchMLP(torch, network()), np.array(levels)
    np.testing.assert_allclose(ours(), theirs.sampled(noise, schedule), rtol=0, atol=1e-3)
    return [*found, compare(name, "PyTorch", lambda: theirs.sampled(noise, schedule), ours, repetitions=REPETITIONS)]


if __name__ == "__main__":
    print(HEADER, *(comparison.row() for comparison in main()), sep="\n")
