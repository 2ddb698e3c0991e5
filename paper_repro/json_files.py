"""JSON files that people may have edited: read with a sentence for whatever is wrong."""

import json
from pathlib import Path
from typing import Any

from paper_repro.errors import UserError


def read_text(path: Path) -> str:
    """The text of a file. Raises UserError where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"cannot read {path}: no UTF-8") from error


def read_claims(path: Path) -> list[dict[str, Any]]:
    """Claims as `compare --json` prints them. Raises UserError for anything else, but for keys other than "figure"."""
    claims = _read(path)
    if not isinstance(claims, list):
        raise UserError(f"{path} is damaged: expected a list of claims")
    for number, claim in enumerate(claims, start=1):
        if not isinstance(claim, dict) or not isinstance(claim.get("figure"), str):
            raise UserError(f"{path} is damaged: its claim {number} names no figure")
    return claims


def read_records(path: Path) -> dict[str, Any]:
    """Provenances by figure. Raises UserError for anything but an object."""
    records = _read(path)
    if not isinstance(records, dict):
        raise UserError(f"{path} is damaged: expected an object with a provenance for each figure")
    return records


def _read(path: Path) -> Any:
    try:
        return json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is damaged: no JSON") from error
