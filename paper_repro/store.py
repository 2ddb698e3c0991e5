"""Stored results: arrays and provenance under their address, and checkpoints of unfinished ones.

    OUT/store/<figure>/<digest>/arrays.npz, provenance.json
    OUT/store/<figure>/<digest>.partial/stage-<name>.npz

What several figures share (`shared_results`) has the name of its kind in place of a figure's.

Everything here may be removed at any time; it is then computed again.
"""

import hashlib
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from figures.common.stages import Arrays
from paper_repro.addresses import Address
from paper_repro.archives import pack, unpack
from paper_repro.atomic import remove_abandoned, write_folder_atomically
from paper_repro.provenance import fault_of

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
        self.damaged: dict[Path, str] = {}  # by file, a sentence on what was met and left out
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    def folder(self, address: Address) -> Path:
        """Where the result with this address is, or would be."""
        return self.root / address.figure / address.digest[:16]

    def partial(self, address: Address) -> Path:
        """Where the checkpoints of an unfinished result are."""
        return self.folder(address).with_suffix(".partial")

    def lock(self, address: Address) -> threading.Lock:
        """The lock of whoever computes this result, among threads that have the same `Store`."""
        with self._guard:
            return self._locks.setdefault(address.digest, threading.Lock())

    def clean(self) -> None:
        """Remove what killed runs have left behind."""
        for folder in (*self.root.glob("*"), *self.root.glob("*/*.partial")):
            remove_abandoned(folder)
        for partial in self.root.glob("*/*.partial"):
            if (partial.with_suffix("") / PROVENANCE).exists():
                shutil.rmtree(partial, ignore_errors=True)

    def load(self, address: Address) -> StoredResult | None:
        """The result with this address; None where it is missing or damaged."""
        return self.load_folder(self.folder(address))

    def load_folder(self, folder: Path) -> StoredResult | None:
        """The result in this folder; None where it is missing or damaged."""
        provenance = self._provenance(folder / PROVENANCE)
        if provenance is None:
            return None
        data = read_bytes(folder / ARRAYS)
        if data is not None and provenance["arrays_sha256"] == hashlib.sha256(data).hexdigest():
            arrays = unpack(data)
            if arrays is not None:
                return StoredResult(arrays, provenance)
        self._leave_out(folder / ARRAYS, "missing" if data is None else "not what was written")
        return None

    def _provenance(self, path: Path) -> dict[str, Any] | None:
        """What a provenance says; None where it is missing or damaged."""
        data = read_bytes(path)
        if data is None:
            return None
        try:
            value = json.loads(data)
        except (ValueError, RecursionError):
            value = None
        fault = fault_of(value, path.parent.parent.name)
        if fault is None:
            return value
        self._leave_out(path, fault)
        return None

    def _leave_out(self, path: Path, fault: str) -> None:
        self.damaged[path] = f"{path} is damaged ({fault}); its result is left out, and computed again by a run"

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
        found = [
            (is_current(provenance), path.stat().st_mtime_ns, path.parent)
            for path, provenance in self._stored(figure, preset)
            if seed is None or provenance["seed"] == seed
        ]
        return [folder for _, _, folder in sorted(found, reverse=True)]

    def seeds(self, figure: str, preset: str, belongs: Callable[[dict], bool]) -> tuple[int, ...]:
        """The seeds of the results of a figure whose provenance belongs."""
        return tuple(sorted({found["seed"] for _, found in self._stored(figure, preset) if belongs(found)}))

    def has(self, figure: str, preset: str) -> bool:
        """Whether any result of this figure and preset is stored."""
        return any(True for _ in self._stored(figure, preset))

    def _stored(self, figure: str, preset: str) -> Iterator[tuple[Path, dict[str, Any]]]:
        for path in (self.root / figure).glob(f"*/{PROVENANCE}"):
            provenance = None if path.parent.name.startswith(".") else self._provenance(path)
            if provenance is not None and provenance["preset"] == preset:
                yield path, provenance


def _array_digest(array: np.ndarray) -> str:
    return hashlib.sha256(f"{array.dtype.str}{array.shape}".encode() + array.tobytes()).hexdigest()


def read_bytes(path: Path) -> bytes | None:
    """The file's content, or None where it cannot be read (or another run is just replacing it)."""
    try:
        return path.read_bytes()
    except OSError:
        return None
