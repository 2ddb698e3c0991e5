"""Users' files of every format against independent writers."""

import gzip
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sims.data import arrays, user_files
from sims.data.user_files import load_user_data
from tests.oracles.user_files import BYTES, COLOUR_BYTES, FLOATS, RANDOM, idx_bytes, pixels, samples_of, write_images


@pytest.mark.parametrize(
    ("array", "expected", "image_shape"),
    [
        (FLOATS, FLOATS, None),
        (FLOATS.astype(np.float32), FLOATS.astype(np.float32), None),
        (FLOATS.astype(">f8"), FLOATS, None),
        (np.asfortranarray(FLOATS), FLOATS, None),
        (FLOATS > 0, (FLOATS > 0).astype(float), None),
        (np.arange(12, dtype=np.int16).reshape(6, 2), np.arange(12.0).reshape(6, 2), None),
        (BYTES, pixels(BYTES), (4, 5)),
        (BYTES.reshape(40, 20), pixels(BYTES), None),
        (BYTES[..., np.newaxis], pixels(BYTES), (4, 5)),
        (BYTES.astype(float), BYTES.reshape(40, 20), (4, 5)),
        (COLOUR_BYTES, pixels(COLOUR_BYTES), (4, 5, 3)),
    ],
)
@pytest.mark.parametrize("extension", ["npy", "npz"])
def test_numpy_files(tmp_path: Path, array, expected, image_shape, extension: str):
    path = tmp_path / f"mine.{extension}"
    np.save(path, array) if extension == "npy" else np.savez_compressed(path, anything=array)
    data = load_user_data(str(path))
    assert samples_of(data).dtype == np.float64
    assert data.image_shape == image_shape
    assert np.array_equal(samples_of(data), expected)
    assert data.description.startswith(f"{len(array)} samples of ")
    assert f"from mine.{extension}" in data.description
    assert ("scaled to [-1, 1]" in data.description) == (array.dtype == np.uint8)


@pytest.mark.parametrize("name", ["x", "images", "data"])
def test_npz_takes_the_array_with_a_known_name(tmp_path: Path, name: str):
    path = tmp_path / "mine.npz"
    np.savez(path, **{"labels": np.arange(10), name: FLOATS})
    assert np.array_equal(samples_of(load_user_data(path)), FLOATS)


@pytest.mark.parametrize(
    "name",
    [
        "t10k-images-idx3-ubyte",
        "t10k-images-idx3-ubyte.gz",
        "train-images.idx3-ubyte",
        "mine.idx",
        "mine.IDX.gz",
        "unnamed",
        "unnamed.bin",
        "unnamed.gz",
    ],
)
def test_idx_by_name_or_content(tmp_path: Path, name: str):
    path = tmp_path / name
    content = idx_bytes(BYTES)
    path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    data = load_user_data(path)
    assert np.array_equal(samples_of(data), pixels(BYTES))
    assert data.image_shape == (4, 5)


@pytest.mark.parametrize(("code", "dtype"), [(0x09, "i1"), (0x0B, "i2"), (0x0C, "i4"), (0x0D, "f4"), (0x0E, "f8")])
def test_idx_number_types(tmp_path: Path, code: int, dtype: str):
    array = np.array([[-100, 1], [2, 3], [4, 5]], dtype=dtype)
    if dtype.startswith("f"):
        array /= 7
    path = tmp_path / "mine.idx"
    path.write_bytes(idx_bytes(array, code))
    data = load_user_data(path)
    assert np.array_equal(samples_of(data), array.astype(float))
    assert data.image_shape is None


@pytest.mark.parametrize("extension", ["png", "bmp", "tiff", "PNG"])
def test_folder_of_lossless_images(tmp_path: Path, extension: str):
    grey = load_user_data(write_images(tmp_path / "grey", BYTES, extension))
    assert np.array_equal(samples_of(grey), pixels(BYTES))
    assert grey.image_shape == (4, 5)
    colour = load_user_data(write_images(tmp_path / "colour", COLOUR_BYTES, extension))
    assert np.array_equal(samples_of(colour), pixels(COLOUR_BYTES))
    assert colour.image_shape == (4, 5, 3)


