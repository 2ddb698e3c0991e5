"""Reading users' own samples: `.npy`, `.npz`, IDX (the MNIST format, gzipped or not) and folders of images.

Whatever is wrong with a file is said in one sentence that names the file, the fault and what was expected.
Nothing is ever unpickled.
"""

import gzip
import math
import os
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image

from sims.data.formats import GZIP_MAGIC, IDX_DTYPES, is_idx_magic, kind_of

IMAGE_EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
ARRAY_NAMES = ("x", "images", "data")  # in an archive of several arrays, the first of these that is there

NUMPY_MAGICS = (b"\x93NUMPY", b"PK\x03\x04", b"PK\x05\x06")  # .npy, .npz, an .npz without arrays


@dataclass(frozen=True, eq=False)
class UserData:
    """Samples read from a user's file.

    Attributes:
        samples: shape (n, d), float64, finite and not constant, n ≥ 2.
        image_shape: (h, w) or (h, w, 3) when the samples are images, with d the product; else None.
        description: one line saying what was read, from where, and whether it was scaled.
    """

    samples: Float[np.ndarray, "n d"]
    image_shape: tuple[int, ...] | None
    description: str


def load_user_data(path: str | os.PathLike[str]) -> UserData:
    """Read samples from a file or a folder of images.

    | format | samples |
    |---|---|
    | `.npy` | an array of shape (n, d), (n, h, w) or (n, h, w, c) with c = 1 or 3 |
    | `.npz` | the same; the only array of the archive, or else the one named `x`, `images` or `data` |
    | IDX, also gzipped | the same; known by a name like `t10k-images-idx3-ubyte.gz` or by its magic number |
    | folder | its PNG, JPEG, BMP, GIF, WebP and TIFF images in the order of their names, all of one shape |

    Unsigned bytes are taken as pixels, flattened or not, and scaled from [0, 255] to [-1, 1]; all other
    numbers are taken as they are, booleans as 0 and 1. Of an image file, transparency and all frames but the
    first are dropped.

    **Arguments:** `path`, the file or folder.

    **Returns:** A `UserData`, with samples of shape (n, d) in float64.

    Raises ValueError, in one sentence, for a file that is missing, unsupported, empty, corrupt or truncated; for images
    of unequal shapes; for data that are not numbers, not of a shape above, NaN or infinite, constant, or fewer than two
    samples.

    Warns:
        UserWarning: when there are fewer samples than dimensions.
    """
    path = Path(path)
    try:
        array = _read(path)
    except OSError as error:
        raise ValueError(f"{error.filename or path} cannot be read: {error.strerror or error}") from error
    _check_array(path, array)
    samples, image_shape = _as_samples(array)
    _check_values(path, samples)
    count, dimensions = samples.shape
    if count < dimensions:
        warnings.warn(
            f"{path} has fewer samples ({count}) than dimensions ({dimensions}), so the covariance is rank deficient",
            UserWarning,
            stacklevel=2,
        )
    scaled = ", bytes scaled to [-1, 1]" if array.dtype == np.uint8 else ""
    what = f"{dimensions} features" if image_shape is None else f"{' x '.join(map(str, image_shape))} pixels"
    return UserData(samples, image_shape, f"{count} samples of {what} from {path.name}{scaled}")


def _read(path: Path) -> np.ndarray:
    return {"folder": _read_folder, "numpy": _read_numpy, "idx": _read_idx}[kind_of(path)](path)


