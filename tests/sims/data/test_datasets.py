"""Data sets against the photographs, definitions and independent writers; every refusal by its sentence."""

import gzip
import pickle
import struct
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import jax
import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits, load_sample_images

from sims.data import built_in as datasets
from sims.data.user_files import load_user_data

KEY = jax.random.key(7)
RANDOM = np.random.default_rng(0)
BYTES = RANDOM.integers(0, 256, size=(40, 4, 5), dtype=np.uint8)
COLOUR_BYTES = RANDOM.integers(0, 256, size=(70, 4, 5, 3), dtype=np.uint8)
FLOATS = RANDOM.normal(size=(10, 3))


# --- Photographs, digits, Gaussians ---


@pytest.mark.parametrize("channels", ["grey", "colour"])
@pytest.mark.parametrize("size", [1, 8, 32])
def test_patches_are_cut_from_the_photographs(channels: Literal["grey", "colour"], size: int):
    patches = datasets.natural_image_patches(KEY, count=30, size=size, channels=channels)
    assert patches.dtype == np.float64
    assert patches.shape == (30, size * size * (3 if channels == "colour" else 1))
    assert np.abs(patches).max() <= 1.0
    photographs = load_sample_images().images
    found_in = {_photograph_holding(patch, photographs, size) for patch in patches}
    assert found_in == {0, 1}  # both photographs are used, and no patch comes from elsewhere


def _photograph_holding(patch: np.ndarray, photographs: list[np.ndarray], size: int) -> int | None:
    """Brute force: every place whose first pixel agrees is compared in full."""
    patch = patch.reshape(size, size, -1)
    for index, photograph in enumerate(photographs):
        pixels = photograph / 127.5 - 1.0
        if patch.shape[-1] == 1:
            red, green, blue = np.moveaxis(pixels, -1, 0)
            pixels = (0.299 * red + 0.587 * green + 0.114 * blue)[..., np.newaxis]
        places = np.argwhere(np.all(np.abs(pixels - patch[0, 0]) < 1e-12, axis=-1))
        for row, column in places:
            window = pixels[row : row + size, column : column + size]
            if window.shape == patch.shape and np.allclose(window, patch, rtol=0, atol=1e-12):
                return index
    return None


def test_patches_as_large_as_the_photographs():
    patches = datasets.natural_image_patches(KEY, count=2, size=427)
    assert patches.shape == (2, 427 * 427)


def test_single_pixels_have_the_statistics_of_the_photographs():
    """One-pixel patches sample all pixels uniformly: mean within 4 standard errors."""
    pixels = np.stack(load_sample_images().images) / 127.5 - 1.0
    luma = pixels @ [0.299, 0.587, 0.114]
    sample = datasets.natural_image_patches(KEY, count=200_000, size=1)
    assert abs(sample.mean() - luma.mean()) < 4 * luma.std() / np.sqrt(200_000)


def test_patches_repeat_with_the_key_and_change_with_it():
    first = datasets.natural_image_patches(KEY, count=20)
    assert np.array_equal(first, datasets.natural_image_patches(KEY, count=20))
    assert not np.array_equal(first, datasets.natural_image_patches(jax.random.key(8), count=20))


def test_patches_do_not_depend_on_the_float_precision():
    first = datasets.natural_image_patches(KEY, count=20)
    with jax.enable_x64(False):
        assert np.array_equal(first, datasets.natural_image_patches(KEY, count=20))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"count": 3, "size": 428}, "between 1 and 427.*427 x 640 photographs, not 428"),
        ({"count": 3, "size": 0}, "between 1 and 427.*not 0"),
        ({"count": 0}, "count must be at least 1, not 0"),
        ({"count": 3, "channels": "gray"}, "'grey' or 'colour', not 'gray'"),
    ],
)
def test_patches_refuse(arguments: dict, sentence: str):
    with pytest.raises(ValueError, match=sentence):
        datasets.natural_image_patches(KEY, **arguments)


