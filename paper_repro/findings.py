"""The findings: prose whose numbers are those of the reference runs.

    python -m paper_repro.findings

fills `docs/findings.in.md` from the claims in `docs/results` and `docs/results/paper`, breaks its lines anew, and
writes `docs/findings.md`. The comment on top of the prose says how a placeholder is written, and lists the decimal
numbers that are none. `{{papers' statements that differ}}` becomes a table of them at the quick preset's sizes, and
`{{papers' statements that differ, paper}}` one of those that differ at the papers' sizes only.
"""

if __name__ == "__main__":  # before a package of ours is imported that may have a namesake in the working folder
    from paper_repro.neighbours import put_ours_first

    put_ours_first()

import difflib
import re
from pathlib import Path
from typing import Annotated, Any

import typer

from paper_repro.atomic import write_atomically
from paper_repro.commands import run_program
from paper_repro.errors import UserError
from paper_repro.folders import check_there
from paper_repro.folders import folder as named_folder
from paper_repro.json_files import read_claims, read_text
from paper_repro.paragraphs import refilled
from paper_repro.placeholders import Quoted, fill
from paper_repro.reference import CLAIMS
from paper_repro.wording import beside, number

PROSE = "findings.in.md"
FINDINGS = "findings.md"
FOLDERS = {"quick": "results", "paper": "results/paper"}  # of the reference runs, by preset
NOTE = f"<!-- Made from {PROSE} by `python -m paper_repro.findings`; edit that file, not this one. -->\n"
TYPED = "Typed by hand:"
DIFFERING = {
    "quick": "{{papers' statements that differ}}",
    "paper": "{{papers' statements that differ, paper}}",
}

_COMMENT = re.compile(r"\A<!--(.*?)-->\n", re.DOTALL)
_DECIMAL = re.compile(r"\d+\.\d+")
_PLACEHOLDER = re.compile(r"\{\{.*?\}\}", re.DOTALL)

Claims = dict[tuple[str, str, str], dict[str, Any]]  # by preset, figure and name


def findings(folder: Path) -> str:
    """The text of the findings, from the prose and the reference runs in a folder of documents.

    Raises UserError where a file is missing, for a placeholder that does not fit, and for a decimal number that is
    neither in a placeholder nor in the list of the comment.
    """
    check_there(folder)
    comment, prose = _parts(read_text(folder / PROSE))
    typed = set(_DECIMAL.findall(comment.partition(TYPED)[2]))
    loose = [number for number in _DECIMAL.findall(_PLACEHOLDER.sub("", prose)) if number not in typed]
    if loose:
        raise UserError(f"{PROSE} has {loose[0]} outside a placeholder; quote a claim, or list it in the comment")
    claims = _reference_claims(folder)
    try:
        for preset, place in DIFFERING.items():
            if place in prose:
                prose = prose.replace(place, _differing(claims, preset))
        return NOTE + refilled(fill(prose, lambda place: _quoted(place, claims)))
    except ValueError as error:
        raise UserError(f"{PROSE}: {error}") from error


def _parts(text: str) -> tuple[str, str]:
    """The comment on top, and what follows."""
    comment = _COMMENT.match(text)
    if comment is None:
        raise UserError(f"{PROSE} does not begin with a comment")
    return comment[1], text[comment.end() :]


def _reference_claims(folder: Path) -> Claims:
    return {
        (preset, claim["figure"], str(claim.get("name"))): claim
        for preset, place in FOLDERS.items()
        for claim in read_claims(folder / place / CLAIMS)
    }


def _differing(claims: Claims, preset: str) -> str:
    """A table of the papers' statements that reference runs contradict, those alone that have an interval.

    Of the paper preset only what the quick one does not contradict already.
    """
    at = {key: claim for key, claim in claims.items() if _contradicts(claim)}
    rows = [
        f"| `{figure}` | {_in_cell(name)} | {_wanted(claim)} | {_found(claim)} |"
        for (of_preset, figure, name), claim in at.items()
        if of_preset == preset and (preset == "quick" or ("quick", figure, name) not in at)
    ]
    return "\n".join(("| figure | statement | wanted | measured |", "|---|---|---|---|", *rows))


def _contradicts(claim: dict[str, Any]) -> bool:
    return (claim.get("tests"), claim["verdict"]) == ("paper", "differs") and bool(claim["interval"])


def _in_cell(text: str) -> str:
    return text.replace("|", r"\|")


def _wanted(claim: dict[str, Any]) -> str:
    return beside(claim["relation"], number(claim[claim["held_against"]]), claim["margin"])


def _found(claim: dict[str, Any]) -> str:
    isolated = ", isolated" if claim.get("isolated") else ""
    return f"{number(claim['measured'])} [{', '.join(map(number, claim['interval']))}]{isolated}"


def _quoted(place: str, claims: Claims) -> Quoted:
    """What may be quoted of the claim at `figure/claim`, or `paper:figure/claim`."""
    preset, _, rest = place.partition(":") if place.startswith("paper:") else ("quick", "", place)
    figure, _, name = rest.partition("/")
    names = [other for of_preset, of_figure, other in claims if (of_preset, of_figure) == (preset, figure)]
    if not names:
        raise UserError(f"{PROSE}: there is no reference run of a figure {figure!r} at preset {preset!r}")
    if name not in names:
        nearest = difflib.get_close_matches(name, names, n=1, cutoff=0.0)[0]
        raise UserError(f"{PROSE}: {figure!r} at preset {preset!r} has no claim {name!r}; the nearest is {nearest!r}")
    try:
        return Quoted.of_json(claims[preset, figure, name])
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{FOLDERS[preset]}/{CLAIMS} is damaged: {name!r} of {figure!r} is no claim") from error


def main(folder: Annotated[Path, typer.Argument(parser=named_folder, metavar="FOLDER")] = Path("docs")) -> None:
    """Write the findings of a FOLDER of documents."""
    write_atomically(folder / FINDINGS, findings(folder).encode())


if __name__ == "__main__":
    run_program(main, "paper_repro.findings")
