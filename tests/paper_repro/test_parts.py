"""The parts below the command line: archives, atomic writes, code versions, time left."""

import ast
import os
import subprocess
import sys
import zipfile

import jax.numpy as jnp
import numpy as np
import pytest
from paper_repro.compiler import set_flags

from paper_repro.addresses import data_digest
from paper_repro.atomic import (
    pack,
    remove_abandoned,
    temporary_name,
    unpack,
    write_atomically,
    write_folder_atomically,
)
from paper_repro.code_version import computing_statements
from paper_repro.durations import duration
from paper_repro.errors import UserError
from paper_repro.progress import Bar, Estimate, Lines

ARRAYS = {
    "b": np.arange(6.0).reshape(2, 3).T,
    "a": np.float32(1.5),
    "nested/name": np.array([True, False]),
    "empty": np.zeros((0, 3), dtype=np.complex128),
    "text": np.array(["x", "yz"]),
}


def test_archive_gives_the_arrays_back():
    arrays = unpack(pack(ARRAYS))
    assert arrays is not None
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)


def test_archive_bytes_depend_on_the_arrays_alone(tmp_path, monkeypatch):
    first = pack(ARRAYS)
    monkeypatch.setattr("time.time", lambda: 2e9)
    assert pack(dict(reversed(ARRAYS.items()))) == first
    assert pack(ARRAYS | {"b": np.asfortranarray(ARRAYS["b"])}) == first
    assert pack(ARRAYS | {"a": np.float32(1.25)}) != first
    (tmp_path / "a.npz").write_bytes(first)
    dates = {entry.date_time for entry in zipfile.ZipFile(tmp_path / "a.npz").infolist()}
    assert dates == {(1980, 1, 1, 0, 0, 0)}


def test_arrays_that_would_not_come_back_are_refused():
    with pytest.raises(TypeError, match="dtype object"):
        pack({"a": np.array([None])})
    with pytest.raises(TypeError, match="bfloat16"):
        pack({"a": jnp.ones(2, dtype=jnp.bfloat16)})


def test_damaged_archives_are_seen():
    data = pack({"a": np.arange(100.0)})
    middle = len(data) // 2
    flipped = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
    for damaged in (b"", b"not a zip", data[:-10], data[:middle], flipped):
        assert unpack(damaged) is None


def test_a_kill_while_writing_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_write_that_fails_is_one_sentence(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UserError, match="cannot write .*file/x: ") as caught:
        write_atomically(tmp_path / "file" / "x", b"")
    assert caught.value.exit_code == 1


def test_a_folder_that_is_there_is_kept_if_sound_and_replaced_if_not(tmp_path):
    folder = tmp_path / "result"
    write_folder_atomically(folder, {"a": b"1"}, lambda: pytest.fail("nothing to validate yet"))
    write_folder_atomically(folder, {"a": b"2"}, lambda: True)
    assert (folder / "a").read_bytes() == b"1"
    write_folder_atomically(folder, {"a": b"3"}, lambda: False)
    assert (folder / "a").read_bytes() == b"3"


def test_only_what_dead_writers_left_is_removed(tmp_path, monkeypatch):
    own = temporary_name(tmp_path / "x")
    own.write_bytes(b"")
    old = temporary_name(tmp_path / "x")
    old.write_bytes(b"")
    os.utime(old, (0, 0))
    foreign = tmp_path / ".temporary-ffffffff-1-abcdef"
    foreign.write_bytes(b"")
    (tmp_path / "result").write_bytes(b"")
    monkeypatch.setattr(os, "getpid", lambda: 2**22 + 1)  # above the largest process id there can be
    dead = temporary_name(tmp_path / "x")
    dead.mkdir()
    (dead / "half").write_bytes(b"")
    remove_abandoned(tmp_path)
    assert set(tmp_path.iterdir()) == {own, foreign, tmp_path / "result"}


FIGURE = """
import numpy as np
from matplotlib import pyplot as plt
from dataclasses import dataclass

@dataclass(frozen=True)
class Config:
    n: int
    @property
    def twice(self): return 2 * self.n

PRESETS = {"quick": Config(3)}
COLOUR = "red"
SCALE, OFFSET = 1.0, 2.0
TABLE = {}
TABLE["x"] = 1

def helper(x): return both(x) * SCALE
def both(x): return x
def compute(config, *, key, stage): return {"x": helper(np.zeros(config.twice))}
def label(x): return COLOUR + other_label(x)
def other_label(x): return str(both(x))
def draw(arrays): return plt.figure(label(arrays))
def claims(arrays): return []
"""


def names_kept(source: str) -> str:
    return "\n".join(ast.unparse(statement) for statement in computing_statements(ast.parse(source)))


def test_drawing_and_its_helpers_are_no_part_of_the_code_version():
    kept = names_kept(FIGURE)
    for absent in ("draw", "claims", "label", "COLOUR", "plt", "PRESETS"):
        assert absent not in kept
    for present in ("compute", "helper", "both", "SCALE", "class Config", "TABLE['x'] = 1", "numpy"):
        assert present in kept