@pytest.mark.parametrize("extension", ["jpg", "jpeg", "webp"])
def test_folder_of_compressed_images(tmp_path: Path, extension: str):
    """Evenly coloured images survive lossy compression to within a few of 255 levels."""
    colours = RANDOM.integers(0, 256, size=(4, 1, 1, 3), dtype=np.uint8)
    images = np.broadcast_to(colours, (4, 16, 16, 3))
    with pytest.warns(UserWarning, match=r"fewer samples \(4\) than dimensions \(768\)"):
        data = load_user_data(write_images(tmp_path / "images", images, extension))
    assert data.image_shape == (16, 16, 3)
    assert np.abs(samples_of(data) - pixels(images)).max() < 8 / 127.5


def test_folder_of_gifs(tmp_path: Path):
    """A palette of at most 256 colours holds these images exactly."""
    data = load_user_data(write_images(tmp_path / "images", COLOUR_BYTES, "gif"))
    assert np.array_equal(samples_of(data), pixels(COLOUR_BYTES))
    assert data.image_shape == (4, 5, 3)


def test_folder_ignores_other_files_and_drops_transparency(tmp_path: Path):
    folder = write_images(tmp_path / "images", COLOUR_BYTES)
    alpha = RANDOM.integers(0, 256, size=(4, 5, 1), dtype=np.uint8)
    Image.fromarray(np.concatenate([COLOUR_BYTES[0], alpha], axis=-1)).save(folder / "000.png")
    palette = Image.fromarray(COLOUR_BYTES[1]).quantize(256)
    palette.save(folder / "001.png", transparency=bytes(range(20)))
    (folder / "labels.txt").write_text("not an image")
    (folder / "._000.png").write_text("left by a file manager")
    (folder / "nested.png").mkdir()
    data = load_user_data(folder)
    assert len(samples_of(data)) == len(COLOUR_BYTES)
    assert np.array_equal(samples_of(data)[0], pixels(COLOUR_BYTES)[0])
    assert np.array_equal(samples_of(data)[2:], pixels(COLOUR_BYTES)[2:])


def test_black_and_white_images_are_grey(tmp_path: Path):
    folder = write_images(tmp_path / "images", BYTES > 127)
    assert np.array_equal(samples_of(load_user_data(folder)), pixels((BYTES > 127) * np.uint8(255)))


def test_too_few_samples_warn_of_a_deficient_rank_where_called(tmp_path: Path):
    np.save(tmp_path / "mine.npy", FLOATS.T)
    with pytest.warns(UserWarning, match=r"mine.npy .*\(3\) than dimensions \(10\).*rank deficient$") as record:
        data = load_user_data(tmp_path / "mine.npy", layout="rows")
    assert np.array_equal(samples_of(data), FLOATS.T)
    assert record[0].filename == __file__
    np.save(tmp_path / "mine.npy", FLOATS[:3])
    load_user_data(tmp_path / "mine.npy")  # as many as dimensions: no warning


@pytest.mark.parametrize("extension", ["npy", "npz"])
def test_layouts(tmp_path: Path, extension: str):
    def read(array: np.ndarray, layout: str) -> tuple[np.ndarray, tuple[int, ...] | None]:
        path = tmp_path / f"mine.{extension}"
        np.save(path, array) if extension == "npy" else np.savez_compressed(path, array)
        data = load_user_data(path, layout=layout)
        return samples_of(data), data.image_shape

    for array, expected, shape in (
        (COLOUR_BYTES.transpose(0, 3, 1, 2), COLOUR_BYTES, (4, 5, 3)),
        (BYTES[:, np.newaxis], BYTES, (4, 5)),
        (BYTES, BYTES, (4, 5)),
    ):
        for order in ("C", "F"):
            samples, image_shape = read(np.asarray(array, order=order), "chw")
            assert np.array_equal(samples, pixels(expected))
            assert image_shape == shape
    assert np.array_equal(read(COLOUR_BYTES, "hwc")[0], pixels(COLOUR_BYTES))
    assert np.array_equal(read(FLOATS, "rows")[0], FLOATS)
    assert np.array_equal(read(FLOATS.T, "columns")[0], FLOATS)
    assert np.array_equal(read(np.asfortranarray(FLOATS.T), "columns")[0], FLOATS)


