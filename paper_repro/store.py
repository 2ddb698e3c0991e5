"""Stored results: arrays and provenance under their address, and checkpoints of unfinished ones.

    OUT/store/<figure>/<digest>/arrays.npz, provenance.json
    OUT/store/<figure>/<digest>.partial/stage-<name>.npz

Everything here may be removed at any time; it is then computed again.
"""

import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from figures.common.stages import Arrays
from paper_repro.addresses import Address
from paper_repro.atomic import pack, remove_abandoned, unpack, write_atomically, write_folder_atomically
from paper_repro.progress import Progress

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
        record = provenance | {"digest": address.digest, "arrays_sha256": hashlib.sha256(data).hexdigest()}
        files = {ARRAYS: data, PROVENANCE: json.dumps(record, indent=1).encode()}
        write_folder_atomically(self.folder(address), files, lambda: self.load(address) is not None)
        shutil.rmtree(self.partial(address), ignore_errors=True)
        stored = unpack(data)
        assert stored is not None
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
    data = _read_bytes(folder / ARRAYS)
    if data is None or provenance.get("arrays_sha256") != hashlib.sha256(data).hexdigest():
        return None
    arrays = unpack(data)
    return None if arrays is None else StoredResult(arrays, provenance)


def _read_bytes(path: Path) -> bytes | None:
    """The file's content, or None where it cannot be read (or another run is just replacing it)."""
    try:
        return path.read_bytes()
    except OSError:
        return None


def _read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; empty where it is missing or damaged."""
    try:
        value = json.loads(_read_bytes(path) or b"{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


class Checkpoints:
    """A `RunStage` that stores the arrays of every finished stage and takes them from there the next time."""

    def __init__(self, folder: Path, figure: str, progress: Progress) -> None:
        self.folder = folder
        self.figure = figure
        self.progress = progress
        self.names: list[str] = []
        self.resumed: list[str] = []

    def __call__(self, name: str, work: Callable[[], Mapping], *, share: float) -> Arrays:
        """Arrays of the stage. Raises ValueError for a name that this figure has used before."""
        if name in self.names:
            raise ValueError(f"{self.figure} has two stages called {name!r}")
        self.names.append(name)
        path = self.folder / _file_name(name)
        start = time.perf_counter()
        self.progress.start(self.figure, name, share)
        arrays = unpack(_read_bytes(path) or b"")
        if arrays is not None:
            self.resumed.append(name)
            self.progress.finish(self.figure, None)
            return arrays
        # The arrays go through their stored form here too, so that a resumed run sees exactly the same.
        data = pack(work())
        write_atomically(path, data)
        self.progress.finish(self.figure, time.perf_counter() - start)
        arrays = unpack(data)
        assert arrays is not None
        return arrays


def _file_name(stage: str) -> str:
    """A file name that is safe everywhere and differs for different stages."""
    readable = re.sub(r"[^A-Za-z0-9]+", "-", stage).strip("-")[:40]
    return f"stage-{readable}-{hashlib.sha256(stage.encode()).hexdigest()[:8]}.npz"
