"""Collections of image files: a folder, a folder of class folders, or a `.zip` of either (EDM's data sets)."""

import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps

from sims.data.decoding import decoding
from sims.data.formats import IMAGE_EXTENSIONS, is_image_name

_ORIENTATION = 0x0112  # the EXIF tag; from 5 on, width and height change places
_GREY, _PALETTE = ("1", "L", "LA"), ("P", "PA")

Opened = Callable[[str], BinaryIO]


@dataclass(frozen=True)
class ImageFiles:
    """Images of one size, all grey or all in colour, that are decoded when they are asked for.

    `names` tells where each is inside `path`, `shape` is (n, h, w) or (n, h, w, 3).
    """

    path: Path
    names: tuple[str, ...]
    shape: tuple[int, ...]

    def rows(self, number: int) -> Iterator[np.ndarray]:
        """All images as unsigned bytes, in blocks of at most `number`. Raises ValueError for one that is damaged."""
        with _opener(self.path) as opened:
            for first in range(0, len(self.names), number):
                block = [self._decoded(opened, name) for name in self.names[first : first + number]]
                yield np.stack(block)

    def _decoded(self, opened: Opened, name: str) -> np.ndarray:
        where, colour = self.path / name, len(self.shape) == 4
        with decoding(where, "image file"), opened(name) as stream, Image.open(stream) as image:
            upright = ImageOps.exif_transpose(image)
            # By way of RGBA: a palette may name its transparent colours, which Pillow drops only there.
            opaque = upright.convert("RGBA") if upright.mode in _PALETTE else upright
            pixels = np.asarray(opaque.convert("RGB" if colour else "L"))
        if pixels.shape != self.shape[1:]:
            raise ValueError(f"{where} has changed while it was read; expected an image of shape {self.shape[1:]}")
        return pixels


def open_images(path: Path, told: Callable[[float], None]) -> ImageFiles:
    """The images in a folder or an archive, by their headers. Raises ValueError where they do not go together.

    They become RGB if any of them has colours. `told` is given the fraction that has been looked at.
    """
    names = image_names(path)
    if not names:
        raise ValueError(
            f"{path} holds no images; expected {', '.join(IMAGE_EXTENSIONS)} files directly in it or in class folders"
        )
    colour, first = False, (0, 0)
    with _opener(path) as opened:
        for index, name in enumerate(names):
            size, coloured = _looked_at(opened, path / name, name)
            first = size if index == 0 else first
            if size != first:
                raise ValueError(
                    f"{path / name} has {size[0]} x {size[1]} pixels (rows x columns) but {names[0]} has "
                    f"{first[0]} x {first[1]}; expected images of one size"
                )
            colour |= coloured
            told((index + 1) / len(names))
    return ImageFiles(path, tuple(names), (len(names), *first, *((3,) if colour else ())))


def image_names(path: Path) -> list[str]:
    """The images that are used, in the order of their names: those of a folder, else those of its class folders.

    Of an archive all are. Raises ValueError for a damaged archive.
    """
    if path.is_dir():
        direct = _names_in(path, "*")
        return direct or _names_in(path, "*/*")
    with decoding(path, "zip archive"), zipfile.ZipFile(path) as archive:
        return sorted(name for name in archive.namelist() if is_image_name(name))


def _names_in(folder: Path, pattern: str) -> list[str]:
    names = (file.relative_to(folder).as_posix() for file in folder.glob(pattern) if file.is_file())
    return sorted(name for name in names if is_image_name(name))


@contextmanager
def _opener(path: Path) -> Iterator[Opened]:
    """What opens an image by its name."""
    if path.is_dir():
        yield lambda name: (path / name).open("rb")
        return
    with ExitStack() as stack:
        with decoding(path, "zip archive"):
            archive = stack.enter_context(zipfile.ZipFile(path))
        yield lambda name: archive.open(name)  # pyright: ignore[reportReturnType]


def _looked_at(opened: Opened, where: Path, name: str) -> tuple[tuple[int, int], bool]:
    """Height and width as the image is to be seen, and whether it has colours."""
    with decoding(where, "image file"), opened(name) as stream, Image.open(stream) as image:
        mode, (width, height) = image.mode, image.size
        turned = image.getexif().get(_ORIENTATION, 1) >= 5
        coloured = _has_colours(image.getpalette() or []) if mode in _PALETTE else mode not in _GREY
    if mode.startswith(("I", "F")):
        raise ValueError(f"{where} has more than 8 bits per pixel (mode {mode}); expected 8-bit grey or colour")
    return (width, height) if turned else (height, width), coloured


def _has_colours(palette: Sequence[int]) -> bool:
    return not palette[0::3] == palette[1::3] == palette[2::3]
