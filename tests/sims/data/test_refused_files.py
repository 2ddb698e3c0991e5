"""Every refusal of a user's file by its sentence, and no other exception whatever the damage."""

import gzip
import pickle
import struct
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sims.data.principal_components import principal_components
from sims.data.user_files import load_user_data
from tests.oracles.user_files import (
    BYTES,
    FLOATS,
    archived,
    cut,
    encoded,
    grown,
    idx_bytes,
    pictured,
    samples_of,
    saved,
    saved_with_header,
    written,
    zipped,
)

WITH_NAN = np.where(np.arange(30).reshape(10, 3) < 28, FLOATS, np.nan)
WITH_INFINITY = np.where(np.arange(30).reshape(10, 3) != 13, FLOATS, -np.inf)

REFUSALS = {
    "missing": (lambda folder: folder / "mine.npz", r"mine\.npz does not exist; expected \.npy, \.npz, IDX"),
    "extension": (
        written("mine.csv", b"1,2\n3,4\n"),
        r"mine\.csv has the unsupported extension '\.csv'; exp",
    ),
    "no file": (lambda folder: Path("/dev/null"), "/dev/null is not a regular file; expected"),
    "empty npy": (written("mine.npy", b""), r"mine\.npy is empty \(0 bytes\); expected"),
    "empty npz": (written("mine.npz", b""), r"mine\.npz is empty \(0 bytes\)"),
    "empty idx": (written("mine.idx", b""), r"mine\.idx is empty \(0 bytes\)"),
    "not npy": (
        written("mine.npy", b"hello there"),
        r"mine\.npy is not a NumPy file; expected one written by",
    ),
    "cut npy": (cut(saved(FLOATS), 150), r"mine\.npy is truncated or corrupt: expected 240 bytes .* found 22"),
    "cut npy head": (cut(saved(FLOATS), 20), r"mine\.npy is truncated or corrupt"),
    "cut npz": (cut(archived(x=FLOATS), 200), r"mine\.npz is truncated or corrupt; expected a whole NumPy"),
    "no arrays": (archived(), r"mine\.npz holds no arrays; expected one array"),
    "objects": (
        saved(np.array([[1, "a"], [2, None]], object)),
        r"mine\.npy holds Python objects, which are nev",
    ),
    "npz objects": (archived(x=np.array([[{}], [2]], object)), r"mine\.npz holds Python objects"),
    "several": (
        archived(a=FLOATS, b=FLOATS),
        r"mine\.npz holds several arrays \(a, b\); expected a single one",
    ),
    "short npy": (saved_with_header((10, 4)), r"expected 320 bytes of data for its shape \(10, 4\), found 240"),
    "huge npy": (saved_with_header((10**12, 3)), r"truncated or corrupt: expected 24000000000000 bytes"),
    "negative npy": (saved_with_header((-10, 3)), r"mine\.npy is truncated or corrupt: expected -240 bytes"),
    "long npy": (
        lambda folder: grown(saved(FLOATS)(folder)),
        r"mine\.npy is truncated or corrupt: expected 240 bytes .* found 241",
    ),
    "named fields": (saved(np.zeros(4, [("é", "f8")])), r"mine\.npy holds values"),
    "torch": (
        written("mine.pt", b"PK"),
        r"mine\.pt has .*; convert it by np\.save\('mine\.npy', torch\.load\('mine\.pt'",
    ),
    "hdf5": (written("mine.h5", b"HDF"), r"convert it by np\.save\('mine\.npy', h5py\.File\('mine\.h5'\)"),
    "parquet": (written("mine.parquet", b"PAR1"), r"convert it by np\.save\('mine\.npy', pandas\.read_parquet\('mi"),
    "transposed": (saved(FLOATS.T), r"fewer rows \(3\) than columns \(10\); expected --layout rows if every row is"),
    "samples last": (saved(np.zeros((4, 5, 999))), r"shape \(4, 5, 999\); expected the samples on the first axis"),
    "too large": (saved(FLOATS * 1e200), r"mine\.npy holds values as large as .*e\+200, whose squares overflow"),
    "beyond float64": (saved(FLOATS.astype(np.longdouble) * np.longdouble(10) ** 400), "holds NaN or infinite values"),
    "too small": (saved(FLOATS * 1e-200), r"no values above .*e-200, and their squares underflow"),
    "round-off": (saved(1e8 + FLOATS * 1e-9), r"differ by no more than round-off of their largest value, 1e\+08"),
    "not a zip": (written("mine.zip", b"PK hello"), r"mine\.zip is truncated or corrupt; expected a whole zip archive"),
    "zip of texts": (zipped({"a.txt": b"hello"}), r"mine\.zip holds no images"),
    "zip of damage": (zipped({"a/1.png": b"hello", "a/2.png": b"hello"}), r"a/1\.png is truncated or corrupt"),
    "text": (saved(np.array([["a", "b"]])), r"mine\.npy holds values of type <U1; expected real numbers"),
    "complex": (saved(FLOATS + 1j), r"values of type complex128; expected real numbers"),
    "dates": (saved(np.array([["2025-01-01"]], "M8[D]")), r"values of type datetime64\[D\]; expected real"),
    "0-d": (saved(3.0), r"mine\.npy holds a 0-dimensional array of shape \(\); expected \(n, d\)"),
    "1-d": (
        saved(np.arange(4.0)),
        r"mine\.npy holds a 1-dimensional array of shape \(4,\); expected \(n, d\)",
    ),
    "5-d": (saved(np.zeros((2, 2, 2, 2, 3))), r"holds a 5-dimensional array of shape \(2, 2, 2, 2, 3\)"),
    "channels first": (
        saved(np.zeros((9, 3, 4, 4))),
        r"shape \(9, 3, 4, 4\); expected \(n, h, w, c\) with c = 1 or 3 channels last, or --layout chw$",
    ),
    "one sample": (saved(FLOATS[:1]), r"mine\.npy holds too few samples \(1\); expected at least 2"),
    "no samples": (saved(FLOATS[:0]), r"mine\.npy holds too few samples \(0\)"),
    "no features": (
        saved(FLOATS[:, :0]),
        r"mine\.npy has shape \(10, 0\), without any values; expected at least",
    ),
    "NaN": (
        saved(WITH_NAN),
        r"mine\.npy holds NaN or infinite values, the first in sample 9 \(counting from 0",
    ),
    "infinity": (saved(WITH_INFINITY), r"mine\.npy holds NaN or infinite values, the first in sample 4 "),
    "constant": (saved(np.ones((9, 1)) * [1.0, 2.0]), r"mine\.npy has zero variance: its samples are equal"),
    "not idx": (
        written("mine.idx", b"hello"),
        r"mine\.idx is not an IDX file: it begins.* '68 65 6c 6c'; expec",
    ),
    "not idx in gzip": (written("mine.tar.gz", gzip.compress(b"hello")), r"mine\.tar\.gz is not an IDX file"),
    "idx type": (written("mine.idx", b"\0\0\x0a\1"), r"mine\.idx is not an IDX file: it .* '00 00 0a 01'"),
    "short idx": (written("mine.idx", b"\0\0\x08"), r"mine\.idx is not an IDX file: it begins .* '00 00 08'"),
    "cut idx head": (
        written("mine.idx", idx_bytes(BYTES)[:9]),
        r"ends within its header of 16 bytes; expected a",
    ),
    "cut idx": (
        written("mine.idx", idx_bytes(BYTES)[:-1]),
        r"mine\.idx is truncated or corrupt: expected 800 bytes .* its shape \(40, 4, 5\), found 799",
    ),
    "long idx": (written("mine.idx", idx_bytes(BYTES) + b"1"), "expected 800 bytes .*, found 801"),
    "huge idx": (written("mine.idx", b"\0\0\x08\3" + b"\xff" * 12), r"expected \d{29} bytes .*, found 0"),
    "idx rank": (
        written("mine.idx", b"\0\0\x08\xff" + bytes(4 * 255)),
        r"mine\.idx holds a 255-dimensional array",
    ),
    "idx labels": (
        written("mine.idx", idx_bytes(BYTES[:, 0, 0])),
        r"holds a 1-dimensional array of shape \(40,",
    ),
    "cut gzip": (
        written("mine.idx.gz", gzip.compress(idx_bytes(BYTES))[:-100]),
        r"mine\.idx\.gz is truncated or corrupt; expected a whole gzip file",
    ),
    "bad gzip": (
        written("mine.idx.gz", b"\x1f\x8b" + b"\xff" * 30),
        r"mine\.idx\.gz is truncated or corrupt",
    ),
    "empty folder": (lambda folder: folder, r"holds no images; expected \.png, .* directly in it or in class folders"),
    "no images": (lambda folder: written("mine.txt", b"1")(folder).parent, "holds no images; expected"),
    "unequal images": (
        pictured(BYTES[0], BYTES[1], BYTES[2, 1:], BYTES[3, 2:]),
        r"002\.png has 3 x 5 pixels \(rows x columns\) but 000\.png has 4 x 5; expected images of one size",
    ),
    "one image": (pictured(BYTES[0]), r"images holds too few samples \(1\)"),
    "equal images": (pictured(BYTES[0], BYTES[0]), "images has zero variance"),
    "cut image": (
        cut(pictured(BYTES[0], BYTES[1]), 50, "001.png"),
        r"001\.png is truncated or corrupt; expected a whole image",
    ),
    "empty image": (cut(pictured(BYTES[0], BYTES[1]), 0, "001.png"), r"001\.png is truncated or corrupt"),
    "16-bit image": (
        pictured(BYTES[0].astype(np.uint16)),
        r"000\.png has more than 8 bits per pixel \(mode I;16\)",
    ),
}


