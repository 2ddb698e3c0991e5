"""Folders as a command line names them."""

from pathlib import Path

import typer


def folder(text: str | Path) -> Path:
    """The folder of this name. An unset variable would write into the working folder; that by itself is "."."""
    if not str(text).strip():
        raise typer.BadParameter("the name of a folder is empty")
    return Path(text)
