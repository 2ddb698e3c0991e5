"""Files as users bring them, written from the definitions of their formats or by other libraries, whole and damaged."""

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from sims.data.user_files import UserData

RANDOM = np.random.default_rng(0)
BYTES = RANDOM.integers(0, 256, size=(40, 4, 5), dtype=np.uint8)
COLOUR_BYTES = RANDOM.integers(0, 256, size=(70, 4, 5, 3), dtype=np.uint8)
FLOATS = RANDOM.normal(size=(10, 3))


def idx_bytes(array: np.ndarray, code: int = 0x08) -> bytes:
    """IDX written from its definition: two zeros, type, rank, big-endian sizes, big-endian data."""
    header = bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def write_images(folder: Path, images: np.ndarray, extension: str = "png") -> Path:
    folder.mkdir(exist_ok=True)
    for index, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{index:03d}.{extension}")
    return folder


def samples_of(data: UserData) -> np.ndarray:
    """All samples at once, (n, d)."""
    return np.concatenate(list(data.blocks()))


def pixels(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1) / 127.5 - 1.0


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


def grown(path: Path) -> Path:
    """The same file with a byte more."""
    path.write_bytes(path.read_bytes() + b"1")
    return path


def saved_with_header(shape: tuple[int, ...]) -> Callable[[Path], Path]:
    """`FLOATS` under a header that tells another shape."""

    def write(folder: Path) -> Path:
        header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
        content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + FLOATS.tobytes()
        return written("mine.npy", content)(folder)

    return write


def zipped(files: dict[str, bytes], name: str = "mine.zip") -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        with zipfile.ZipFile(folder / name, "w") as archive:
            for file, content in files.items():
                archive.writestr(file, content)
        return folder / name

    return write


def encoded(image: np.ndarray | Image.Image, kind: str = "PNG", **options) -> bytes:
    """An image file."""
    buffer = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(buffer, kind, **options)
    return buffer.getvalue()