@pytest.mark.filterwarnings("ignore:.*fewer samples")
@pytest.mark.parametrize(("write", "sentence"), REFUSALS.values(), ids=REFUSALS.keys())
def test_refusal(tmp_path: Path, write: Callable[[Path], Path], sentence: str):
    path = write(tmp_path)
    with pytest.raises(ValueError, match=sentence) as caught:
        principal_components(load_user_data(path), 5, standard_deviation=0.5)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert not message.endswith(".")
    assert "\n" not in message


def test_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The administrator may read any file, so the system's refusal is put in its place."""
    np.save(tmp_path / "mine.npy", FLOATS)

    def refuse(path: Path, mode: str):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ValueError, match=r"mine\.npy cannot be read: Permission denied$"):
        load_user_data(tmp_path / "mine.npy")


def test_nothing_is_unpickled(tmp_path: Path):
    """A pickle that creates a file when it is loaded, alone and as the contents of an object array."""
    trap = tmp_path / "trap"
    path = tmp_path / "mine.npy"
    pickled = b"\x80\x04cpathlib\nPath.touch\n(cpathlib\nPath\n(V" + str(trap).encode() + b"\ntRtR."
    pickle.loads(pickled)
    assert trap.exists()
    trap.unlink()
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (2, 2), }".ljust(117) + b"\n"
    object_array = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + pickled
    for content, sentence in ((pickled, "is not a NumPy file"), (object_array, "holds Python objects")):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=sentence):
            load_user_data(path)
    assert not trap.exists()


