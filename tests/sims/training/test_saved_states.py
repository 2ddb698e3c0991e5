"""States on disk: the same bits again, and never half a file."""

import signal
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from sims.networks.linear import linear_denoiser, one_per_level
from sims.training.checkpoints import load_state, save_state
from sims.training.descent import Minibatches
from sims.training.state import TrainingState, to_arrays

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


def test_another_state_and_another_name_are_refused(tmp_path):
    save_state(tmp_path / "state.npz", example())
    training = Minibatches(jnp.zeros((4, 3)), jnp.ones(2), jnp.ones(2), 2, optax.sgd(1e-2))
    with pytest.raises(ValueError, match="a saved state must have the arrays"):
        load_state(tmp_path / "state.npz", training.init(one_per_level(linear_denoiser(3, 0.1), 2), KEY))
    for act in (lambda path: save_state(path, example()), lambda path: load_state(path, example())):
        with pytest.raises(ValueError, match="must end in .npz; got state"):
            act(tmp_path / "state")
