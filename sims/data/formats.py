"""What users' samples may come in, told from a path: standard library only, so that a wrong file is refused at once."""

import re
from pathlib import Path
from typing import Literal

SUPPORTED = ".npy, .npz, IDX (such as train-images-idx3-ubyte.gz or *.idx) or a folder of images"

Kind = Literal["folder", "numpy", "idx"]

IDX_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
GZIP_MAGIC = b"\x1f\x8b"
_IDX_NAME = re.compile(r"[.-]idx\d?(-\w+)?(\.gz)?$", re.IGNORECASE)


def kind_of(path: Path) -> Kind:
    """How the samples at `path` are to be read.

    Raises ValueError, in one sentence, for what is missing, empty, neither a file nor a folder, or of a format that is
    not read. Raises OSError where the system refuses.
    """
    if not path.exists():
        raise ValueError(f"{path} does not exist; expected {SUPPORTED}")
    if path.is_dir():
        return "folder"
    if not path.is_file():
        raise ValueError(f"{path} is not a regular file; expected {SUPPORTED}")
    if path.stat().st_size == 0:
        raise ValueError(f"{path} is empty (0 bytes); expected {SUPPORTED}")
    if path.suffix.lower() in (".npy", ".npz"):
        return "numpy"
    if _IDX_NAME.search(path.name) or _starts_like_idx(path):
        return "idx"
    raise ValueError(f"{path} has the unsupported extension '{path.suffix}'; expected {SUPPORTED}")


def is_idx_magic(magic: bytes) -> bool:
    """Two zero bytes, the code of the number type, and the number of dimensions."""
    return len(magic) == 4 and magic[:2] == b"\0\0" and magic[2] in IDX_DTYPES


def _starts_like_idx(path: Path) -> bool:
    with path.open("rb") as stream:
        start = stream.read(4)
    return start[:2] == GZIP_MAGIC or is_idx_magic(start)
