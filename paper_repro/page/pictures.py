"""The pictures as the page shows them: files beside it, or data inside it."""

import base64
import io
from dataclasses import dataclass
from urllib.parse import quote

from paper_repro.drawings import Drawings
from paper_repro.page.markup import Html, tag
from paper_repro.page.thumbnails import current_thumbnail
from paper_repro.scorecard import Scored

TALLEST = 56  # rem


@dataclass(frozen=True)
class Picture:
    """Where the page finds a drawing, and the room to keep for it: nothing on the page moves when it arrives."""

    address: str
    size: tuple[int, int]  # pixels
    thumbnail: str  # address
    thumbnail_size: tuple[int, int]
    pdf: str | None  # address; None where the page travels alone

    def image(self, description: str, *, lazy: bool = True) -> Html:
        """The picture, no higher than `TALLEST`, loaded as it is scrolled to."""
        width, height = self.size
        widest = f"max-width: min(100%, {TALLEST * width / height:.0f}rem)"
        return _image(self.address, self.size, description, lazy, widest)

    def small_image(self, description: str) -> Html:
        """The thumbnail."""
        return _image(self.thumbnail, self.thumbnail_size, description, True, None)


def picture_of(one: Scored, drawings: Drawings, *, inside: bool) -> Picture:
    """The picture of a result, drawn where it is not.

    `inside`: its bytes become part of the page. Raises CannotDraw where today's code cannot, and UserError where files
    cannot be written.
    """
    png = drawings.current_png(one.parts, one.result)
    where = one.figure, one.preset
    thumbnail = current_thumbnail(png, drawings.thumbnail_path(*where))
    sizes = {"size": _size(png), "thumbnail_size": _size(thumbnail)}
    if inside:
        return Picture(_data(png), thumbnail=_data(thumbnail), pdf=None, **sizes)
    files = drawings.path(*where, "png"), drawings.thumbnail_path(*where), drawings.path(*where, "pdf")
    address, small, pdf = (quote(path.relative_to(drawings.out).as_posix()) for path in files)
    return Picture(address, thumbnail=small, pdf=pdf, **sizes)


def _data(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _size(png: bytes) -> tuple[int, int]:
    from PIL import Image

    with Image.open(io.BytesIO(png)) as image:
        return image.size


def _image(address: str, size: tuple[int, int], description: str, lazy: bool, style: str | None) -> Html:
    loading = "lazy" if lazy else None
    return tag("img", src=address, width=size[0], height=size[1], alt=description, loading=loading, style=style)