@contextmanager
def _decoding(path: Path, kind: str) -> Iterator[None]:
    """Turn whatever a decoder raises into a sentence; fed with corrupt bytes it may raise almost anything."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        if "Object arrays" in str(error):  # NumPy's refusal to unpickle
            raise ValueError(
                f"{path} holds Python objects, which are never unpickled; expected an array of numbers"
            ) from error
        raise ValueError(f"{path} is truncated or corrupt; expected a whole {kind}") from error


# --- NumPy ---


def _read_numpy(path: Path) -> np.ndarray:
    with path.open("rb") as stream:
        if not stream.read(6).startswith(NUMPY_MAGICS):
            raise ValueError(f"{path} is not a NumPy file; expected one written by np.save or np.savez")
        stream.seek(0)
        with _decoding(path, "NumPy file"):
            loaded = np.load(stream, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded
        with loaded:
            key = _choose_key(path, loaded.files)
            with _decoding(path, "NumPy file"):
                return np.asarray(loaded[key])


def _choose_key(path: Path, keys: list[str]) -> str:
    if not keys:
        raise ValueError(f"{path} holds no arrays; expected one array")
    if len(keys) == 1:
        return keys[0]
    for name in ARRAY_NAMES:
        if name in keys:
            return name
    raise ValueError(
        f"{path} holds several arrays ({', '.join(keys)}); expected a single one, or one named x, images or data"
    )


# --- IDX ---


def _read_idx(path: Path) -> np.ndarray:
    content = path.read_bytes()
    if content[:2] == GZIP_MAGIC:
        with _decoding(path, "gzip file"):
            content = gzip.decompress(content)
    magic = content[:4]
    if not is_idx_magic(magic):
        raise ValueError(
            f"{path} is not an IDX file: it begins with the bytes '{magic.hex(' ')}'; expected '00 00', "
            "the code of a number type and the number of dimensions"
        )
    dtype, rank = np.dtype(IDX_DTYPES[magic[2]]), magic[3]
    header = 4 + 4 * rank
    if len(content) < header:
        raise ValueError(f"{path} is truncated: it ends within its header of {header} bytes; expected a whole IDX file")
    shape = struct.unpack(f">{rank}I", content[4:header])
    expected, found = math.prod(shape) * dtype.itemsize, len(content) - header
    if found != expected:
        raise ValueError(
            f"{path} is truncated or corrupt: expected {expected} bytes of data for its shape {shape}, found {found}"
        )
    with _decoding(path, "IDX file"):  # NumPy has a limit on the number of dimensions
        return np.frombuffer(content, dtype=dtype, offset=header).reshape(shape)


# --- Folders of images ---


def _read_folder(folder: Path) -> np.ndarray:
    files = sorted(
        file
        for file in folder.iterdir()
        if file.suffix.lower() in IMAGE_EXTENSIONS and not file.name.startswith(".") and file.is_file()
    )
    if not files:
        raise ValueError(
            f"{folder} holds no images; expected {', '.join(IMAGE_EXTENSIONS)} files directly in the folder"
        )
    images = []
    for file in files:
        image = _read_image(file)
        if images and image.shape != images[0].shape:
            raise ValueError(
                f"{file} has shape {image.shape} but {files[0].name} has shape {images[0].shape}; "
                "expected images of one shape"
            )
        images.append(image)
    return np.stack(images)


def _read_image(file: Path) -> np.ndarray:
    """Unsigned bytes of shape (h, w) for a grey image, (h, w, 3) for a colour one."""
    with file.open("rb") as stream, _decoding(file, "image file"), Image.open(stream) as image:
        mode = image.mode
        if mode in ("1", "L", "LA"):
            return np.asarray(image.convert("L"))
        if mode in ("P", "PA"):  # by way of RGBA, because Pillow warns of a transparent palette otherwise
            return np.asarray(image.convert("RGBA").convert("RGB"))
        if not mode.startswith(("I", "F")):
            return np.asarray(image.convert("RGB"))
    raise ValueError(f"{file} has more than 8 bits per pixel (mode {mode}); expected 8-bit grey or colour")


# --- Checks ---


def _check_array(path: Path, array: np.ndarray) -> None:
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{path} holds values of type {array.dtype}; expected real numbers")
    if not 2 <= array.ndim <= 4:
        raise ValueError(
            f"{path} holds a {array.ndim}-dimensional array of shape {array.shape}; "
            "expected (n, d), (n, h, w) or (n, h, w, c)"
        )
    if array.ndim == 4 and array.shape[-1] not in (1, 3):
        raise ValueError(f"{path} has shape {array.shape}; expected (n, h, w, c) with c = 1 or 3 channels last")
    if array.shape[0] < 2:
        raise ValueError(f"{path} holds too few samples ({array.shape[0]}); expected at least 2")
    if array.size == 0:
        raise ValueError(f"{path} has shape {array.shape}, without any values; expected at least one per sample")


def _as_samples(array: np.ndarray) -> tuple[np.ndarray, tuple[int, ...] | None]:
    image_shape = array.shape[1:] if array.ndim > 2 else None
    if array.ndim == 4 and array.shape[-1] == 1:
        image_shape = array.shape[1:3]
    samples = array.reshape(array.shape[0], -1).astype(np.float64)
    if array.dtype == np.uint8:
        samples /= 127.5
        samples -= 1.0
    return samples, image_shape


def _check_values(path: Path, samples: np.ndarray) -> None:
    finite = np.isfinite(samples)
    if not finite.all():
        bad, first = np.count_nonzero(~finite), int(np.argmin(finite.all(axis=1)))
        raise ValueError(
            f"{path} holds {bad} NaN or infinite values, the first in sample {first} (counting from 0); "
            "expected finite numbers"
        )
    if np.all(samples == samples[0]):
        raise ValueError(f"{path} has zero variance: all samples are equal; expected samples that differ")