def test_what_compute_reads_is_kept_whatever_else_reads_it():
    kept = names_kept(FIGURE.replace("config.twice", "PRESETS['quick'].twice + len(claims(0))"))
    assert "PRESETS = " in kept
    assert "def claims" in kept
    assert "def draw" not in kept


def test_data_is_known_by_content(tmp_path):
    first, second = tmp_path / "a.npy", tmp_path / "b.npy"
    first.write_bytes(b"1")
    second.write_bytes(b"1")
    assert data_digest(first) == data_digest(second)
    second.write_bytes(b"2")
    assert data_digest(first) != data_digest(second)
    digest = data_digest(tmp_path)
    assert data_digest(tmp_path) == digest
    second.rename(tmp_path / "c.npy")
    assert data_digest(tmp_path) != digest


def test_time_left_follows_the_pace():
    now = 0.0
    estimate = Estimate({"a": 10.0, "b": 30.0}, clock=lambda: now)
    assert (estimate.fraction(), estimate.seconds_left()) == (0.0, 40.0)
    estimate.start("a", 0.5)
    estimate.finish("a", None)  # from a checkpoint: progress, but no news about the pace
    assert (estimate.fraction(), estimate.seconds_left()) == (5 / 40, 35.0)
    estimate.start("a", 0.5)
    now = 10.0
    assert estimate.fraction() == pytest.approx((5 + 0.95 * 5) / 40)
    estimate.finish("a", 10.0)  # twice as slow as expected
    estimate.done("a")
    assert (estimate.fraction(), estimate.seconds_left()) == (10 / 40, 60.0)
    estimate.start("b", 0.3)
    estimate.finish("b", 9.0)
    estimate.done("b")
    assert (estimate.fraction(), estimate.seconds_left()) == (1.0, 0.0)


def test_durations_are_readable():
    assert [duration(s) for s in (0.4, 40, 99.4, 100, 600, 5400, 6000)] == [
        "0 s",
        "40 s",
        "99 s",
        "2 min",
        "10 min",
        "90 min",
        "1 h 40 min",
    ]


def test_the_bar_leaves_a_line_per_figure(capsys):
    with Bar(Estimate({"a": 1.0})) as bar:
        bar.start("a", "one", 1.0)
        bar.finish("a", 0.5)
        bar.done("a", stored=False)
        bar.done("b", stored=True)
    err = capsys.readouterr().err
    assert "a: done\n" in err
    assert "b: already stored\n" in err


def test_time_left_with_figures_side_by_side():
    now = 0.0
    estimate = Estimate({"a": 10.0, "b": 10.0, "c": 20.0}, clock=lambda: now)
    estimate.start("a", 1.0)
    estimate.start("b", 1.0)
    now = 4.0
    assert estimate.fraction() == pytest.approx(8 / 40)
    now = 10.0
    for figure in ("a", "b"):
        estimate.finish(figure, 10.0)
        estimate.done(figure)
    # Twenty expected seconds passed in ten.
    assert (estimate.fraction(), estimate.seconds_left()) == (0.5, 10.0)


def test_lines_of_figures_side_by_side(capsys):
    with Lines(sys.stderr) as lines:
        lines.start("a", "one", 0.5)
        lines.start("b", "two", 0.5)
        lines.finish("a", 12.34)
        lines.done("a", stored=False)
        lines.finish("b", None)
    expected = ["[a] one …", "[b] two …", "[a] one: 12.3 s", "[a] done", "[b] two: from its checkpoint"]
    assert capsys.readouterr().err.splitlines() == expected


@pytest.mark.parametrize(
    ("jaxlib", "user", "expected"),
    [
        ("0.10.2", "", "--ours --second"),
        ("0.10.2", "--theirs --ours=false", "--ours --second --theirs --ours=false"),
        ("0.11.0", "--theirs", "--theirs"),  # a flag that XLA does not know ends the process
    ],
)
def test_compiler_flags_come_before_the_users(monkeypatch, jaxlib, user, expected):
    monkeypatch.setattr("importlib.metadata.version", lambda name: {"jaxlib": jaxlib}[name])
    monkeypatch.setenv("XLA_FLAGS", user)
    for _ in range(2):  # in the command, and again in each process that inherits its environment
        set_flags("--ours", "--second")
        assert os.environ["XLA_FLAGS"] == expected


def test_this_xla_knows_the_compiler_flags():
    """An unknown flag ends a process: the flags are set in a new one, where JAX then computes."""
    program = (
        "from paper_repro.compiler import ONE_THREAD, QUICK_TO_COMPILE, set_flags; set_flags(QUICK_TO_COMPILE, "
        "ONE_THREAD); import jax.numpy as jnp; print(float(jnp.arange(4.0).sum()))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, "6.0"), done.stderr
