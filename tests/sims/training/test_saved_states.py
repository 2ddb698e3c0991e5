"""States on disk: the same bits again, and never half a file."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from sims.networks.linear import linear_denoiser, one_per_level
from sims.training.checkpoints import load_state, save_state
from sims.training.descent import Minibatches
from sims.training.state import TrainingState, from_arrays, to_arrays

KEY = jax.random.key(0)
ROOT = Path(__file__).parents[3]

WRITER = """
import os, signal, sys
import jax, jax.numpy as jnp
from sims.training import checkpoints
from sims.training.state import TrainingState

replace = os.replace
def kill(*names):
    if sys.argv[2] == "after":
        replace(*names)
    os.kill(os.getpid(), signal.SIGKILL)
os.replace = kill
state = TrainingState(jnp.full(1000, 2.0), (), jax.random.key(2), jnp.asarray(2))
checkpoints.save_state(sys.argv[1], state)
"""

TRAINER = """
import sys, time
from pathlib import Path
import jax, numpy as np, optax
from sims.networks.mlp_unet import mlp_unet
from sims.networks.preconditioned import PreconditionedNetwork
from sims.training.checkpoints import load_state, save_state
from sims.training.edm import EDMTraining
from sims.training.state import advance

path, pause = Path(sys.argv[1]), float(sys.argv[2])
training = EDMTraining(np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32), optax.adam(1e-2), 16)
network = mlp_unet(4, layers=2, width=5, embedding=4, key=jax.random.key(1))
state = training.init(PreconditionedNetwork(network=network), jax.random.key(2))
state = load_state(path, state) if path.exists() else state
print("from", int(state.step), flush=True)
while int(state.step) < 300:
    state = advance(training, state, 3)
    save_state(path, state)
    print("saved", flush=True)
    time.sleep(pause)
"""


def example(seed=0):
    training = Minibatches(jnp.zeros((4, 3)), jnp.ones(2), jnp.ones(2), 2, optax.adam(1e-2))
    return training.init(one_per_level(linear_denoiser(3, 0.1 * seed), 2), jax.random.key(seed))


def test_a_state_comes_back_with_the_same_bits(tmp_path):
    state = example(3)
    save_state(tmp_path / "state.npz", state)
    restored = load_state(str(tmp_path / "state.npz"), example())
    assert jax.tree.structure(restored) == jax.tree.structure(state)
    for mine, other in zip(to_arrays(restored).values(), to_arrays(state).values(), strict=True):
        assert mine.dtype == other.dtype
        np.testing.assert_array_equal(mine, other)
    assert [path.name for path in tmp_path.iterdir()] == ["state.npz"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "state.npz"
    save_state(path, example(1))
    old = path.read_bytes()

    def full(_):
        raise OSError("no space left")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="no space left"):
        save_state(path, example(2))
    assert path.read_bytes() == old
    assert [found.name for found in tmp_path.iterdir()] == ["state.npz"]


@pytest.mark.parametrize(("moment", "value"), [("before", 1.0), ("after", 2.0)])
def test_a_kill_leaves_the_old_state_or_the_new_one(tmp_path, moment, value):
    """SIGKILL before the written file takes its name, and right after."""
    path = tmp_path / "state.npz"
    like = TrainingState(jnp.full(1000, 1.0, "float32"), (), jax.random.key(1), jnp.asarray(1, "int32"))
    save_state(path, like)
    killed = subprocess.run([sys.executable, "-c", WRITER, path, moment], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    restored = load_state(path, like)
    np.testing.assert_array_equal(restored.parameters, np.full(1000, value))
    assert int(restored.step) == int(value)


@pytest.mark.slow
def test_a_run_killed_ten_times_at_random_has_the_bits_of_an_unbroken_one(tmp_path):
    """Parameters, optimiser, keys and step; SIGKILL and SIGTERM in turns, up to half a second after the first save."""
    words = [sys.executable, "-c", TRAINER]
    # Twelve processes compile the same.
    kept = {"JAX_COMPILATION_CACHE_DIR": str(tmp_path), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    surroundings = {"cwd": ROOT, "env": os.environ | kept}
    subprocess.run([*words, tmp_path / "unbroken.npz", "0"], check=True, stdout=subprocess.DEVNULL, **surroundings)
    path, begun = tmp_path / "killed.npz", []
    for kill, delay in enumerate(np.random.default_rng(0).uniform(0.0, 0.5, 10)):
        process = subprocess.Popen([*words, path, "0.05"], stdout=subprocess.PIPE, text=True, **surroundings)
        with process.stdout:
            begun.append(int(process.stdout.readline().split()[1]))
            assert process.stdout.readline() == "saved\n"
            time.sleep(delay)
            process.send_signal(signal.SIGTERM if kill % 2 else signal.SIGKILL)
            assert process.wait(30) < 0  # it was still training
    subprocess.run([*words, path, "0"], check=True, stdout=subprocess.DEVNULL, **surroundings)
    assert begun == sorted(set(begun))  # each went on from where the one before was killed
    with np.load(path) as killed, np.load(tmp_path / "unbroken.npz") as unbroken:
        assert set(killed) == set(unbroken)
        for name in unbroken:
            np.testing.assert_array_equal(killed[name], unbroken[name], strict=True, err_msg=name)


def test_numbers_of_another_type_are_refused_in_memory_and_on_disk(tmp_path):
    state = example()
    rounded = {name: array.astype("float16") for name, array in to_arrays(state).items() if array.dtype.kind == "f"}
    with pytest.raises(ValueError, match=r"must have the shape .* and the type \w+; got .* and float16"):
        from_arrays(to_arrays(state) | rounded, state)
    narrow = TrainingState(jnp.ones(3, "bfloat16"), (), None, jnp.asarray(0))
    with pytest.raises(ValueError, match="must be of NumPy's own types; got bfloat16 as .parameters"):
        save_state(tmp_path / "state.npz", narrow)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("damage", [lambda whole: b"", lambda whole: whole[:300], lambda whole: b"\x93NUMPY" + whole])
def test_a_damaged_file_is_one_sentence(tmp_path, damage):
    path = tmp_path / "state.npz"
    save_state(path, example())
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match="a saved state must be an archive that save_state wrote; got state.npz"):
        load_state(path, example())


def test_another_state_and_another_name_are_refused(tmp_path):
    save_state(tmp_path / "state.npz", example())
    training = Minibatches(jnp.zeros((4, 3)), jnp.ones(2), jnp.ones(2), 2, optax.sgd(1e-2))
    with pytest.raises(ValueError, match="a saved state must have the arrays"):
        load_state(tmp_path / "state.npz", training.init(one_per_level(linear_denoiser(3, 0.1), 2), KEY))
    for act in (lambda path: save_state(path, example()), lambda path: load_state(path, example())):
        with pytest.raises(ValueError, match="must end in .npz; got state"):
            act(tmp_path / "state")
