"""The address of a result: everything that decides its numbers, and nothing else."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import figures
from paper_repro.code_version import code_version


@dataclass(frozen=True)
class Address:
    """What a stored result is the result of."""

    figure: str
    preset: str
    config: dict[str, Any]  # with None for the path of the user's data
    seed: int
    data_sha256: str | None
    code_version: str

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON of this address."""
        return hashlib.sha256(canonical_json(asdict(self)).encode()).hexdigest()


def address_of(figure: str, preset: str, config: Any, seed: int, data_sha256: str | None) -> Address:
    """Address of a configuration (a dataclass) with the code as it stands now.

    Where the user's data is given, the hash of its content takes the place of its path, so a file may move.
    """
    fields = asdict(config) if data_sha256 is None else asdict(config) | {"data": None}
    return Address(figure, preset, fields, seed, data_sha256, code_version(figures.FIGURES[figure].package))


def canonical_json(value: Any) -> str:
    """The one JSON text of a value. Raises TypeError for what JSON cannot hold."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def data_digest(path: Path) -> str:
    """SHA-256 of a file, or of the sorted names and contents of a folder's files.

    Raises OSError where it cannot be read.
    """
    if path.is_file():
        return _file_digest(path)
    digest = hashlib.sha256()
    for file in sorted(file for file in path.rglob("*") if file.is_file()):
        digest.update(f"{file.relative_to(path).as_posix()}\0{_file_digest(file)}\n".encode())
    return digest.hexdigest()


def _file_digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