def test_digits():
    digits = datasets.digits()
    assert digits.shape == (1797, 64)
    assert digits.dtype == np.float64
    assert (digits.min(), digits.max()) == (-1.0, 1.0)
    assert np.array_equal((digits + 1.0) * 8.0, load_digits(return_X_y=True)[0])


def test_gaussian_samples_have_the_mean_and_covariance():
    """Each entry of the sample moments within 5 standard errors of the defining formula."""
    count, mean, variances = 50_000, np.array([1.0, -2.0, 0.5]), np.array([4.0, 1.0])
    basis = np.linalg.qr(RANDOM.normal(size=(3, 2)))[0]
    samples = datasets.gaussian_samples(KEY, count=count, mean=mean, variances=variances, basis=basis)
    assert samples.shape == (count, 3)
    assert samples.dtype == np.float64
    covariance = basis @ np.diag(variances) @ basis.T
    spread = np.diag(covariance)
    assert np.all(np.abs(samples.mean(axis=0) - mean) < 5 * np.sqrt(spread / count))
    standard_error = np.sqrt((np.outer(spread, spread) + covariance**2) / count)
    assert np.all(np.abs(np.cov(samples.T) - covariance) < 5 * standard_error)
    null_direction = np.linalg.svd(basis.T)[2][-1]
    np.testing.assert_allclose((samples - mean) @ null_direction, 0.0, atol=1e-13)


def test_gaussian_samples_scale_one_standard_normal_draw():
    normal = datasets.gaussian_samples(KEY, count=5, mean=[0.0, 0.0], variances=[1.0, 1.0])
    samples = datasets.gaussian_samples(KEY, count=5, mean=[3.0, 1.0], variances=[9.0, 0.0])
    assert np.array_equal(samples, normal * [3.0, 0.0] + [3.0, 1.0])
    swapped = datasets.gaussian_samples(KEY, count=5, mean=[3.0, 1.0], variances=[9.0, 0.0], basis=[[0, 1], [1, 0]])
    np.testing.assert_allclose(swapped, (samples - [3.0, 1.0])[:, ::-1] + [3.0, 1.0], rtol=1e-15)
    assert not np.array_equal(
        normal, datasets.gaussian_samples(jax.random.key(8), count=5, mean=[0.0, 0.0], variances=[1.0, 1.0])
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"count": 0, "mean": [0.0], "variances": [1.0]}, "count must be at least 1"),
        ({"count": 2, "mean": [0.0], "variances": [-1.0]}, "must not be negative or NaN; the smallest is -1"),
        ({"count": 2, "mean": [0.0], "variances": [np.nan]}, "must not be negative or NaN"),
        ({"count": 2, "mean": [0.0, 0.0], "variances": [1.0]}, r"not \(2,\), \(1,\) and \(2, 2\)"),
        ({"count": 2, "mean": 0.0, "variances": [1.0]}, r"not \(\), \(1,\) and"),
        ({"count": 2, "mean": [0.0], "variances": [1.0], "basis": np.eye(2)}, r"and \(2, 2\)"),
    ],
)
def test_gaussian_samples_refuse(arguments: dict, sentence: str):
    with pytest.raises(ValueError, match=sentence):
        datasets.gaussian_samples(KEY, **arguments)


# --- Point masses ---


def test_point_masses_of_vastola():
    assert datasets.triple().tolist() == [[-1.0], [0.0], [1.0]]
    np.testing.assert_allclose(datasets.line(), [[v, v] for v in (-1, -0.6, -0.2, 0.2, 0.6, 1)], atol=1e-15)
    corner = [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0.5, -1), (1, -1)]
    assert np.array_equal(datasets.l_shape(), corner)
    irregular = [(-1, -1), (-0.9, 1), (-0.3, 0.2), (0.1, -0.1), (0.2, -0.1), (0.9, 0.7)]
    assert np.array_equal(datasets.random_points(), irregular)


