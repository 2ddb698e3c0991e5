"""Stored results: arrays and provenance under their address, and checkpoints of unfinished ones.

    OUT/store/<figure>/<digest>/arrays.npz, provenance.json
    OUT/store/<figure>/<digest>.partial/stage-<name>.npz

Everything here may be removed at any time; it is then computed again.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from figures.common.stages import Arrays
from paper_repro.addresses import Address
from paper_repro.archives import pack, unpack
from paper_repro.atomic import remove_abandoned, write_folder_atomically

ARRAYS = "arrays.npz"
PROVENANCE = "provenance.json"


@dataclass(frozen=True)
class StoredResult:
    """Arrays of one finished figure and how they came about."""

    arrays: Arrays
    provenance: dict[str, Any]


class Store:
    """The folder `store` of an output folder."""

    def __init__(self, out: Path) -> None:
        self.root = out / "store"

    def folder(self, address: Address) -> Path:
        """Where the result with this address is, or would be."""
        return self.root / address.figure / address.digest[:16]

    def partial(self, address: Address) -> Path:
        """Where the checkpoints of an unfinished result are."""
        return self.folder(address).with_suffix(".partial")

    def clean(self) -> None:
        """Remove what killed runs have left behind."""
        for folder in (*self.root.glob("*"), *self.root.glob("*/*.partial")):
            remove_abandoned(folder)
        for partial in self.root.glob("*/*.partial"):
            if (partial.with_suffix("") / PROVENANCE).exists():
                shutil.rmtree(partial, ignore_errors=True)

    def load(self, address: Address) -> StoredResult | None:
        """The result with this address; None where it is missing or damaged."""
        return load_folder(self.folder(address))

    def mark_as_newest(self, address: Address) -> None:
        """Let `newest` find this result first: the user has just asked for it."""
        os.utime(self.folder(address) / PROVENANCE)

    def save(self, address: Address, arrays: Mapping[str, object], provenance: dict[str, Any]) -> StoredResult:
        """Store a finished result in one step and drop its checkpoints.

        A sound result that is already there is kept. Raises UserError where the file system refuses.
        """
        data = pack(arrays)
        stored = unpack(data)
        assert stored is not None
        hashes = {
            "digest": address.digest,
            "arrays_sha256": hashlib.sha256(data).hexdigest(),
            "sha256_of_each_array": {name: _array_digest(array) for name, array in stored.items()},
        }
        record = provenance | hashes
        files = {ARRAYS: data, PROVENANCE: json.dumps(record, indent=1).encode()}
        write_folder_atomically(self.folder(address), files, lambda: self.load(address) is not None)
        shutil.rmtree(self.partial(address), ignore_errors=True)
        return StoredResult(stored, record)

    def newest(self, figure: str, preset: str, seed: int | None, is_current: Callable[[dict], bool]) -> list[Path]:
        """Folders of the results of a figure, best first: those of the current code, then by time."""
        found = []
        for path in (self.root / figure).glob(f"*/{PROVENANCE}"):
            provenance = _read_json(path)
            if path.parent.name.startswith(".") or provenance.get("preset") != preset:
                continue
            if seed is None or provenance.get("seed") == seed:
                found.append((is_current(provenance), path.stat().st_mtime_ns, path.parent))
        return [folder for _, _, folder in sorted(found, reverse=True)]

    def has(self, figure: str, preset: str) -> bool:
        """Whether any result of this figure and preset is stored."""
        return bool(self.newest(figure, preset, None, lambda _: False))


def load_folder(folder: Path) -> StoredResult | None:
    """The result in this folder; None where it is missing or damaged."""
    provenance = _read_json(folder / PROVENANCE)
    data = read_bytes(folder / ARRAYS)
    if data is None or provenance.get("arrays_sha256") != hashlib.sha256(data).hexdigest():
        return None
    arrays = unpack(data)
    return None if arrays is None else StoredResult(arrays, provenance)


def _array_digest(array: np.ndarray) -> str:
    return hashlib.sha256(f"{array.dtype.str}{array.shape}".encode() + array.tobytes()).hexdigest()


def read_bytes(path: Path) -> bytes | None:
    """The file's content, or None where it cannot be read (or another run is just replacing it)."""
    try:
        return path.read_bytes()
    except OSError:
        return None


def _read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; empty where it is missing or damaged."""
    try:
        value = json.loads(read_bytes(path) or b"{}")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
