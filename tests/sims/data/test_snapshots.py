"""Snapshots of somebody's training run: named, opened in any order of axes, and refused in one sentence."""

import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from sims.data.snapshot_names import snapshot_files, step_in
from sims.data.snapshots import digest_of_snapshots, open_snapshots
from sims.data.user_files import UserData, load_user_data
from tests.oracles.user_files import COLOUR_BYTES, pixels, samples_of, write_images

RANDOM = np.random.default_rng(0)
GREY = RANDOM.normal(size=(30, 4, 5))
COLOUR = RANDOM.normal(size=(70, 4, 5, 3))
TABLE = RANDOM.normal(size=(30, 20))


def data_of(folder: Path, array: np.ndarray, layout: str | None = None) -> UserData:
    np.save(folder / "data.npy", array)
    return load_user_data(folder / "data.npy", layout=layout)


def run_of(folder: Path, **arrays: np.ndarray) -> Path:
    """A folder of snapshots by name."""
    (folder / "run").mkdir()
    for name, array in arrays.items():
        np.save(folder / "run" / f"{name}.npy", array)
    return folder / "run"


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("step_000100", 100),
        ("run3_step_000100_64x64", 100),
        ("Iteration-7-of-9", 7),
        ("steps.7", 7),
        ("network-snapshot-000200", 200),
        ("000010", 10),
        ("samples_64x64_000100", 100),
        ("step100k", 100_000),
        ("2M", 2_000_000),
        ("100kimg", 100),
        ("final", None),
    ],
)
def test_the_step_is_the_number_after_the_word_or_the_last(name, step):
    assert step_in(name) == step


def test_snapshots_are_in_the_order_of_their_steps_and_all_else_is_left_alone(tmp_path):
    folder = run_of(tmp_path, step_20=TABLE, step_3=TABLE, step_100=TABLE)
    for name in ("model_5.pt", ".step_7.npy", "loss.csv"):
        (folder / name).write_bytes(b"1")
    (folder / "checkpoints_9").mkdir()
    assert [each.step for each in snapshot_files(folder)] == [3, 20, 100]


FIRST, LAST = np.moveaxis(COLOUR, 3, 1), COLOUR
ACCEPTED = {
    "table": (TABLE, None, TABLE),
    "table of images": (TABLE, None, TABLE.reshape(30, 4, 5)),
    "table of images with a channel": (TABLE, None, TABLE.reshape(30, 1, 4, 5)),
    "columns": (TABLE.T, "columns", TABLE),
    "grey": (GREY, None, GREY),
    "grey, channel first": (GREY, None, GREY[:, None]),
    "grey, channel last": (GREY, None, GREY[..., None]),
    "grey, flat": (GREY, None, GREY.reshape(30, 20)),
    "colour": (LAST, None, LAST),
    "colour, channels first": (LAST, None, FIRST),
    "colour, data channels first": (FIRST, "chw", FIRST),
    "colour, data alone channels first": (FIRST, "chw", LAST),
}


@pytest.mark.filterwarnings("ignore:.*fewer samples")
@pytest.mark.parametrize(("array", "layout", "saved"), ACCEPTED.values(), ids=ACCEPTED.keys())
def test_samples_come_out_as_those_of_the_data_whatever_the_order_of_axes(tmp_path, array, layout, saved):
    data = data_of(tmp_path, array, layout)
    first, second = open_snapshots(run_of(tmp_path, step_0=saved[:7], step_1=saved), data)
    np.testing.assert_array_equal(samples_of(second.samples), samples_of(data))
    np.testing.assert_array_equal(samples_of(first.samples), samples_of(data)[:7])
    assert first.samples.image_shape == data.image_shape


def test_channels_that_fit_first_and_last_are_as_in_the_data(tmp_path):
    cubes = RANDOM.normal(size=(40, 3, 3, 3))
    folder = run_of(tmp_path, step_0=cubes, step_1=cubes)
    for layout in (None, "chw"):
        data = data_of(tmp_path, cubes, layout)
        np.testing.assert_array_equal(samples_of(open_snapshots(folder, data)[0].samples), samples_of(data))