@pytest.mark.parametrize("vertices", [1, 3, 4, 6])
def test_polygon_is_the_roots_of_unity(vertices: int):
    corners = datasets.polygon(vertices, angle=0.3, radius=2.0)
    assert corners.shape == (vertices, 2)
    corners = corners[:, 0] + 1j * corners[:, 1]
    np.testing.assert_allclose((corners / (2 * np.exp(0.3j))) ** vertices, 1.0, atol=1e-14)
    assert corners[0] == pytest.approx(2 * np.exp(0.3j), abs=1e-15)
    assert len(np.unique(corners.round(12))) == vertices
    with pytest.raises(ValueError, match="at least 1 vertex, not 0"):
        datasets.polygon(0)


def test_rotated_square():
    np.testing.assert_allclose(datasets.rotated_square(0.0), [[1, 0], [0, 1], [-1, 0], [0, -1]], atol=1e-15)
    half = np.sqrt(0.5)
    expected = [[half, half], [-half, half], [-half, -half], [half, -half]]
    np.testing.assert_allclose(datasets.rotated_square(np.pi / 4), expected, atol=1e-15)


# --- Users' files that are read ---


def idx_bytes(array: np.ndarray, code: int = 0x08) -> bytes:
    """IDX written from its definition: two zeros, type, rank, big-endian sizes, big-endian data."""
    header = bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def write_images(folder: Path, images: np.ndarray, extension: str = "png") -> Path:
    folder.mkdir(exist_ok=True)
    for index, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{index:03d}.{extension}")
    return folder


def pixels(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1) / 127.5 - 1.0


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
    assert data.samples.dtype == np.float64
    assert data.image_shape == image_shape
    assert np.array_equal(data.samples, expected)
    assert data.description.startswith(f"{len(array)} samples of ")
    assert f"from mine.{extension}" in data.description
    assert ("scaled to [-1, 1]" in data.description) == (array.dtype == np.uint8)


@pytest.mark.parametrize("name", ["x", "images", "data"])
def test_npz_takes_the_array_with_a_known_name(tmp_path: Path, name: str):
    path = tmp_path / "mine.npz"
    np.savez(path, **{"labels": np.arange(10), name: FLOATS})
    assert np.array_equal(load_user_data(path).samples, FLOATS)


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
    assert np.array_equal(data.samples, pixels(BYTES))
    assert data.image_shape == (4, 5)


@pytest.mark.parametrize(("code", "dtype"), [(0x09, "i1"), (0x0B, "i2"), (0x0C, "i4"), (0x0D, "f4"), (0x0E, "f8")])
def test_idx_number_types(tmp_path: Path, code: int, dtype: str):
    array = np.array([[-100, 1], [2, 3], [4, 5]], dtype=dtype)
    if dtype.startswith("f"):
        array /= 7
    path = tmp_path / "mine.idx"
    path.write_bytes(idx_bytes(array, code))
    data = load_user_data(path)
    assert np.array_equal(data.samples, array.astype(float))
    assert data.image_shape is None


@pytest.mark.parametrize("extension", ["png", "bmp", "tiff", "PNG"])
def test_folder_of_lossless_images(tmp_path: Path, extension: str):
    grey = load_user_data(write_images(tmp_path / "grey", BYTES, extension))
    assert np.array_equal(grey.samples, pixels(BYTES))
    assert grey.image_shape == (4, 5)
    colour = load_user_data(write_images(tmp_path / "colour", COLOUR_BYTES, extension))
    assert np.array_equal(colour.samples, pixels(COLOUR_BYTES))
    assert colour.image_shape == (4, 5, 3)


@pytest.mark.parametrize("extension", ["jpg", "jpeg", "webp"])
def test_folder_of_compressed_images(tmp_path: Path, extension: str):
    """Evenly coloured images survive lossy compression to within a few of 255 levels."""
    colours = RANDOM.integers(0, 256, size=(4, 1, 1, 3), dtype=np.uint8)
    images = np.broadcast_to(colours, (4, 16, 16, 3))
    with pytest.warns(UserWarning, match=r"fewer samples \(4\) than dimensions \(768\)"):
        data = load_user_data(write_images(tmp_path / "images", images, extension))
    assert data.image_shape == (16, 16, 3)
    assert np.abs(data.samples - pixels(images)).max() < 8 / 127.5


