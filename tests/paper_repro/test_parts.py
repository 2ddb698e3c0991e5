"""The parts below the command line: archives, atomic writes, data, durations."""

import os
import zipfile
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from paper_repro.archives import origin_of, pack, unpack
from paper_repro.atomic import remove_abandoned, temporary_name, write_atomically, write_folder_atomically
from paper_repro.durations import duration
from paper_repro.errors import UserError
from paper_repro.memory import forget_peak, peak_gigabytes

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


def test_an_archive_says_where_its_arrays_came_from():
    origin = {"device": "Prozessör", "seconds": 1.5}
    data = pack(ARRAYS, origin)
    assert origin_of(data) == origin
    assert origin_of(pack(ARRAYS)) == origin_of(b"damaged") == {}
    arrays = unpack(data)
    assert arrays is not None
    assert pack(arrays) == pack(ARRAYS)


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


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the system does not say")
def test_the_peak_is_that_of_the_stage():
    forget_peak()
    before = peak_gigabytes()
    block = np.ones(40_000_000)  # .32 GB
    assert 0.28 < peak_gigabytes() - before < 0.5
    assert block[-1] == 1
    del block
    assert peak_gigabytes() - before > 0.28  # still: a peak
    forget_peak()
    assert peak_gigabytes() - before < 0.1