def test_images_lie_in_a_folder_or_an_archive_for_each_step(tmp_path):
    """A folder of class folders counts as one too, as it does for data."""
    data = data_of(tmp_path, COLOUR_BYTES)
    folder = tmp_path / "run"
    folder.mkdir()
    write_images(folder / "step_5", COLOUR_BYTES[:5])
    write_images(folder / "step_6", COLOUR_BYTES[:6])
    shutil.make_archive(str(folder / "step_6"), "zip", folder / "step_6")
    shutil.rmtree(folder / "step_6")
    (folder / "step_7").mkdir()
    write_images(folder / "step_7" / "cats", COLOUR_BYTES[:7])
    found = open_snapshots(folder, data)
    assert [each.step for each in found] == [5, 6, 7]
    for each in found:
        np.testing.assert_allclose(samples_of(each.samples), pixels(COLOUR_BYTES[: each.step]), rtol=1e-15)


REFUSED = {
    "missing": (lambda at: at / "nothing", "does not exist; expected a folder with one file"),
    "a file": (lambda at: at / "data.npy", "is not a folder"),
    "empty": (run_of, "holds no snapshots"),
    "one": (lambda at: run_of(at, step_3=GREY), "holds one snapshot, step_3.npy; expected two or more"),
    "no step": (lambda at: run_of(at, first=GREY, step_3=GREY), "first.npy has no step in its name"),
    "same step": (
        lambda at: run_of(at, step_3=GREY, step_003=GREY),
        "step_003.npy and step_3.npy in .* both have the step 3; expected another",
    ),
    "one sample": (lambda at: run_of(at, step_0=GREY[:1], step_1=GREY), r"step_0.npy holds too few samples \(1\)"),
    "another size": (
        lambda at: run_of(at, step_0=GREY, step_1=GREY[:, :3]),
        r"step_1.npy has shape \(30, 3, 5\); expected samples as those of the data, \(n, 4, 5\)",
    ),
    "transposed": (lambda at: run_of(at, step_0=GREY, step_1=GREY.transpose(0, 2, 1)), r"expected .* \(n, 4, 5\)"),
    "colours": (lambda at: run_of(at, step_0=GREY, step_1=np.ones((3, 4, 5, 3))), r"expected .* \(n, 4, 5\)"),
    "words": (lambda at: run_of(at, step_0=GREY, step_1=np.array(["a", "b"])), "expected real numbers"),
}


@pytest.mark.parametrize(("make", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_run_on_the_data_is_refused_in_a_sentence(tmp_path, make, sentence):
    data = data_of(tmp_path, GREY)
    with pytest.raises(ValueError, match=sentence) as refused:
        open_snapshots(make(tmp_path), data)
    assert "\n" not in str(refused.value)


def test_flattened_colour_images_are_refused_since_their_order_is_not_known(tmp_path):
    data = data_of(tmp_path, COLOUR)
    folder = run_of(tmp_path, step_0=COLOUR.reshape(70, -1), step_1=COLOUR)
    with pytest.raises(ValueError, match=re.escape("has shape (70, 60); expected samples as those of the data, (n, 4")):
        open_snapshots(folder, data)


def test_images_of_one_step_in_a_folder_are_not_taken_for_snapshots(tmp_path):
    data = data_of(tmp_path, COLOUR_BYTES)
    with pytest.raises(ValueError, match="holds images of one step or of unknown ones"):
        open_snapshots(write_images(tmp_path / "run", COLOUR_BYTES[:5]), data)


def test_numbers_that_are_none_are_found_when_they_are_read(tmp_path):
    spoiled = GREY.copy()
    spoiled[4, 0, 0] = np.nan
    data = data_of(tmp_path, GREY)
    _, second = open_snapshots(run_of(tmp_path, step_0=GREY, step_1=spoiled), data)
    with pytest.raises(ValueError, match="step_1.npy holds NaN or infinite values, the first in sample 4"):
        samples_of(second.samples)


def test_the_digest_is_of_steps_and_numbers_and_of_no_path(tmp_path):
    folder = run_of(tmp_path, step_0=GREY, step_1=GREY + 1)
    first = digest_of_snapshots(folder)
    (folder / "notes.txt").write_text("lr 1e-4")
    moved = folder.rename(tmp_path / "elsewhere")
    (moved / "step_1.npy").rename(moved / "iter-00001.npy")
    assert digest_of_snapshots(moved) == first
    (moved / "iter-00001.npy").rename(moved / "step_2.npy")
    assert digest_of_snapshots(moved) != first
    np.save(moved / "step_2.npy", GREY + 2)
    (moved / "step_2.npy").rename(moved / "step_1.npy")
    assert digest_of_snapshots(moved) != first


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "step_1.npy")
    with pytest.raises(ValueError, match=r"step_1\.npy is not a regular file"):
        snapshot_files(tmp_path)
