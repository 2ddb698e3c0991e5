"""Eight virtual devices, and two processes that are one: the numbers of a single device, and really spread."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sims.training.sharding import device_mesh, join_hosts
from tests.compilation import XLA_FLAGS

ROOT = Path(__file__).parents[3]

PROGRAM = """
import functools, sys
import equinox as eqx, jax, jax.numpy as jnp, numpy as np, optax
from sims.training.sharding import join_hosts, spread

jax.config.update("jax_enable_x64", True)
join_hosts()
from sims.networks.mlp_unet import mlp_unet
from sims.networks.preconditioned import PreconditionedNetwork
from sims.training.edm import EDMEnsemble, EDMTraining
from sims.training.state import advance, from_arrays, to_arrays

def make(key):
    return PreconditionedNetwork(mlp_unet(4, layers=2, width=5, embedding=4, key=key, dtype=jnp.float64))

single = EDMTraining(np.random.default_rng(0).normal(size=(30, 4)), optax.adam(1e-2), 16)
keys = jax.random.split(jax.random.key(1), 4)
cases = {
    "single": (single, lambda: single.init(make(keys[0]), keys[0])),
    "ensemble": (EDMEnsemble(single), lambda: EDMEnsemble(single).init(eqx.filter_vmap(make)(keys), keys)),
}
for name in sys.argv[1:]:
    training, start = cases[name]
    alone = to_arrays(advance(training, start(), 5))
    training, state = spread(training, start())
    state = advance(training, state, 2)
    state = advance(training, from_arrays(to_arrays(state), spread(training, start())[1]), 3)
    together = to_arrays(state)
    assert together.keys() == alone.keys()
    largest = max(np.abs(together[part] - alone[part]).max() for part in alone)
    changed = max(np.abs(alone[part] - before).max() for part, before in to_arrays(start()).items())
    mesh = (training.training if name == "ensemble" else training).mesh
    batch = eqx.filter_jit((training.training if name == "ensemble" else training).draw)(keys[0]).clean
    weight = state.parameters.network.output.weight
    print(name, dict(mesh.shape), len(batch.addressable_shards), batch.addressable_shards[0].data.shape,
          weight.addressable_shards[0].data.shape, f"difference={largest:.1e} change={changed:.1e}", flush=True)
"""


def environment(devices, **more):
    flags = f"{XLA_FLAGS} --xla_force_host_platform_device_count={devices}"
    return os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"} | more


def checked(line, expected):
    words, _, numbers = line.partition(" difference=")
    assert words == expected
    largest, change = re.fullmatch(r"(\S+) change=(\S+)", numbers).groups()
    assert float(largest) < 1e-13
    assert float(change) > 1e-2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "spread"),
    [
        pytest.param("single", "{'members': 1, 'batch': 8} 8 (2, 4) (5, 4)", marks=pytest.mark.slow),
        ("ensemble", "{'members': 4, 'batch': 2} 8 (8, 4) (1, 5, 4)"),
    ],
)
def test_eight_devices_give_the_numbers_of_one(name, spread):
    """One network has its batch on eight devices, four members two devices each. A saved state comes back spread."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, name],
        cwd=ROOT,
        env=environment(8),
        check=True,
        capture_output=True,
        text=True,
    )
    (line,) = done.stdout.splitlines()
    checked(line, f"{name} {spread}")


@pytest.mark.slow
def test_two_processes_give_the_numbers_of_one():
    """Joined by the environment, with two devices each: members on different hosts, all arrays on both in the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, "single", "ensemble"],
            cwd=ROOT,
            env=environment(2, JAX_COORDINATOR_ADDRESS=address, JAX_NUM_PROCESSES="2", JAX_PROCESS_ID=str(number)),
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    try:
        outputs = [process.communicate(timeout=600)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    for output in outputs:
        single, ensemble = (line for line in output.splitlines() if line.startswith(("single", "ensemble")))
        checked(single, "single {'members': 1, 'batch': 4} 2 (4, 4) (5, 4)")
        checked(ensemble, "ensemble {'members': 4, 'batch': 1} 2 (16, 4) (1, 5, 4)")


def test_one_device_has_a_mesh_of_its_own():
    mesh = device_mesh(64, members=3)
    assert dict(mesh.shape) == {"members": 1, "batch": 1}
    assert np.asarray(mesh.devices).shape == (1, 1)


def test_a_process_without_work_is_refused_and_devices_of_one_host_may_rest(monkeypatch):
    """Of two processes both have to take part in every step."""
    monkeypatch.setattr("jax.devices", lambda: list("abcdefgh"))
    assert dict(device_mesh(6, members=2).shape) == {"members": 2, "batch": 2}
    monkeypatch.setattr("jax.process_count", lambda: 2)
    assert dict(device_mesh(12, members=2).shape) == {"members": 2, "batch": 4}
    with pytest.raises(ValueError, match="batch_size must be a multiple of 4, so that all 8 devices of 2 processes"):
        device_mesh(6, members=2)


def test_hosts_are_joined_only_where_the_environment_says_so(monkeypatch):
    called = []
    monkeypatch.setattr("jax.distributed.initialize", lambda **options: called.append(options))
    join_hosts()
    assert not called
    monkeypatch.setenv("JAX_COORDINATOR_ADDRESS", "10.0.0.1:1234")
    with pytest.raises(ValueError, match="other variables must be numbers; got {'JAX_NUM_PROCESSES': ''"):
        join_hosts()
    monkeypatch.setenv("JAX_NUM_PROCESSES", "4")
    monkeypatch.setenv("JAX_PROCESS_ID", "3")
    join_hosts()
    assert called == [{"num_processes": 4, "process_id": 3}]


def test_numbers_that_cannot_be_shared_are_refused():
    with pytest.raises(ValueError, match="members must be a whole number of 1 or more; got 0"):
        device_mesh(64, members=0)
