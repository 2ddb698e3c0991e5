"""How every command of ours answers: an exit code, and one sentence where something is wrong."""

import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import typer

from paper_repro.errors import EXIT_INTERRUPTED, UserError
from paper_repro.streams import forgiving_streams


def carry_out(command: Any, arguments: Sequence[str], name: str) -> int:
    """Run a command of typer's and return its exit code.

    0, or 2 for bad input, 1 for a place that cannot be written, 130 when interrupted.
    """
    with forgiving_streams(), warnings.catch_warnings():
        _show_warnings_as_sentences()
        try:
            code = command.main(list(arguments), prog_name=name, standalone_mode=False)
            sys.stdout.flush()
        except UserError as error:
            return _fail(str(error), error.exit_code)
        except typer.Abort:
            code = EXIT_INTERRUPTED
        except Exception as error:
            # The base class of usage errors has lived in different packages; what it can do has not changed.
            if not hasattr(error, "format_message"):
                raise
            return _fail(error.format_message(), getattr(error, "exit_code", 2))  # type: ignore[attr-defined]
        return _fail("interrupted", code) if code == EXIT_INTERRUPTED else code if isinstance(code, int) else 0


def run_program(main: Callable[..., None], name: str) -> None:
    """The body of a module that is a program of its own: `main` with the arguments of the command line."""
    program = typer.Typer(add_completion=False)
    program.command()(main)
    sys.exit(carry_out(typer.main.get_command(program), sys.argv[1:], f"python -m {name}"))


def _fail(sentence: str, code: int) -> int:
    prefix = "" if code == EXIT_INTERRUPTED else "error: "
    print(f"{prefix}{' '.join(sentence.split())}", file=sys.stderr)
    return code


def _show_warnings_as_sentences() -> None:
    """Print a warning about the user's data once, without the line of code that raised it."""
    shown: set[str] = set()
    show_with_source = warnings.showwarning

    def show(message, category, filename, lineno, file=None, line=None) -> None:
        if category is not UserWarning:
            show_with_source(message, category, filename, lineno, file, line)
        elif str(message) not in shown:
            shown.add(str(message))
            print(f"warning: {message}", file=sys.stderr)

    warnings.showwarning = show
