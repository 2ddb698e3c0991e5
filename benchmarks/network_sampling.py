"""How many times faster than PyTorch are 1024 samples of an MLP-UNet, by Heun's method in 20 steps?

Run `python -m benchmarks.network_sampling`. The network is that of `benchmarks.training_step`; both compute what
depends on the noise level once for all samples.
"""

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.pytorch import MISSING, TorchNetwork, pytorch
from benchmarks.timing import HEADER, Comparison, compare
from benchmarks.training_step import DIMENSION, network
from sims.networks.preconditioned import PreconditionedNetwork
from sims.sampling.networks import heun_sample
from sims.sampling.schedules import edm_schedule_to_zero

SAMPLES, STEPS, REPETITIONS = 1024, 20, 5


def main() -> list[Comparison]:
    torch = pytorch()
    if torch is None:
        print(MISSING)
        return []
    denoiser, theirs = PreconditionedNetwork(network=network()), TorchNetwork(torch, network())
    noise = np.random.default_rng(0).normal(size=(SAMPLES, DIMENSION)).astype(np.float32)
    levels, on_device = edm_schedule_to_zero(0.002, 80.0, STEPS).astype(jnp.float32), jnp.asarray(noise)
    expected = theirs.sampled(noise, np.array(levels))
    np.testing.assert_allclose(heun_sample(denoiser, on_device, levels), expected, rtol=0, atol=1e-3)
    return [
        compare(
            f"MLP-UNet, {SAMPLES} samples",
            "PyTorch",
            lambda: theirs.sampled(noise, np.array(levels)),
            lambda: jax.block_until_ready(heun_sample(denoiser, on_device, levels)),
            repetitions=REPETITIONS,
        )
    ]


if __name__ == "__main__":
    print(HEADER, *(comparison.row() for comparison in main()), sep="\n")
