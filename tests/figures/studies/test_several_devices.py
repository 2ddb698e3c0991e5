"""The stages of a figure train on all devices that there are, with the numbers of one; `test_sharding` has the rest."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.compilation import XLA_FLAGS

PROGRAM = """
import sys
import jax, numpy as np
from figures.common.stages import run_directly
from figures.studies.trained_networks.architectures import MLP
from figures.studies.trained_networks.experiment import NetworkRun, TrainedRun, measure_modes, train

def prepare(run):
    measure = measure_modes(run)

    def measured(denoiser):
        devices = {len(leaf.sharding.device_set) for leaf in jax.tree.leaves(denoiser) if isinstance(leaf, jax.Array)}
        return measure(denoiser) | {"devices": np.array(sorted(devices))}

    return measured

network = NetworkRun(
    MLP(layers=2, width=8, embedding=4),
    steps=12, records=4, samples=32, batch_size=16, learning_rate=1e-2, heun_steps=4, segments=2,
)
data = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
run = TrainedRun("a model", network, data, jax.random.key(0))
found = train([run], prepare, stage=run_directly, share=1.0)[0]
np.savez(sys.argv[1], **found.measured)
"""


@pytest.mark.slow
def test_stages_train_on_all_devices(tmp_path):
    found = {}
    for devices in (1, 8):
        flags = f"{XLA_FLAGS} --xla_force_host_platform_device_count={devices}"
        words = [sys.executable, "-c", PROGRAM, str(tmp_path / f"{devices}.npz")]
        environment = os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
        subprocess.run(words, check=True, env=environment, cwd=Path(__file__).parents[3])
        found[devices] = dict(np.load(tmp_path / f"{devices}.npz"))
        np.testing.assert_array_equal(found[devices]["devices"], devices)
    np.testing.assert_allclose(found[8]["generated"], found[1]["generated"], rtol=1e-4)
    assert np.abs(found[1]["generated"][-1] / found[1]["generated"][0] - 1).max() > 0.05
