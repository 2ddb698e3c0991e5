"""Writing so that a kill at any moment leaves the old file or the new one, never half of one."""

import hashlib
import os
import platform
import shutil
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

from paper_repro.errors import UserError

TEMPORARY = ".temporary"
ABANDONED_AFTER_SECONDS = 24 * 3600.0  # for writers on machines whose processes cannot be seen from here


def write_atomically(path: Path, data: bytes) -> None:
    """Replace `path` by `data`. Raises UserError where the file system refuses."""
    try:
        try:
            _write_and_rename(path, data)
        except FileNotFoundError:  # another run has just removed the folder: make it again, once
            _write_and_rename(path, data)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}", exit_code=1) from error


def write_folder_atomically(folder: Path, files: Mapping[str, bytes], is_valid: Callable[[], bool]) -> None:
    """Make `folder` with these files in one step; keep one that is already there and `is_valid`.

    Raises UserError where the file system refuses.
    """
    temporary = temporary_name(folder)
    try:
        temporary.mkdir(parents=True)
        for name, data in files.items():
            _write_synced(temporary / name, data)
        if folder.exists() and not is_valid():
            shutil.rmtree(folder.rename(temporary_name(folder)))
        try:
            temporary.rename(folder)
        except OSError:
            if not folder.exists():
                raise
        _sync_folder(folder.parent)
    except OSError as error:
        raise UserError(f"cannot write {folder}: {error.strerror}", exit_code=1) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def temporary_name(path: Path) -> Path:
    """A name beside `path` that says which process writes it."""
    return path.with_name(f"{TEMPORARY}-{_machine()}-{os.getpid()}-{uuid.uuid4().hex[:8]}")


def remove_abandoned(folder: Path) -> None:
    """Remove temporary files and folders directly under `folder` whose writer is gone."""
    for path in folder.glob(f"{TEMPORARY}-*"):
        if _is_abandoned(path):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _is_abandoned(path: Path) -> bool:
    try:
        _, machine, process, _ = path.name.split("-")
        if machine == _machine() and not _is_running(int(process)):
            return True
        return time.time() - path.stat().st_mtime > ABANDONED_AFTER_SECONDS
    except (ValueError, OSError):  # not a name of ours, or just removed by its writer
        return False


def _is_running(process: int) -> bool:
    if os.name == "nt":  # there, signal 0 is not a question
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _machine() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def _write_and_rename(path: Path, data: bytes) -> None:
    temporary = temporary_name(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        _write_synced(temporary, data)
        os.replace(temporary, path)
        _sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _write_synced(path: Path, data: bytes) -> None:
    with path.open("xb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _sync_folder(folder: Path) -> None:
    """Make a rename last through a power cut, where the system offers it."""
    if hasattr(os, "O_DIRECTORY"):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
