"""Folders as a command line names them."""

from pathlib import Path

import typer

from paper_repro.errors import UserError


def folder(text: str | Path) -> Path:
    """The folder of this name. An unset variable would write into the working folder; that by itself is "."."""
    if not str(text).strip():
        raise typer.BadParameter("the name of a folder is empty")
    try:
        str(Path(text).absolute()).encode()
    except UnicodeEncodeError as error:  # the compiler, which keeps programs there, takes no other names
        raise typer.BadParameter("the name of a folder must be UTF-8") from error
    except OSError as error:
        raise typer.BadParameter(f"the working folder cannot be used: {error.strerror}") from error
    return Path(text)


def check_no_file(path: Path) -> None:
    """Raises UserError where something other than a folder has this name, or the system refuses to say."""
    try:
        if path.exists() and not path.is_dir():
            raise UserError(f"{str(path)!r} is not a folder")
    except OSError as error:
        raise UserError(f"cannot read {str(path)!r}: {error.strerror}") from error


def check_there(path: Path) -> None:
    """Raises UserError unless there is a folder of this name."""
    check_no_file(path)
    if not path.exists():
        raise UserError(f"the folder {str(path)!r} does not exist")