def test_folder_of_gifs(tmp_path: Path):
    """A palette of at most 256 colours holds these images exactly."""
    data = load_user_data(write_images(tmp_path / "images", COLOUR_BYTES, "gif"))
    assert np.array_equal(data.samples, pixels(COLOUR_BYTES))
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
    assert len(data.samples) == len(COLOUR_BYTES)
    assert np.array_equal(data.samples[0], pixels(COLOUR_BYTES)[0])
    assert np.array_equal(data.samples[2:], pixels(COLOUR_BYTES)[2:])


def test_black_and_white_images_are_grey(tmp_path: Path):
    folder = write_images(tmp_path / "images", BYTES > 127)
    assert np.array_equal(load_user_data(folder).samples, pixels((BYTES > 127) * np.uint8(255)))


def test_too_few_samples_warn_of_a_deficient_rank_where_called(tmp_path: Path):
    np.save(tmp_path / "mine.npy", FLOATS.T)
    with pytest.warns(UserWarning, match=r"mine.npy .*\(3\) than dimensions \(10\).*rank deficient\.$") as record:
        data = load_user_data(tmp_path / "mine.npy")
    assert np.array_equal(data.samples, FLOATS.T)
    assert record[0].filename == __file__
    np.save(tmp_path / "mine.npy", FLOATS[:3])
    load_user_data(tmp_path / "mine.npy")  # as many as dimensions: no warning


# --- Users' files that are refused ---


