"""Standard output and standard error as they may be: closed, read no longer, full, unable to show a character.

Results are on disk; nobody loses hours of work because a terminal or a pager has gone.
"""

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from paper_repro.errors import UserError

EXIT_NOT_WRITTEN = 1


class Forgiving:
    """A standard stream whose reader may leave: what is written from then on is dropped."""

    def __init__(self, stream: TextIO, name: str | None) -> None:
        self._stream = stream
        self._name = name  # for the sentence about a disk that is full; None where nobody could read that

    def write(self, text: str) -> int:
        """As of any stream. Raises UserError where the system refuses."""
        self._attempt(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        """As of any stream. Raises UserError where the system refuses."""
        self._attempt(self._stream.flush)

    def _attempt(self, action: Callable[[], object]) -> None:
        try:
            action()
        except OSError as error:
            self._drop_the_rest()
            if self._name is not None and not isinstance(error, BrokenPipeError):
                sentence = f"cannot write to {self._name}: {error.strerror}"
                raise UserError(sentence, exit_code=EXIT_NOT_WRITTEN) from error

    def _drop_the_rest(self) -> None:
        """Also what is still in a buffer, which Python would write, and complain of, when it ends."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._stream, attribute)


@contextmanager
def forgiving_streams() -> Iterator[None]:
    """Standard streams that take whatever is written to them, for as long as a command runs."""
    before = sys.stdin, sys.stdout, sys.stderr
    # In this order: what is closed leaves its number to the next file that is opened, which must not be one of ours.
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without Unicode shows `?`
    sys.stdout, sys.stderr = Forgiving(sys.stdout, "standard output"), Forgiving(sys.stderr, None)
    try:
        yield
    finally:
        sys.stdin, sys.stdout, sys.stderr = before