WHOLE_FILES = {
    "mine.npy": saved(FLOATS),
    "mine.npz": archived(x=FLOATS),
    "mine.idx": written("mine.idx", idx_bytes(BYTES)),
    "mine.idx.gz": written("mine.idx.gz", gzip.compress(idx_bytes(BYTES))),
    "images/000.png": pictured(*BYTES),
    "mine.zip": zipped({f"{index:03d}.png": encoded(image) for index, image in enumerate(BYTES)}),
}


@pytest.mark.parametrize(("name", "write"), WHOLE_FILES.items(), ids=WHOLE_FILES.keys())
def test_damaged_bytes_never_escape_as_another_exception(tmp_path: Path, name: str, write):
    """Damage passes unnoticed or is a ValueError that names the file; nothing else is raised or left open."""
    path = write(tmp_path)
    file = tmp_path / name
    content = file.read_bytes()
    damage = np.random.default_rng(3)
    for _ in range(150):
        broken = bytearray(content[: damage.integers(1, len(content) + 1)])
        broken[damage.integers(0, len(broken))] ^= 1 << int(damage.integers(0, 8))
        file.write_bytes(broken)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # NumPy and this package may warn of odd contents
            try:
                samples_of(load_user_data(path))
            except ValueError as error:
                assert str(error).startswith(str(path))  # noqa: PT017


OPTIONS = {
    "key of an npy": (saved(FLOATS), {"key": "x"}, r"mine\.npy holds no named arrays; --key is for \.npz archives"),
    "other key": (archived(a=FLOATS, b=FLOATS), {"key": "c"}, r"holds no array called 'c'; expected one of a, b"),
    "other layout": (saved(FLOATS), {"layout": "cwh"}, "unknown layout 'cwh'; expected one of hwc, chw, rows, columns"),
    "table as images": (
        saved(FLOATS),
        {"layout": "chw"},
        r"shape \(10, 3\), without axes of an image; expected --layout",
    ),
    "images as table": (saved(BYTES), {"layout": "columns"}, r"\(40, 4, 5\), with axes of images; --layout columns is"),
    "channels last": (
        saved(np.zeros((9, 4, 4, 3))),
        {"layout": "chw"},
        r"\(9, 4, 4, 3\); expected \(n, c, h, w\) with",
    ),
    "layout of files": (pictured(*BYTES[:3]), {"layout": "chw"}, "is a collection of images; --layout is for arrays"),
}


@pytest.mark.parametrize(("write", "options", "sentence"), OPTIONS.values(), ids=OPTIONS.keys())
def test_options_that_do_not_go_with_the_file(tmp_path: Path, write, options: dict, sentence: str):
    with pytest.raises(ValueError, match=sentence):
        load_user_data(write(tmp_path), **options)
