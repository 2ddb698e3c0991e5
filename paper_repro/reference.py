"""Reference runs: pictures, claims and provenance of what has been computed, small enough to be kept with the code.

    python -m paper_repro.reference results docs/results            # the quick preset
    python -m paper_repro.reference results docs/results/paper paper

A folder of reference runs holds one PNG per figure, `claims.json` as `compare --json` prints it, and `provenance.json`.
Figures that are not among the results keep what is there. Arrays stay out.
"""

import io
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

import figures
from paper_repro.atomic import write_atomically
from paper_repro.drawings import Drawings
from paper_repro.errors import UserError
from paper_repro.scorecard import Scored, as_json, collect
from paper_repro.store import Store

LARGEST_PICTURE = 300_000  # bytes
CLAIMS = "claims.json"
PROVENANCE = "provenance.json"


def publish(out: Path, folder: Path, preset: str = "quick") -> list[str]:
    """Put the newest results of a preset under `out` into `folder`; names of their figures.

    Raises UserError where there are none, where one was computed with earlier code, or where files cannot be written.
    """
    scored = collect(Store(out), list(figures.FIGURES), preset, None)
    if not scored:
        raise UserError(f"nothing has been computed at preset {preset!r} under {str(out)!r}")
    for one in scored:
        if not one.current:
            raise UserError(f"{one.label}: run it again before it becomes the reference")
    drawings = Drawings(out)
    for one in scored:
        write_atomically(folder / f"{one.figure}.png", shrunk(drawings.current_png(one.parts, one.result)))
    _write_claims(folder / CLAIMS, scored)
    _write_provenance(folder / PROVENANCE, scored)
    return [one.figure for one in scored]


def shrunk(png: bytes, limit: int = LARGEST_PICTURE) -> bytes:
    """The picture in at most `limit` bytes: as it is, else with 256 colours, else with fewer pixels too."""
    from PIL import Image

    if len(png) <= limit:
        return png
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    for percent in range(100, 20, -5):
        size = [picture.width * percent // 100, picture.height * percent // 100]
        buffer = io.BytesIO()
        smaller = picture if percent == 100 else picture.resize((size[0], size[1]), Image.Resampling.LANCZOS)
        smaller.quantize(256, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
        if len(buffer.getvalue()) <= limit:
            return buffer.getvalue()
    raise UserError(f"a picture of {len(png)} bytes cannot be brought to {limit}")


def _write_claims(path: Path, scored: list[Scored]) -> None:
    """Claims by figure, in the order of the table of figures."""
    new = {one.figure for one in scored}
    kept = [claim for claim in _read(path, []) if claim["figure"] not in new and claim["figure"] in figures.FIGURES]
    order = list(figures.FIGURES)
    claims = sorted([*kept, *as_json(scored)], key=lambda claim: order.index(claim["figure"]))
    write_atomically(path, (json.dumps(claims, indent=1, allow_nan=False) + "\n").encode())


def _write_provenance(path: Path, scored: list[Scored]) -> None:
    kept = {figure: record for figure, record in _read(path, {}).items() if figure in figures.FIGURES}
    records = kept | {one.figure: one.result.provenance for one in scored}
    ordered = {figure: records[figure] for figure in figures.FIGURES if figure in records}
    write_atomically(path, (json.dumps(ordered, indent=1) + "\n").encode())


def _read(path: Path, default):
    return json.loads(path.read_text()) if path.exists() else default


def main(results: Path, reference: Path, preset: Annotated[str, typer.Argument()] = "quick") -> None:
    """Put the newest RESULTS of a preset into the folder REFERENCE."""
    try:
        print("\n".join(publish(results, reference, preset)))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(error.exit_code) from error


if __name__ == "__main__":
    typer.run(main)
