"""Samples that somebody's own training run wrote at several steps, opened as samples of the same kind as its data."""

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sims.data.arrays import open_numpy
from sims.data.images import open_images
from sims.data.layouts import layout_like
from sims.data.snapshot_names import SnapshotFile, snapshot_files
from sims.data.user_files import Told, UserData, digest_of, tell_nobody


class Snapshot(NamedTuple):
    """The samples of one step of training, read whenever they are asked for."""

    step: int
    samples: UserData


def open_snapshots(folder: str | os.PathLike[str], data: UserData, *, told: Told = tell_nobody) -> tuple[Snapshot, ...]:
    """The snapshots in a folder, by step, checked as far as one can without reading all numbers.

    | entry | samples |
    |---|---|
    | `.npy` | (n, d) for tables and grey images; for images (n, h, w), (n, h, w, c) or (n, c, h, w) |
    | folder or `.zip` | images of one size, as `load_user_data` reads them |

    Bytes are pixels, scaled to [-1, 1] as those of the data are; other numbers are in the units of the data.

    Raises ValueError, in one sentence, as `snapshot_files` does; for what is damaged or no array of numbers; for
    samples that are not shaped as those of the data; and for fewer than two.
    """
    try:
        files = snapshot_files(Path(folder))
        return tuple(Snapshot(each.step, _opened(each, data, told)) for each in files)
    except OSError as error:
        raise ValueError(f"{error.filename or folder} cannot be read: {error.strerror or error}") from error


def digest_of_snapshots(folder: str | os.PathLike[str], *, told: Told = tell_nobody) -> str:
    """SHA-256 of the steps and of what is in their files, in the order of the steps. Raises ValueError."""
    digest = hashlib.sha256()
    try:
        for each in snapshot_files(Path(folder)):
            digest.update(f"{each.step}\0{digest_of(each.path, told=told)}\0".encode())
    except OSError as error:
        raise ValueError(f"{error.filename or folder} cannot be read: {error.strerror or error}") from error
    return digest.hexdigest()


def _opened(file: SnapshotFile, data: UserData, told: Told) -> UserData:
    path = file.path
    if path.suffix.lower() == ".npy" and not path.is_dir():
        stored = open_numpy(path, None)
        shape, dtype = stored.header.shape, stored.header.dtype
    else:
        stored = open_images(path, lambda fraction: told(f"looking at the images in {path.name}", fraction))
        shape, dtype = stored.shape, np.dtype(np.uint8)
    layout = layout_like(path, shape, dtype, data.layout)
    description = f"{layout.count} samples of step {file.step} from {path.name}"
    return UserData(
        path, layout.count, data.dimension, data.image_shape, description, stored, layout, dtype == np.uint8
    )
