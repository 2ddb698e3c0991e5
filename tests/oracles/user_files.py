"""Files as users bring them, written from the definitions of their formats or by other libraries, whole and damaged."""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

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