def test_a_key_chooses_among_the_arrays_of_an_archive(tmp_path: Path):
    """The archives of CIFAR-10 and MNIST."""
    path = tmp_path / "mine.npz"
    np.savez(path, x_train=FLOATS, y_train=np.arange(10), x_test=FLOATS[:5])
    assert np.array_equal(samples_of(load_user_data(path, key="x_test")), FLOATS[:5])
    np.savez(path, x=FLOATS, other=FLOATS[:5])
    assert np.array_equal(samples_of(load_user_data(path, key="other")), FLOATS[:5])


@pytest.mark.parametrize("name", ["mine.npy", "mine.npz", "mine.idx", "mine.idx.gz"])
def test_blocks_are_all_of_the_samples_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str):
    monkeypatch.setattr(user_files, "BLOCK_BYTES", 8 * 20 * 7)
    path = tmp_path / name
    content = idx_bytes(BYTES)
    writers = {"npy": lambda: np.save(path, BYTES), "npz": lambda: np.savez_compressed(path, BYTES)}
    if path.suffix[1:] in writers:
        writers[path.suffix[1:]]()
    else:
        path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    told = []
    blocks = list(load_user_data(path).blocks("words", lambda *each: told.append(each)))
    assert [len(block) for block in blocks] == [7, 7, 7, 7, 7, 5]
    assert np.array_equal(np.concatenate(blocks), pixels(BYTES))
    assert told == [("words", done / 40) for done in (7, 14, 21, 28, 35, 40)]


@pytest.mark.parametrize("write", [np.save, np.savez, np.savez_compressed])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("layout", ["rows", "columns", "chw"])
def test_samples_that_are_spread_over_a_file_are_read_a_few_at_a_time(tmp_path, monkeypatch, write, order, layout):
    """As tables of columns in C's order and everything in Fortran's are: a slab of eleven samples, blocks of four."""
    samples = COLOUR_BYTES.astype(np.int16)
    flat = samples.reshape(70, 60)
    array = {"rows": flat, "columns": flat.T, "chw": samples.transpose(0, 3, 1, 2)}[layout]
    monkeypatch.setattr(user_files, "BLOCK_BYTES", 8 * 60 * 4)
    monkeypatch.setattr(arrays, "_SLAB_BYTES", 2 * 60 * 11)
    path = tmp_path / ("mine.npy" if write is np.save else "mine.npz")
    write(path, np.asarray(array, order=order))
    data = load_user_data(path, layout=layout)
    blocks = list(data.blocks())
    assert max(len(block) for block in blocks) == 4
    assert np.array_equal(np.concatenate(blocks), flat)


def test_a_table_of_columns_takes_no_more_memory_than_a_slab_and_a_block(tmp_path, monkeypatch):
    table = np.zeros((100, 100_000))  # 80 MB
    np.save(tmp_path / "mine.npy", table)
    monkeypatch.setattr(arrays, "_SLAB_BYTES", 1 << 22)
    monkeypatch.setattr(user_files, "BLOCK_BYTES", 1 << 20)
    data = load_user_data(tmp_path / "mine.npy", layout="columns")
    tracemalloc.start()
    count = sum(len(block) for block in data.blocks())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 100_000
    assert peak < 12e6
