"""A user's data on the command line: what was given, and what a waiting user sees while it is read."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from paper_repro.errors import UserError
from sims.data.formats import check_options, kind_of
from sims.data.snapshot_names import snapshot_files

_SECONDS_BETWEEN_LINES = 5.0

Told = Callable[[str, float], None]


@dataclass(frozen=True)
class GivenData:
    """`--data`, `--key` and `--layout`, and the `--snapshots` of a run that was trained on them."""

    path: str
    key: str | None = None
    layout: str | None = None
    snapshots: str | None = None

    @property
    def name(self) -> str:
        """What titles and labels call it: the last part of its path, also where that is given as `.`."""
        return _name_of(self.path)

    @property
    def names(self) -> dict[str, str]:
        """The names of what was given, in place of the paths in a configuration that is shown."""
        own = {"data": self.name}
        return own if self.snapshots is None else own | {"snapshots": _name_of(self.snapshots)}

    def fields(self) -> dict[str, str | None]:
        """The fields of a figure's configuration."""
        options = {"data_key": self.key, "data_layout": self.layout, "snapshots": self.snapshots}
        return {"data": self.path, **{name: value for name, value in options.items() if value is not None}}


def check_format(data: GivenData) -> None:
    """Raises UserError for what is not there or of a format that is not read; imports nothing heavy."""
    for what, given in (("data", data.path), ("snapshots", data.snapshots)):
        if given is not None and not given.strip():
            raise UserError(f"the name of the {what} is empty")
    path, reading = Path(data.path), data.path
    try:
        check_options(path, kind_of(path), data.key, data.layout)
        if data.snapshots is not None:
            reading = data.snapshots
            snapshot_files(Path(data.snapshots))
    except ValueError as error:
        raise UserError(str(error)) from error
    except OSError as error:
        raise UserError(f"data {reading!r} cannot be read: {error.strerror}") from error


def _name_of(path: str) -> str:
    return Path(path).resolve().name or path


@contextmanager
def shown_reading() -> Iterator[Told]:
    """What tells of reading on standard error: a bar on a terminal; else a line at once and one every few seconds."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda words, fraction: bar.update(task, description=words, completed=fraction)


class _Lines:
    def __init__(self) -> None:
        self.words, self.last = "", 0.0

    def __call__(self, words: str, fraction: float) -> None:
        now = time.monotonic()
        if words == self.words and now - self.last < _SECONDS_BETWEEN_LINES:
            return
        self.words, self.last = words, now
        print(f"{words}: {fraction:.0%}" if fraction else f"{words} …", file=sys.stderr, flush=True)
