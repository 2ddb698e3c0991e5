"""Drawings of stored results: a PDF for papers, a PNG for the page, both marked with the result they show."""

import io
from dataclasses import dataclass
from pathlib import Path

import figures
from paper_repro.atomic import remove_abandoned, write_atomically
from paper_repro.errors import UserError
from paper_repro.store import StoredResult

PNG_DPI = 150
MARK = "Result"  # the PNG text field that holds the digest


class CannotDraw(UserError):
    """Today's code cannot draw a result."""


@dataclass(frozen=True)
class Drawings:
    """The folder `figures` of an output folder."""

    out: Path

    def path(self, figure: str, preset: str, suffix: str) -> Path:
        """`figures/<figure>.pdf` for the preset quick, `figures/<figure>-<preset>.pdf` for another."""
        name = figure if preset == "quick" else f"{figure}-{preset}"
        return self.out / "figures" / f"{name}.{suffix}"

    def thumbnail_path(self, figure: str, preset: str) -> Path:
        """`figures/thumbnails/<figure>.png`, as in `path`."""
        drawing = self.path(figure, preset, "png")
        return drawing.parent / "thumbnails" / drawing.name

    def draw(self, parts: figures.Figure, result: StoredResult) -> bytes:
        """Draw a result, write both files and return the PNG.

        Raises CannotDraw for what the figure's own code raises, and UserError where files cannot be written.
        """
        where = result.provenance["figure"], result.provenance["preset"]
        try:
            png, pdf = _drawn(parts, result)
        except Exception as error:  # whatever the arrays of one result make of one figure, the others go on
            said = f"{type(error).__name__}: {' '.join(str(error).split())}"
            raise CannotDraw(f"{where[0]} ({where[1]}) cannot be drawn: {said}", exit_code=1) from error
        write_atomically(self.path(*where, "pdf"), pdf)
        write_atomically(self.path(*where, "png"), png)
        return png

    def current_png(self, parts: figures.Figure, result: StoredResult) -> bytes:
        """The PNG of this result; drawn again where the files show another one or are missing."""
        where = result.provenance["figure"], result.provenance["preset"]
        png = self.path(*where, "png")
        if self.path(*where, "pdf").is_file() and png.is_file():
            data = png.read_bytes()
            if mark_of(data) == result.provenance["digest"]:
                return data
        return self.draw(parts, result)

    def clean(self) -> None:
        """Remove what killed runs have left behind."""
        remove_abandoned(self.out / "figures")
        remove_abandoned(self.out / "figures" / "thumbnails")


def _drawn(parts: figures.Figure, result: StoredResult) -> tuple[bytes, bytes]:
    """PNG and PDF."""
    from matplotlib import pyplot as plt

    open_before = set(plt.get_fignums())
    digest = result.provenance["digest"]
    try:
        figure = _settled(parts.draw(result.arrays))
        png = _png(figure, {"Software": None, MARK: digest})
        return png, _pdf(figure, {"CreationDate": None, "Keywords": digest})
    finally:
        for number in set(plt.get_fignums()) - open_before:
            plt.close(number)


def _settled(figure):
    """The figure with its layout computed once, at the resolution of the PNG, for both formats."""
    figure.set_dpi(PNG_DPI)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    return figure


# The canvases are asked directly: `savefig` lays every figure out once more before it prints.


def _png(figure, metadata: dict[str, str | None]) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer, metadata=metadata)
    return buffer.getvalue()


def _pdf(figure, metadata: dict[str, str | None]) -> bytes:
    from matplotlib.backends.backend_pdf import FigureCanvasPdf

    buffer = io.BytesIO()
    FigureCanvasPdf(figure).print_pdf(buffer, metadata=metadata)
    return buffer.getvalue()


def mark_of(png: bytes) -> str | None:
    """Digest of the result that a PNG of ours shows; None for any other bytes."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(png)) as image:
            return image.info.get(MARK)
    except (OSError, SyntaxError):
        return None
