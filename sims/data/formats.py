"""What users' samples may come in, told from a path: nothing heavy is imported, a wrong file is answered at once."""

import re
from pathlib import Path
from typing import Literal

SUPPORTED = ".npy, .npz, IDX (such as train-images-idx3-ubyte.gz or *.idx), a folder or a .zip of images"
IMAGE_EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
LAYOUTS = ("hwc", "chw", "rows", "columns")

Kind = Literal["folder", "zip", "numpy", "idx"]

IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
GZIP_MAGIC = b"\x1f\x8b"
_IDX_NAME = re.compile(r"[.-]idx\d?(-\w+)?(\.gz)?$", re.IGNORECASE)

# What brings the formats of other packages into one of ours; {file} is the user's file, {stem} its name without ending.
_TORCH = "np.save('{stem}.npy', torch.load('{file}').numpy())"
_HDF5 = "np.save('{stem}.npy', h5py.File('{file}')['NAME'][:])"
_TABLE = "np.save('{stem}.npy', np.loadtxt('{file}', delimiter=','))"
_PICKLE = "np.save('{stem}.npy', pickle.load(open('{file}', 'rb')))"
_CONVERSIONS = {
    ".pt": _TORCH,
    ".pth": _TORCH,
    ".h5": _HDF5,
    ".hdf5": _HDF5,
    ".parquet": "np.save('{stem}.npy', pandas.read_parquet('{file}').to_numpy())",
    ".feather": "np.save('{stem}.npy', pandas.read_feather('{file}').to_numpy())",
    ".safetensors": "np.save('{stem}.npy', safetensors.numpy.load_file('{file}')['NAME'])",
    ".mat": "np.save('{stem}.npy', scipy.io.loadmat('{file}')['NAME'])",
    ".csv": _TABLE,
    ".txt": _TABLE,
    ".pkl": _PICKLE,
    ".pickle": _PICKLE,
}


def kind_of(path: Path) -> Kind:
    """How the samples at `path` are to be read.

    Raises ValueError, in one sentence, for what is missing, empty, neither a file nor a folder, or of a format that is
    not read; where another package reads it, with the line of code that converts it. Raises OSError where the system
    refuses.
    """
    if not path.exists():
        raise ValueError(f"{path} does not exist; expected {SUPPORTED}")
    if path.is_dir():
        return "folder"
    if not path.is_file():
        raise ValueError(f"{path} is not a regular file; expected {SUPPORTED}")
    if path.stat().st_size == 0:
        raise ValueError(f"{path} is empty (0 bytes); expected {SUPPORTED}")
    extension = path.suffix.lower()
    if extension == ".zip":
        return "zip"
    if extension in (".npy", ".npz"):
        return "numpy"
    if _IDX_NAME.search(path.name) or _starts_like_idx(path):
        return "idx"
    convert = _CONVERSIONS.get(extension)
    line = f"; convert it by {convert.format(file=path.name, stem=path.stem)}" if convert else ""
    raise ValueError(f"{path} has the unsupported extension '{path.suffix}'; expected {SUPPORTED}{line}")


def check_options(path: Path, kind: Kind, key: str | None, layout: str | None) -> None:
    """Raises ValueError for a `key` or a `layout` that does not go with what is at `path`."""
    if key is not None and not (kind == "numpy" and path.suffix.lower() == ".npz"):
        raise ValueError(f"{path} holds no named arrays; --key is for .npz archives")
    if layout is not None and layout not in LAYOUTS:
        raise ValueError(f"unknown layout {layout!r}; expected one of {', '.join(LAYOUTS)}")
    if layout is not None and kind in ("folder", "zip"):
        raise ValueError(f"{path} is a collection of images; --layout is for arrays")


def is_idx_magic(magic: bytes) -> bool:
    """Two zero bytes, the code of the number type, and the number of dimensions."""
    return len(magic) == 4 and magic[:2] == b"\0\0" and magic[2] in IDX_TYPES


def is_image_name(name: str) -> bool:
    """Whether a path inside a folder or an archive names an image, and none that a file manager has left there."""
    parts = name.split("/")
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts)
    return not hidden and parts[-1].lower().endswith(IMAGE_EXTENSIONS)


def _starts_like_idx(path: Path) -> bool:
    with path.open("rb") as stream:
        start = stream.read(4)
    return start[:2] == GZIP_MAGIC or is_idx_magic(start)
