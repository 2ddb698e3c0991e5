"""Snapshots of a training run, told from the names in a folder: nothing heavy is imported, a wrong one is answered at
once."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from sims.data.formats import is_image_name

EXPECTED = "one file or folder for each step, such as step_000100.npy, or step_000100/ or step_000100.zip of images"

_ARRAYS = (".npy", ".zip")
_THOUSANDS = {"": 1, "k": 1000, "m": 1_000_000}
_NUMBER = r"(\d+)(?:([km])(?![a-z]))?"
_AFTER_A_WORD = re.compile(rf"(?:step|iter|iteration)s?[^a-z0-9]*{_NUMBER}", re.IGNORECASE)
_ANY = re.compile(_NUMBER, re.IGNORECASE)


class SnapshotFile(NamedTuple):
    """Samples of one step of training: a `.npy`, a folder or a `.zip` of images."""

    step: int
    path: Path


def step_in(name: str) -> int | None:
    """The number after the word step, iter or iteration in a name, else its last number; 100k is 100000.

    >>> step_in("run3_step_000100_64x64"), step_in("samples-2000"), step_in("step100k"), step_in("final")
    (100, 2000, 100000, None)
    """
    after_a_word = _AFTER_A_WORD.search(name)
    found = [after_a_word] if after_a_word else list(_ANY.finditer(name))
    if not found:
        return None
    return int(found[-1][1]) * _THOUSANDS[(found[-1][2] or "").lower()]


def snapshot_files(folder: Path) -> list[SnapshotFile]:
    """The snapshots in a folder, by step; what else lies there (checkpoints, logs) is left alone.

    Raises ValueError, in one sentence, for what is missing or no folder, for fewer than two snapshots, for one without
    a step in its name, and for two of the same step. Raises OSError where the system refuses.
    """
    if not folder.exists():
        raise ValueError(f"{folder} does not exist; expected a folder with {EXPECTED}")
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder; expected one with {EXPECTED}")
    paths = sorted(_snapshots_in(folder))
    if not paths and any(is_image_name(path.name) for path in folder.iterdir()):
        raise ValueError(f"{folder} holds images of one step or of unknown ones; expected {EXPECTED}")
    if not paths:
        raise ValueError(f"{folder} holds no snapshots; expected {EXPECTED}")
    found = sorted(_with_step(path) for path in paths)
    if len(found) == 1:
        raise ValueError(f"{folder} holds one snapshot, {found[0].path.name}; expected two or more, of several steps")
    for first, second in pairwise(found):
        if first.step == second.step:
            raise ValueError(
                f"{first.path.name} and {second.path.name} in {folder} both have the step {first.step}; expected "
                "another for each, after the word step or as the last number of the name"
            )
    return found


def _snapshots_in(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name.startswith(".") or path.name == "__MACOSX":
            continue
        if path.is_dir():
            if any(is_image_name(image.relative_to(path).as_posix()) for image in path.rglob("*")):
                yield path
        elif path.suffix.lower() in _ARRAYS:
            if not path.is_file():
                raise ValueError(f"{path} is not a regular file; expected {EXPECTED}")
            yield path


def _with_step(path: Path) -> SnapshotFile:
    step = step_in(path.name if path.is_dir() else path.stem)
    if step is None:
        raise ValueError(f"{path} has no step in its name; expected {EXPECTED}")
    return SnapshotFile(step, path)
