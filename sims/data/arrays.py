"""Arrays in users' files, read in blocks of samples: `.npy`, members of `.npz`, and IDX. Nothing is ever unpickled."""

import gzip
import math
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy

from sims.data.decoding import decoding
from sims.data.formats import GZIP_MAGIC, IDX_TYPES, is_idx_magic

ARRAY_NAMES = ("x", "images", "data")  # in an archive of several arrays, the first of these that is there

_SLAB_BYTES = 1 << 29  # read at once of samples that are spread over the file, each slab by going through all of it

_NPY, _ZIP = b"\x93NUMPY", b"PK"
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


@dataclass(frozen=True)
class Header:
    """What an array is, before any of its numbers is read."""

    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype
    start: int  # bytes before the numbers

    @property
    def size(self) -> int:
        """Bytes of the numbers."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def stored_shape(self) -> tuple[int, ...]:
        """The shape of the numbers in their order in the file, the last axis running fastest."""
        return self.shape[::-1] if self.fortran_order else self.shape


@dataclass(frozen=True)
class StoredArray:
    """An array in a file, whose samples are read when they are asked for: those on the first axis, or on the last.

    Raises ValueError where the file ends early or goes on.
    """

    path: Path
    what: str  # "NumPy file", as sentences name it
    header: Header
    open: Callable[[], BinaryIO]

    def rows(self, number: int) -> Iterator[np.ndarray]:
        """Blocks of at most `number` along the first axis."""
        if not self.header.fortran_order:
            yield from self._consecutive(number)
        else:
            yield from (block.T for block in self._spread(number))

    def columns(self, number: int) -> Iterator[np.ndarray]:
        """Blocks of at most `number` along the last axis, which comes first in them, all axes in reverse order."""
        if self.header.fortran_order:
            yield from self._consecutive(number)
        else:
            yield from (block.T for block in self._spread(number))

    def _consecutive(self, number: int) -> Iterator[np.ndarray]:
        """Blocks along the first axis of the file, each in one piece there."""
        count, *rest = self.header.stored_shape
        with self._numbers() as stream:
            for first in range(0, count, number):
                block = self._read(stream, first * math.prod(rest), min(number, count - first) * math.prod(rest))
                yield block.reshape(-1, *rest)

    def _spread(self, number: int) -> Iterator[np.ndarray]:
        """Blocks along the last axis of the file, each in as many pieces as there are numbers of one sample."""
        *rest, count = self.header.stored_shape
        pieces = math.prod(rest)
        at_once = max(number, _SLAB_BYTES // (pieces * self.header.dtype.itemsize))
        with self._numbers() as stream:
            for first in range(0, count, at_once):
                slab = np.empty((pieces, min(at_once, count - first)), self.header.dtype)
                for piece, numbers in enumerate(slab):
                    numbers[:] = self._read(stream, piece * count + first, numbers.size)
                slab = slab.reshape(*rest, -1)
                yield from (slab[..., begin : begin + number] for begin in range(0, slab.shape[-1], number))

    @contextmanager
    def _numbers(self) -> Iterator[BinaryIO]:
        """The opened file, which has to be at its end when all is read."""
        with ExitStack() as stack:
            with decoding(self.path, self.what):
                stream = stack.enter_context(self.open())
            yield stream
            with decoding(self.path, self.what):
                rest = len(stream.read(1 << 20))  # it also lets gzip and zip compare their checksums
            if rest:
                raise ValueError(_wrong_length(self.path, self.header, f"{self.header.size + rest} or more"))

    def _read(self, stream: BinaryIO, first: int, count: int) -> np.ndarray:
        """`count` numbers from the one with the index `first` in the file."""
        before, size = (each * self.header.dtype.itemsize for each in (first, count))
        with decoding(self.path, self.what):
            stream.seek(self.header.start + before)
            content = stream.read(size)
        if len(content) < size:
            raise ValueError(_wrong_length(self.path, self.header, str(before + len(content))))
        return np.frombuffer(content, self.header.dtype)


def _wrong_length(path: Path, header: Header, found: str) -> str:
    return (
        f"{path} is truncated or corrupt: expected {header.size} bytes of data for its shape {header.shape}, "
        f"found {found}"
    )


# --- NumPy ---


def open_numpy(path: Path, key: str | None) -> StoredArray:
    """The array in a `.npy`, or the one in an `.npz` that is called `key`.

    Without a `key`, the only array of the archive, or the first of `x`, `images` and `data`. Raises ValueError.
    """
    with path.open("rb") as stream:
        magic = stream.read(len(_NPY))
    if magic == _NPY:
        return _member(path, lambda: path.open("rb"), path.stat().st_size)
    if not magic.startswith(_ZIP):
        raise ValueError(f"{path} is not a NumPy file; expected one written by np.save or np.savez")
    with decoding(path, "NumPy file"), zipfile.ZipFile(path) as archive:
        sizes = {one.filename.removesuffix(".npy"): one for one in archive.infolist()}
    chosen = sizes[_choose_key(path, list(sizes), key)]
    return _member(path, lambda: _open_member(path, chosen.filename), chosen.file_size)


def _choose_key(path: Path, keys: list[str], key: str | None) -> str:
    if not keys:
        raise ValueError(f"{path} holds no arrays; expected one array")
    known = [name for name in ((key,) if key is not None else ARRAY_NAMES) if name in keys]
    if known:
        return known[0]
    if key is not None:
        raise ValueError(f"{path} holds no array called {key!r}; expected one of {', '.join(keys)}")
    if len(keys) == 1:
        return keys[0]
    raise ValueError(
        f"{path} holds several arrays ({', '.join(keys)}); expected a single one, or one named x, images or data, "
        "or the name of one as --key"
    )


@contextmanager
def _open_member(path: Path, name: str) -> Iterator[BinaryIO]:
    with zipfile.ZipFile(path) as archive, archive.open(name) as stream:
        yield stream  # pyright: ignore[reportReturnType]


def _member(path: Path, opened: Callable, length: int) -> StoredArray:
    with decoding(path, "NumPy file"), opened() as stream:
        version = npy.read_magic(stream)
        if version not in _HEADERS:
            raise ValueError(f"{path} holds values with named fields; expected real numbers")
        header = Header(*_HEADERS[version](stream), stream.tell())
    if header.dtype.hasobject:
        raise ValueError(f"{path} holds Python objects, which are never unpickled; expected an array of numbers")
    if length != header.start + header.size:
        raise ValueError(_wrong_length(path, header, str(length - header.start)))
    return StoredArray(path, "NumPy file", header, opened)


# --- IDX ---


def open_idx(path: Path) -> StoredArray:
    """The array in an IDX file, gzipped or not. Raises ValueError."""
    with path.open("rb") as stream:
        zipped = stream.read(2) == GZIP_MAGIC

    def opened() -> BinaryIO:
        return gzip.open(path) if zipped else path.open("rb")  # pyright: ignore[reportReturnType]

    what = "gzip file" if zipped else "IDX file"
    with decoding(path, what), opened() as stream:
        header = _idx_header(path, stream)
    if not zipped and path.stat().st_size != header.start + header.size:
        raise ValueError(_wrong_length(path, header, str(path.stat().st_size - header.start)))
    return StoredArray(path, what, header, opened)


def _idx_header(path: Path, stream: BinaryIO) -> Header:
    magic = stream.read(4)
    if not is_idx_magic(magic):
        raise ValueError(
            f"{path} is not an IDX file: it begins with the bytes '{magic.hex(' ')}'; expected '00 00', "
            "the code of a number type and the number of dimensions"
        )
    rank = magic[3]
    sizes = stream.read(4 * rank)
    if len(sizes) < 4 * rank:
        raise ValueError(
            f"{path} is truncated: it ends within its header of {4 + 4 * rank} bytes; expected a whole IDX file"
        )
    return Header(struct.unpack(f">{rank}I", sizes), False, np.dtype(IDX_TYPES[magic[2]]), 4 + 4 * rank)
