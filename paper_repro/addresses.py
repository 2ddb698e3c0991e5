"""The address of a result: everything that decides its numbers, and nothing else."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

import figures
from paper_repro.code_version import code_version


@dataclass(frozen=True)
class Address:
    """What a stored result is the result of."""

    figure: str
    preset: str
    config: dict[str, Any]  # of the preset: a user's data are known by their hash
    seed: int
    data_sha256: str | None
    code_version: str

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON of this address."""
        return hashlib.sha256(canonical_json(asdict(self)).encode()).hexdigest()


def address_of(figure: str, preset: str, config: Any, seed: int, data_sha256: str | None) -> Address:
    """Address of a configuration (a dataclass) with the code as it stands now.

    Of the user's data there is the hash, and nothing in the configuration.
    """
    return Address(figure, preset, asdict(config), seed, data_sha256, code_version(figures.FIGURES[figure].package))


def canonical_json(value: Any) -> str:
    """The one JSON text of a value. Raises TypeError for what JSON cannot hold."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
