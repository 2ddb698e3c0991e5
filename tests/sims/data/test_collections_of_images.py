"""Folders, class folders and archives of images of every kind, against the arrays that they were written from."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sims.data.user_files import digest_of, load_user_data
from tests.oracles.user_files import BYTES, COLOUR_BYTES, encoded, pixels, samples_of, write_images, zipped

FILES = {f"{index:03d}.png": encoded(image) for index, image in enumerate(BYTES)}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_turned_as_their_orientation_says(tmp_path: Path, orientation: int):
    """Files whose stored pixels are the inverse of what a viewer does to them."""
    stored = {1: 0, 2: "L", 3: 180, 4: "T", 5: "transpose", 6: 90, 7: "transverse", 8: 270}[orientation]
    undo = {
        0: lambda x: x,
        "L": np.fliplr,
        180: lambda x: np.rot90(x, 2),
        "T": np.flipud,
        "transpose": np.transpose,
        90: lambda x: np.rot90(x, 1),
        "transverse": lambda x: np.rot90(x, 2).T,
        270: lambda x: np.rot90(x, -1),
    }[stored]
    exif = Image.Exif()
    exif[0x0112] = orientation
    write_images(tmp_path / "images", BYTES)
    for index, image in enumerate(BYTES[:20]):
        turned = encoded(np.ascontiguousarray(undo(image)), exif=exif)
        (tmp_path / "images" / f"{index:03d}.png").write_bytes(turned)
    data = load_user_data(tmp_path / "images")
    assert data.image_shape == (4, 5)
    assert np.array_equal(samples_of(data), pixels(BYTES))


def test_grey_and_palette_images_in_a_colour_set_become_rgb(tmp_path: Path):
    folder = write_images(tmp_path / "images", COLOUR_BYTES)
    (folder / "000.png").write_bytes(encoded(COLOUR_BYTES[0, ..., 0]))
    (folder / "001.png").write_bytes(encoded(Image.fromarray(COLOUR_BYTES[1]).quantize(256)))
    (folder / "002.png").unlink()
    (folder / "002.gif").write_bytes(encoded(COLOUR_BYTES[2, ..., 1], "GIF"))
    data = load_user_data(folder)
    expected = COLOUR_BYTES.copy()
    expected[0], expected[2] = COLOUR_BYTES[0, ..., :1], COLOUR_BYTES[2, ..., 1:2]
    assert data.image_shape == (4, 5, 3)
    assert np.array_equal(samples_of(data)[[0, *range(2, 70)]], pixels(expected)[[0, *range(2, 70)]])


def test_palettes_without_colours_are_grey(tmp_path: Path):
    data = load_user_data(write_images(tmp_path / "images", BYTES, "gif"))
    assert data.image_shape == (4, 5)
    assert np.array_equal(samples_of(data), pixels(BYTES))


def test_class_folders_are_read_where_no_image_lies_beside_them(tmp_path: Path):
    for name, images in (("cat", BYTES[:15]), ("dog", BYTES[15:])):
        write_images(tmp_path / name, images)
    write_images(tmp_path / ".thumbnails", BYTES[:, 1:])
    (tmp_path / "results" / "figures").mkdir(parents=True)
    write_images(tmp_path / "results" / "figures", BYTES[:, 1:])
    assert np.array_equal(samples_of(load_user_data(tmp_path)), pixels(BYTES))
    (tmp_path / "999.png").write_bytes(FILES["000.png"])
    (tmp_path / "998.png").write_bytes(FILES["001.png"])
    with pytest.warns(UserWarning, match="fewer samples"):
        assert load_user_data(tmp_path).count == 2


@pytest.mark.parametrize("folder", ["", "00000/", "train/cat/"])
def test_archives_of_images(tmp_path: Path, folder: str):
    files = {folder + name: content for name, content in reversed(FILES.items())}
    others = {"dataset.json": b"{}", "__MACOSX/._000.png": b"", ".hidden.png": b"", f"{folder}.DS_Store": b""}
    data = load_user_data(zipped(files | others)(tmp_path))
    assert np.array_equal(samples_of(data), pixels(BYTES))
    assert data.description == "40 samples of 4 x 5 pixels from mine.zip, bytes scaled to [-1, 1]"


def test_headers_and_rows_are_read_with_the_fraction_that_is_done(tmp_path: Path):
    told = []
    data = load_user_data(write_images(tmp_path / "images", BYTES), told=lambda *each: told.append(each))
    assert told[0] == ("looking at the images in images", 1 / 40)
    assert told[-1] == ("looking at the images in images", 1.0)
    list(data.blocks("reading", lambda *each: told.append(each)))
    assert told[-1] == ("reading", 1.0)


def test_the_digest_is_that_of_the_images_that_are_used(tmp_path: Path):
    folder = write_images(tmp_path / "images", BYTES)
    before = digest_of(folder)
    (folder / ".DS_Store").write_bytes(b"1")
    (folder / "labels.csv").write_bytes(b"1")
    (folder / "results").mkdir()
    (folder / "results" / "a.png").write_bytes(FILES["000.png"])
    assert digest_of(folder) == before
    assert digest_of(folder.rename(tmp_path / "moved")) == before
    (tmp_path / "moved" / "000.png").write_bytes(FILES["001.png"])
    assert digest_of(tmp_path / "moved") != before


def test_the_digest_of_a_file_is_its_own_and_changes_with_how_it_is_read(tmp_path: Path):
    path = tmp_path / "mine.npz"
    path.write_bytes(b"hello")
    assert digest_of(path) == "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    digests = {digest_of(path, key=key, layout=layout) for key in (None, "x", "y") for layout in (None, "chw")}
    assert len(digests) == 6
