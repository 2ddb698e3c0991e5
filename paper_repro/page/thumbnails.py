"""Small pictures for contents and headlines: a few kB each where the drawing has hundreds."""

import hashlib
import io
from pathlib import Path

from paper_repro.atomic import write_atomically
from paper_repro.drawings import MARK, mark_of
from paper_repro.store import read_bytes

BOX = 320, 200  # pixels that a thumbnail fits into: twice what the page gives it
COLOURS = 32


def current_thumbnail(png: bytes, path: Path) -> bytes:
    """The thumbnail of a drawing, kept at `path`; made anew where the file shows another drawing or is missing.

    Raises UserError where it cannot be written.
    """
    digest = hashlib.sha256(png).hexdigest()
    kept = read_bytes(path)
    if kept is not None and mark_of(kept) == digest:
        return kept
    made = _thumbnail(png, digest)
    write_atomically(path, made)
    return made


def _thumbnail(png: bytes, digest: str) -> bytes:
    from PIL import Image, PngImagePlugin

    mark = PngImagePlugin.PngInfo()
    mark.add_text(MARK, digest)
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture.thumbnail(BOX, Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True, pnginfo=mark)
    return buffer.getvalue()
