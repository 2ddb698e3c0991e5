"""Users' own samples: arrays and collections of images, checked as they are opened and read in blocks.

Whatever is wrong with a file is said in one sentence that names the file, the fault and what was expected.
Nothing is ever unpickled.
"""

import hashlib
import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from jaxtyping import Float

from sims.data.arrays import open_idx, open_numpy
from sims.data.formats import check_options, kind_of
from sims.data.images import image_names, open_images
from sims.data.layouts import Layout, layout_of

BLOCK_BYTES = 1 << 25  # of samples in float64
LARGEST = 1e100  # beyond, squares of 64-bit numbers and their sums overflow

Told = Callable[[str, float], None]  # what is being done, and the fraction of it that is


class _Rows(Protocol):
    def rows(self, number: int) -> Iterator[np.ndarray]: ...


def tell_nobody(words: str, fraction: float) -> None:
    """For who waits without wanting to know."""


@dataclass(frozen=True, eq=False)
class UserData:
    """Samples in a user's file, which are read whenever they are asked for.

    Attributes:
        path: the file or folder.
        count: n ≥ 2.
        dimension: d.
        image_shape: (h, w) or (h, w, 3) when the samples are images, with d the product; else None.
        description: one line saying what is read, from where, and whether it is scaled.
    """

    path: Path
    count: int
    dimension: int
    image_shape: tuple[int, ...] | None
    description: str
    stored: _Rows
    layout: Layout
    pixels: bool

    def blocks(self, words: str = "reading", told: Told = tell_nobody) -> Iterator[Float[np.ndarray, "m d"]]:
        """All samples in float64, in blocks of a few megabytes.

        Raises ValueError, in one sentence, for a file that turns out to be damaged, and for values that are NaN,
        infinite or too large to be squared.
        """
        done = 0
        number = max(1, BLOCK_BYTES // (8 * self.dimension))
        for raw in self.layout.samples_of(self.stored, number):
            block = self._numbers(raw)
            self._check_values(block, done)
            done += len(block)
            told(words, done / self.count)
            yield block

    def _numbers(self, raw: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):  # what is wrong with the result is said below
            block = raw.reshape(len(raw), self.dimension).astype(np.float64)
        if self.pixels:
            block /= 127.5
            block -= 1.0
        return block

    def _check_values(self, block: np.ndarray, before: int) -> None:
        largest = np.maximum(block.max(axis=1), -block.min(axis=1))
        finite = np.isfinite(largest)
        if not finite.all():
            raise ValueError(
                f"{self.path} holds NaN or infinite values, the first in sample {before + int(np.argmin(finite))} "
                "(counting from 0); expected finite numbers"
            )
        if largest.max() > LARGEST:
            raise ValueError(
                f"{self.path} holds values as large as {largest.max():.1e}, whose squares overflow; "
                f"expected none above {LARGEST:g}: divide them all by one number"
            )


def load_user_data(
    path: str | os.PathLike[str], *, key: str | None = None, layout: str | None = None, told: Told = tell_nobody
) -> UserData:
    """Open a file of samples or a collection of images, and check all that does not need every number.

    | format | samples |
    |---|---|
    | `.npy` | an array of shape (n, d), (n, h, w) or (n, h, w, c) with c = 1 or 3 |
    | `.npz` | the same; the only array of the archive, the one called `key`, or the one named `x`, `images` or `data` |
    | IDX, also gzipped | the same; known by a name like `t10k-images-idx3-ubyte.gz` or by its magic number |
    | folder | its PNG, JPEG, BMP, GIF, WebP and TIFF images in the order of their names, all of one size; where there |
    |        | are none, those in its subfolders, one for each class |
    | `.zip` | all such images in it, as EDM has them |

    Unsigned bytes are taken as pixels, flattened or not, and scaled from [0, 255] to [-1, 1]; all other numbers are
    taken as they are, booleans as 0 and 1. Images are turned as their EXIF orientation says and become RGB if any of
    them has colours; of an image file, transparency and all frames but the first are dropped.

    **Arguments:** `path`, the file or folder; `key`, the name of an array in an `.npz`; `layout`, the order of the
    axes: `chw` for (n, c, h, w), `hwc` as above; for a table, `rows` or `columns`, whichever are the samples; `told`,
    called with what is being done and its fraction.

    **Returns:** A `UserData`, whose samples have shape (n, d).

    Raises ValueError, in one sentence, for a file that is missing, unsupported, empty, corrupt or truncated; for images
    of unequal sizes; for data that are not numbers, not of a shape above, or fewer than two samples; for a table with
    fewer rows than columns and no `layout`.

    Warns:
        UserWarning: when there are fewer samples than dimensions.
    """
    path = Path(path)
    try:
        kind = kind_of(path)
        check_options(path, kind, key, layout)
        if kind in ("folder", "zip"):
            stored = open_images(path, lambda fraction: told(f"looking at the images in {path.name}", fraction))
            shape, dtype = stored.shape, np.dtype(np.uint8)
        else:
            stored = open_numpy(path, key) if kind == "numpy" else open_idx(path)
            shape, dtype = stored.header.shape, stored.header.dtype
    except OSError as error:
        raise ValueError(f"{error.filename or path} cannot be read: {error.strerror or error}") from error
    found = layout_of(path, shape, dtype, layout)
    count, dimension, image_shape = found.count, found.dimension, found.image_shape
    if count < dimension:
        warnings.warn(
            f"{path} has fewer samples ({count}) than dimensions ({dimension}), so the covariance is rank deficient",
            UserWarning,
            stacklevel=2,
        )
    scaled = ", bytes scaled to [-1, 1]" if dtype == np.uint8 else ""
    what = f"{dimension} features" if image_shape is None else f"{' x '.join(map(str, image_shape))} pixels"
    description = f"{count} samples of {what} from {path.name}{scaled}"
    return UserData(path, count, dimension, image_shape, description, stored, found, dtype == np.uint8)


def digest_of(
    path: str | os.PathLike[str], *, key: str | None = None, layout: str | None = None, told: Told = tell_nobody
) -> str:
    """SHA-256 of what decides the samples: of a file, or of the images of a folder that are used, in their order.

    Where `key` or `layout` is given, of that and them. Raises ValueError where something cannot be read.
    """
    path = Path(path)
    words = f"hashing {path.name}"
    try:
        if path.is_dir():
            names = image_names(path)
            digest = hashlib.sha256()
            for index, name in enumerate(names, start=1):
                digest.update(_file_digest(path / name))
                told(words, index / len(names))
            content = digest.hexdigest()
        else:
            told(words, 0.0)
            content = _file_digest(path).hex()
    except OSError as error:
        raise ValueError(f"{error.filename or path} cannot be read: {error.strerror or error}") from error
    if key is None and layout is None:
        return content
    return hashlib.sha256(f"{content}\0{key}\0{layout}".encode()).hexdigest()


def _file_digest(path: Path) -> bytes:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()
