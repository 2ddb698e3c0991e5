"""States of training on disk, for runs that are not stages of a figure.

One archive of arrays, written at once: networks here are of a size that needs no shards and no writing in the
background, for which there is orbax.
"""

import os
import uuid
import zipfile
import zlib
from pathlib import Path

import jax
import numpy as np

from sims.training.state import TrainingState, from_arrays, to_arrays


def save_state(path: str | Path, state: TrainingState) -> None:
    """Write parameters, optimiser, random keys and step to `path`, so that a kill leaves the old file or the new one.

    A run that goes on from there has the bits of one that was not interrupted. Of several hosts the first writes, and
    all have to call. Raises ValueError where `path` does not end in .npz, and as `to_arrays`.
    """
    path, arrays = _npz(path), to_arrays(state)
    if jax.process_index() == 0:
        partial = path.with_name(f".{path.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}")
        try:
            with partial.open("xb") as stream:
                np.savez(stream, **arrays)  # pyright: ignore[reportArgumentType]
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)


def load_state(path: str | Path, like: TrainingState) -> TrainingState:
    """The state that `save_state` wrote, with the structure of `like` (a fresh state, say) and on its devices.

    Raises ValueError as `from_arrays`, where `path` does not end in .npz, and where the file is none or damaged.
    """
    return from_arrays(_read(_npz(path)), like)


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        with path.open("rb") as stream, np.load(stream) as archive:
            return dict(archive)
    except (EOFError, TypeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"a saved state must be an archive that save_state wrote; got {path.name}: {error}") from error


def _npz(path: str | Path) -> Path:
    path = Path(path)
    if path.suffix != ".npz":
        raise ValueError(f"the name of a saved state must end in .npz; got {path.name}")
    return path
