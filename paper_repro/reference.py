"""Reference runs: pictures, claims and provenance of what has been computed, small enough to be kept with the code.

    python -m paper_repro.reference results docs/results --seeds 0-4            # the quick preset
    python -m paper_repro.reference results docs/results/paper --preset paper

A folder of reference runs holds one PNG per figure, `claims.json` as `compare --json` prints it, and `provenance.json`.
Pictures and provenance are those of the first seed; of the others the provenance has the hash of all their arrays.
Figures that are not among the results keep what is there; where that was scored by rules that no longer hold, it says
so (`"rescored": false`). Arrays stay out.
"""

if __name__ == "__main__":  # before a package of ours is imported that may have a namesake in the working folder
    from paper_repro.neighbours import put_ours_first

    put_ours_first()

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

import figures
from paper_repro.atomic import write_atomically
from paper_repro.claims_as_json import claims_as_json
from paper_repro.commands import run_program
from paper_repro.drawings import Drawings
from paper_repro.errors import UserError
from paper_repro.folders import check_no_file
from paper_repro.folders import folder as named_folder
from paper_repro.json_files import read_claims, read_records
from paper_repro.runner import check_preset
from paper_repro.scorecard import Scorecard, Scored, collect
from paper_repro.seeds import named, parse_seeds
from paper_repro.store import Store

LARGEST_PICTURE = 300_000  # bytes
CLAIMS = "claims.json"
PROVENANCE = "provenance.json"


def publish(out: Path, folder: Path, preset: str = "quick", seeds: Sequence[int] | None = None) -> list[str]:
    """Put the newest results of a preset, or those of these seeds, under `out` into `folder`; names of their figures.

    Raises UserError where there are none, for a preset that no figure has or a file in place of a folder, where one was
    computed with earlier code, or where files cannot be written.
    """
    check_preset(preset)
    check_no_file(out)
    check_no_file(folder)
    scored = collect(Store(out), list(figures.FIGURES), preset, seeds)
    if not scored:
        raise UserError(f"nothing has been computed at preset {preset!r} under {str(out)!r}")
    for one in scored:
        if not one.current:
            raise UserError(f"{one.label}: run it again before it becomes the reference")
        if seeds is not None and one.seeds != tuple(seeds):
            raise UserError(f"{one.label}: expected {named(seeds)}")
    # What is there is read before anything is written.
    texts = {CLAIMS: _claims(folder / CLAIMS, scored), PROVENANCE: _provenances(folder / PROVENANCE, scored)}
    drawings = Drawings(out)
    for one in scored:
        write_atomically(folder / f"{one.figure}.png", shrunk(drawings.current_png(one.parts, one.result)))
    for name, text in texts.items():
        write_atomically(folder / name, text.encode())
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


def _claims(path: Path, scored: list[Scored]) -> str:
    """Claims by figure, in the order of the table of figures."""
    new = {one.figure for one in scored}
    there = read_claims(path) if path.exists() else []
    kept: list[dict[str, Any]] = [
        claim for claim in there if claim["figure"] not in new and claim["figure"] in figures.FIGURES
    ]
    kept = [claim if "kind" in claim else claim | {"rescored": False} for claim in kept]
    order = list(figures.FIGURES)
    claims = sorted([*kept, *claims_as_json(Scorecard(scored))], key=lambda claim: order.index(claim["figure"]))
    return json.dumps(claims, indent=1, allow_nan=False) + "\n"


def _provenances(path: Path, scored: list[Scored]) -> str:
    there = read_records(path) if path.exists() else {}
    kept = {figure: record for figure, record in there.items() if figure in figures.FIGURES}
    records = kept | {one.figure: _provenance(one) for one in scored}
    ordered = {figure: records[figure] for figure in figures.FIGURES if figure in records}
    return json.dumps(ordered, indent=1) + "\n"


def _provenance(scored: Scored) -> dict:
    others = {str(one.provenance["seed"]): one.provenance["arrays_sha256"] for one in scored.results[1:]}
    return scored.result.provenance | ({"arrays_sha256_of_other_seeds": others} if others else {})


def main(
    results: Annotated[Path, typer.Argument(parser=named_folder)],
    reference: Annotated[Path, typer.Argument(parser=named_folder)],
    preset: str = "quick",
    seeds: Annotated[str | None, typer.Option(metavar="A-B")] = None,
) -> None:
    """Put the newest RESULTS of a preset, or those of several seeds, into the folder REFERENCE."""
    print("\n".join(publish(results, reference, preset, parse_seeds(None, seeds))))


if __name__ == "__main__":
    run_program(main, "paper_repro.reference")