def written(name: str, content: bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return write


def saved(array) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        np.save(folder / "mine.npy", array, allow_pickle=True)
        return folder / "mine.npy"

    return write


def archived(**arrays) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        np.savez(folder / "mine.npz", allow_pickle=True, **arrays)
        return folder / "mine.npz"

    return write


def pictured(*images: np.ndarray) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        return write_images(folder / "images", images)  # pyright: ignore[reportArgumentType]

    return write


def cut(write: Callable[[Path], Path], length: int, name: str = "") -> Callable[[Path], Path]:
    """The same file, or the file `name` in the same folder, cut off after `length` bytes."""

    def write_part(folder: Path) -> Path:
        path = write(folder)
        file = path / name if name else path
        file.write_bytes(file.read_bytes()[:length])
        return path

    return write_part


WITH_NAN = np.where(np.arange(30).reshape(10, 3) < 28, FLOATS, np.nan)
WITH_INFINITY = np.where(np.arange(30).reshape(10, 3) != 13, FLOATS, -np.inf)

REFUSALS = {
    "missing": (lambda folder: folder / "mine.npz", r"mine\.npz does not exist; expected \.npy, \.npz, IDX"),
    "extension": (
        written("mine.csv", b"1,2\n3,4\n"),
        r"mine\.csv has the unsupported extension '\.csv'; exp",
    ),
    "no file": (lambda folder: Path("/dev/null"), "/dev/null is not a regular file; expected"),
    "empty npy": (written("mine.npy", b""), r"mine\.npy is empty \(0 bytes\); expected"),
    "empty npz": (written("mine.npz", b""), r"mine\.npz is empty \(0 bytes\)"),
    "empty idx": (written("mine.idx", b""), r"mine\.idx is empty \(0 bytes\)"),
    "not npy": (
        written("mine.npy", b"hello there"),
        r"mine\.npy is not a NumPy file; expected one written by",
    ),
    "cut npy": (cut(saved(FLOATS), 150), r"mine\.npy is truncated or corrupt; expected a whole NumPy file"),
    "cut npy head": (cut(saved(FLOATS), 20), r"mine\.npy is truncated or corrupt"),
    "cut npz": (cut(archived(x=FLOATS), 200), r"mine\.npz is truncated or corrupt; expected a whole NumPy"),
    "no arrays": (archived(), r"mine\.npz holds no arrays; expected one array"),
    "objects": (
        saved(np.array([[1, "a"], [2, None]], object)),
        r"mine\.npy holds Python objects, which are nev",
    ),
    "npz objects": (archived(x=np.array([[{}], [2]], object)), r"mine\.npz holds Python objects"),
    "several": (
        archived(a=FLOATS, b=FLOATS),
        r"mine\.npz holds several arrays \(a, b\); expected a single one",
    ),
    "text": (saved(np.array([["a", "b"]])), r"mine\.npy holds values of type <U1; expected real numbers"),
    "complex": (saved(FLOATS + 1j), r"values of type complex128; expected real numbers"),
    "dates": (saved(np.array([["2025-01-01"]], "M8[D]")), r"values of type datetime64\[D\]; expected real"),
    "0-d": (saved(3.0), r"mine\.npy holds a 0-dimensional array of shape \(\); expected \(n, d\)"),
    "1-d": (
        saved(np.arange(4.0)),
        r"mine\.npy holds a 1-dimensional array of shape \(4,\); expected \(n, d\)",
    ),
    "5-d": (saved(np.zeros((2, 2, 2, 2, 3))), r"holds a 5-dimensional array of shape \(2, 2, 2, 2, 3\)"),
    "channels first": (
        saved(np.zeros((9, 3, 4, 4))),
        r"shape \(9, 3, 4, 4\); expected \(n, h, w, c\) with c = 1",
    ),
    "one sample": (saved(FLOATS[:1]), r"mine\.npy holds too few samples \(1\); expected at least 2"),
    "no samples": (saved(FLOATS[:0]), r"mine\.npy holds too few samples \(0\)"),
    "no features": (
        saved(FLOATS[:, :0]),
        r"mine\.npy has shape \(10, 0\), without any values; expected at least",
    ),
    "NaN": (
        saved(WITH_NAN),
        r"mine\.npy holds 2 NaN or infinite values, the first in sample 9 \(counting from 0",
    ),
    "infinity": (saved(WITH_INFINITY), r"mine\.npy holds 1 NaN or infinite values, the first in sample 4 "),
    "constant": (saved(np.ones((9, 1)) * [1.0, 2.0]), r"mine\.npy has zero variance: all samples are equal"),
    "not idx": (
        written("mine.idx", b"hello"),
        r"mine\.idx is not an IDX file: it begins.* '68 65 6c 6c'; expec",
    ),
    "not idx in gzip": (written("mine.tar.gz", gzip.compress(b"hello")), r"mine\.tar\.gz is not an IDX file"),
    "idx type": (written("mine.idx", b"\0\0\x0a\1"), r"mine\.idx is not an IDX file: it .* '00 00 0a 01'"),
    "short idx": (written("mine.idx", b"\0\0\x08"), r"mine\.idx is not an IDX file: it begins .* '00 00 08'"),
    "cut idx head": (
        written("mine.idx", idx_bytes(BYTES)[:9]),
        r"ends within its header of 16 bytes; expected a",
    ),
    "cut idx": (
        written("mine.idx", idx_bytes(BYTES)[:-1]),
        r"mine\.idx is truncated or corrupt: expected 800 bytes .* its shape \(40, 4, 5\), found 799",
    ),
    "long idx": (written("mine.idx", idx_bytes(BYTES) + b"1"), "expected 800 bytes .*, found 801"),
    "huge idx": (written("mine.idx", b"\0\0\x08\3" + b"\xff" * 12), r"expected \d{29} bytes .*, found 0"),
    "idx rank": (
        written("mine.idx", b"\0\0\x08\xff" + bytes(4 * 255)),
        r"mine\.idx is truncated or corrupt; expected a whole IDX",
    ),
    "idx labels": (
        written("mine.idx", idx_bytes(BYTES[:, 0, 0])),
        r"holds a 1-dimensional array of shape \(40,",
    ),
    "cut gzip": (
        written("mine.idx.gz", gzip.compress(idx_bytes(BYTES))[:-100]),
        r"mine\.idx\.gz is truncated or corrupt; expected a whole gzip file",
    ),
    "bad gzip": (
        written("mine.idx.gz", b"\x1f\x8b" + b"\xff" * 30),
        r"mine\.idx\.gz is truncated or corrupt",
    ),
    "empty folder": (lambda folder: folder, r"holds no images; expected \.png, .* directly in the folder"),
    "no images": (lambda folder: written("mine.txt", b"1")(folder).parent, "holds no images; expected"),
    "unequal images": (
        pictured(BYTES[0], BYTES[1], BYTES[2, 1:], BYTES[3, 2:]),
        r"002\.png has shape \(3, 5\) but 000\.png has shape \(4, 5\); expected images of one shape",
    ),
    "grey and colour": (
        pictured(BYTES[0], COLOUR_BYTES[0]),
        r"001\.png has shape \(4, 5, 3\) but 000\.png has",
    ),
    "one image": (pictured(BYTES[0]), r"images holds too few samples \(1\)"),
    "equal images": (pictured(BYTES[0], BYTES[0]), "images has zero variance"),
    "cut image": (
        cut(pictured(BYTES[0], BYTES[1]), 50, "001.png"),
        r"001\.png is truncated or corrupt; expected a whole image",
    ),
    "empty image": (cut(pictured(BYTES[0], BYTES[1]), 0, "001.png"), r"001\.png is truncated or corrupt"),
    "16-bit image": (
        pictured(BYTES[0].astype(np.uint16)),
        r"000\.png has more than 8 bits per pixel \(mode I;16\)",
    ),
}


@pytest.mark.parametrize(("write", "sentence"), REFUSALS.values(), ids=REFUSALS.keys())
def test_refusal(tmp_path: Path, write: Callable[[Path], Path], sentence: str):
    path = write(tmp_path)
    with pytest.raises(ValueError, match=sentence) as caught:
        load_user_data(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert message.endswith(".")
    assert "\n" not in message


def test_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The administrator may read any file, so the system's refusal is put in its place."""
    np.save(tmp_path / "mine.npy", FLOATS)

    def refuse(path: Path, mode: str):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ValueError, match=r"mine\.npy cannot be read: Permission denied\.$"):
        load_user_data(tmp_path / "mine.npy")


def test_nothing_is_unpickled(tmp_path: Path):
    """A pickle that creates a file when it is loaded, alone and as the contents of an object array."""
    trap = tmp_path / "trap"
    path = tmp_path / "mine.npy"
    pickled = b"\x80\x04cpathlib\nPath.touch\n(cpathlib\nPath\n(V" + str(trap).encode() + b"\ntRtR."
    pickle.loads(pickled)
    assert trap.exists()
    trap.unlink()
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (2, 2), }".ljust(117) + b"\n"
    object_array = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + pickled
    for content, sentence in ((pickled, "is not a NumPy file"), (object_array, "holds Python objects")):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=sentence):
            load_user_data(path)
    assert not trap.exists()


WHOLE_FILES = {
    "mine.npy": saved(FLOATS),
    "mine.npz": archived(x=FLOATS),
    "mine.idx": written("mine.idx", idx_bytes(BYTES)),
    "mine.idx.gz": written("mine.idx.gz", gzip.compress(idx_bytes(BYTES))),
    "images/000.png": pictured(*BYTES),
}


@pytest.mark.parametrize(("name", "write"), WHOLE_FILES.items(), ids=WHOLE_FILES.keys())
def test_damaged_bytes_never_escape_as_another_exception(tmp_path: Path, name: str, write):
    """Damage passes unnoticed or is a ValueError that names the file; nothing else is raised or left open."""
    path = write(tmp_path)
    file = tmp_path / name
    content = file.read_bytes()
    damage = np.random.default_rng(3)
    for _ in range(150):
        broken = bytearray(content[: damage.integers(1, len(content) + 1)])
        broken[damage.integers(0, len(broken))] ^= 1 << int(damage.integers(0, 8))
        file.write_bytes(broken)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # NumPy and this package may warn of odd contents
            try:
                load_user_data(path)
            except ValueError as error:
                assert str(error).startswith(str(path))  # noqa: PT017
