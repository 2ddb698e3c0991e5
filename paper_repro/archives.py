"""Arrays as bytes: an npz archive that depends on the arrays alone, and may say where they came from."""

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from figures.common.stages import Arrays

ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


def pack(arrays: Mapping[str, object], origin: Mapping[str, Any] | None = None) -> bytes:
    """The bytes of an npz archive: sorted names, no times; `origin` as JSON in the archive's comment.

    Raises TypeError for an array that an npz archive cannot give back (objects, bfloat16).
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(arrays):
            array = np.asarray(arrays[name], order="C")
            if array.dtype.kind in "OV":
                raise TypeError(f"array {name!r} has dtype {array.dtype}, which cannot be stored")
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=ZIP_EPOCH)
            entry.create_system = 3  # one value on every operating system
            with archive.open(entry, "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, array, allow_pickle=False)
        if origin is not None:
            archive.comment = json.dumps(origin).encode()
    return buffer.getvalue()


def unpack(data: bytes) -> Arrays | None:
    """The arrays of an npz archive, or None where the bytes are damaged."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except Exception:  # zip, zlib, struct and NumPy each raise their own on damaged bytes
        return None


def origin_of(data: bytes) -> dict[str, Any]:
    """What `pack` was told about where the arrays came from; empty for nothing, and for damaged bytes."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return json.loads(archive.comment or b"{}")
    except (zipfile.BadZipFile, ValueError):
        return {}
