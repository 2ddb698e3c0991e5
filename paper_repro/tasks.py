"""What a command and the processes that compute its stages say to each other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import cloudpickle

from figures.common.stages import Stage
from paper_repro.computing import Surroundings


@dataclass(frozen=True)
class Task:
    """A stage on its way to a process. `work` stays bytes until that process is known to be the right one."""

    command: str  # unlike that of any other command, so that a process computes with the code of one command only
    figure: str
    package: str
    code_version: str
    stage: str
    work: bytes
    surroundings: Surroundings


@dataclass(frozen=True)
class Warned:
    """A warning that the work raised."""

    message: str
    category: type[Warning]
    filename: str
    lineno: int


@dataclass(frozen=True)
class Outcome:
    """What became of a stage: an archive, or why there is none."""

    archive: bytes | None = None
    warned: tuple[Warned, ...] = ()
    traceback: str | None = None  # of an exception that the work raised
    lack: str | None = None  # what was said of memory that could not be had
    refusal: str | None = None  # what the process has otherwise: "jax 0.9.1 in place of 0.10.2"


def pickled(figure: str, stage: Stage) -> bytes:
    """The stage's work. Raises TypeError where it cannot be sent to another process."""
    work: Callable[[], Mapping[str, Any]] = stage.work
    try:
        return cloudpickle.dumps(work)
    except Exception as error:  # pickle, and every type's own reducer, raise what they like
        raise TypeError(f"stage {stage.name!r} of {figure} must be picklable; got {error}") from error
