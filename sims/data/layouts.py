"""The order of an array's axes: which are samples, and which are the rows, columns and channels of an image."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

_CHANNELS = (1, 3)
_WIDE = 32  # no image is as many times wider than high; an array whose samples come last is


@dataclass(frozen=True)
class Layout:
    """How n samples of dimension d lie in an array; `image_shape` as in `UserData`."""

    count: int
    dimension: int
    image_shape: tuple[int, ...] | None
    order: tuple[int, ...] | None = None  # of a block's axes, where they change places
    transposed: bool = False  # a table whose columns are samples

    def samples_of(self, stored: Any, number: int) -> Iterator[np.ndarray]:
        """Blocks of at most `number` samples of a stored array, see `StoredArray`."""
        if self.transposed:
            yield from stored.columns(number)
            return
        for block in stored.rows(number):
            yield block if self.order is None else block.transpose(self.order)


def layout_of(path: Path, shape: tuple[int, ...], dtype: np.dtype, layout: str | None) -> Layout:
    """The layout of an array of this shape and type. Raises ValueError where it cannot be one of samples."""
    if dtype.kind not in "biuf":
        raise ValueError(f"{path} holds values of type {dtype}; expected real numbers")
    if not 2 <= len(shape) <= 4:
        raise ValueError(
            f"{path} holds a {len(shape)}-dimensional array of shape {shape}; "
            "expected (n, d), (n, h, w) or (n, h, w, c)"
        )
    found = _table(path, shape, layout) if len(shape) == 2 else _images(path, shape, layout)
    if found.count < 2:
        raise ValueError(f"{path} holds too few samples ({found.count}); expected at least 2")
    if found.dimension == 0:
        raise ValueError(f"{path} has shape {shape}, without any values; expected at least one per sample")
    return found


def layout_like(path: Path, shape: tuple[int, ...], dtype: np.dtype, data: Layout) -> Layout:
    """The layout of an array of samples that are to be as those of `data`, which are known.

    Samples come first. Channels may come first or last, whichever fits; where both do, as in the data. Rows of a
    flattened colour image are refused: nobody knows whether channels came first. Raises ValueError.
    """
    if dtype.kind not in "biuf":
        raise ValueError(f"{path} holds values of type {dtype}; expected real numbers")
    orders = _orders_like(shape[1:], data)
    if not orders:
        wanted = ("d",) if data.image_shape is None else data.image_shape
        sizes = ", ".join(str(data.dimension if size == "d" else size) for size in wanted)
        raise ValueError(f"{path} has shape {shape}; expected samples as those of the data, (n, {sizes})")
    if shape[0] < 2:
        raise ValueError(f"{path} holds too few samples ({shape[0]}); expected at least 2")
    order = data.order if data.order in orders else orders[0]
    return Layout(shape[0], data.dimension, data.image_shape, order)


def _orders_like(sample: tuple[int, ...], data: Layout) -> list[tuple[int, ...] | None]:
    """The orders of a block's axes in which samples of this shape are as those of the data; none where they are not."""
    image = data.image_shape
    if image is not None and len(image) == 3:
        height, width, channels = image
        last, first = sample == image, sample == (channels, height, width)
        return [None] * last + [(0, 2, 3, 1)] * first
    if len(sample) == 3 and 1 in (sample[0], sample[2]):  # one channel, wherever it is
        sample = sample[:2] if sample[2] == 1 else sample[1:]
    flat, rows = sample == (data.dimension,), len(sample) == 2 and math.prod(sample) == data.dimension
    return [None] if flat or (rows and image in (None, sample)) else []


def _table(path: Path, shape: tuple[int, ...], layout: str | None) -> Layout:
    rows, columns = shape
    if layout in ("hwc", "chw"):
        raise ValueError(f"{path} has shape {shape}, without axes of an image; expected --layout rows or columns")
    if layout is None and 1 < rows < columns:
        raise ValueError(
            f"{path} has fewer rows ({rows}) than columns ({columns}); expected --layout rows if every row is a "
            "sample, or --layout columns if every column is"
        )
    if layout == "columns":
        return Layout(columns, rows, None, transposed=True)
    return Layout(rows, columns, None)


def _images(path: Path, shape: tuple[int, ...], layout: str | None) -> Layout:
    if layout in ("rows", "columns"):
        raise ValueError(f"{path} has shape {shape}, with axes of images; --layout {layout} is for tables")
    order = None
    if len(shape) == 3:
        count, *image = shape
        if count < image[1] and image[1] > _WIDE * max(image[0], 1):
            raise ValueError(f"{path} has shape {shape}; expected the samples on the first axis, (n, h, w)")
    elif layout == "chw":
        count, channels, *image = shape
        order = (0, 2, 3, 1)
        if channels not in _CHANNELS:
            raise ValueError(f"{path} has shape {shape}; expected (n, c, h, w) with c = 1 or 3 channels first")
    else:
        count, *image, channels = shape
        if channels not in _CHANNELS:
            hint = ", or --layout chw" if shape[1] in _CHANNELS else ""
            raise ValueError(f"{path} has shape {shape}; expected (n, h, w, c) with c = 1 or 3 channels last{hint}")
    if len(shape) == 4 and channels == 3:
        image = [*image, 3]
    return Layout(count, math.prod(image), tuple(image), order)
