"""`index.html`: the scorecard and every figure on one page that needs nothing beside it."""

import base64
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import quote

import figures
from figures.common.claims import Claim
from paper_repro.atomic import write_atomically
from paper_repro.drawings import Drawings
from paper_repro.durations import duration
from paper_repro.scorecard import SYMBOLS, Scored, count_verdicts, measured, number, tolerance

PAGE = "index.html"
TITLE = "Learning dynamics of diffusion models: the papers' claims, tested"
LEAD = (
    "Closed-form theory held against networks that were really trained. Each line is a statement, "
    "what the paper and the theory give, what was measured, and the verdict."
)
CLASSES = {"holds": "holds", "differs": "differs", "not reached at this preset": "open"}


def write_page(out: Path, scored: Sequence[Scored]) -> Path:
    """Write the page for these results and return its path. Raises UserError where it cannot be written."""
    drawings = Drawings(out)
    sections = []
    for one in scored:
        try:
            sections.append(_section(one, drawings))
        except Exception:
            if one.current:
                raise
            sections.append(_section_without_drawing(one))
    path = out / PAGE
    write_atomically(path, _page(scored, sections).encode())
    return path


def _page(scored: Sequence[Scored], sections: Sequence[str]) -> str:
    counts = count_verdicts(scored)
    tiles = "\n".join(
        f'<li class="{CLASSES[verdict]}"><b>{counts[verdict]}</b> {SYMBOLS[verdict]} {escape(verdict)}</li>'
        for verdict in SYMBOLS
    )
    contents = "\n".join(f"<li>{_link(one)}</li>" for one in scored)
    return Template(_packaged("page.html")).substitute(
        title=escape(TITLE),
        lead=escape(LEAD),
        css=_packaged("page.css"),
        counts=tiles,
        scorecard=_claims_table(scored, grouped=True),
        contents=contents,
        figures="\n".join(sections),
    )


def _packaged(name: str) -> str:
    return files("paper_repro").joinpath(name).read_text(encoding="utf-8")


def _section(one: Scored, drawings: Drawings) -> str:
    png = base64.b64encode(drawings.current_png(one.parts, one.result)).decode()
    pdf = quote(f"figures/{drawings.path(one.figure, one.preset, 'pdf').name}")
    alternative = f"{_title(one)}. {_source(one)}. The claims it supports are listed below."
    bars = "Bars and ± are 95 % intervals where the picture does not say otherwise."
    caption = f'{escape(_title(one))}. {escape(_source(one))}. {bars} <a href="{pdf}">PDF</a>'
    image = (
        f'<figure><img src="data:image/png;base64,{png}" alt="{escape(alternative)}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )
    return _section_around(one, image)


def _section_without_drawing(one: Scored) -> str:
    note = "This result comes from earlier code and today's code cannot draw it; run the figure again."
    return _section_around(one, f'<p class="note">{escape(note)}</p>')


def _section_around(one: Scored, image: str) -> str:
    anchor = _anchor(one)
    earlier = "" if one.current else '<p class="note">Computed with earlier code.</p>'
    return "\n".join(
        (
            f'<section id="{anchor}" aria-labelledby="{anchor}-heading">',
            f'<h2 id="{anchor}-heading">{escape(_title(one))}</h2>',
            f'<p class="where">{escape(one.label)} · {escape(_source(one))}</p>',
            earlier,
            image,
            f"<h3>Claims</h3>\n{_claims_table([one], grouped=False)}",
            f'<div class="pair"><div><h3>Parameters</h3>\n{_pairs(one.result.provenance["config"])}</div>',
            f"<div><h3>Provenance</h3>\n{_pairs(_provenance(one.result.provenance))}</div></div>",
            "</section>",
        )
    )


def _claims_table(scored: Sequence[Scored], *, grouped: bool) -> str:
    headings = ("Claim", "Paper", "Theory", "Measured (95 %)", "Tolerance", "Verdict")
    head = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in headings)
    bodies = []
    for one in scored:
        rows = []
        if grouped:
            rows.append(f'<tr class="group"><th colspan="6" scope="rowgroup">{_link(one)}</th></tr>')
        rows += [_claim_row(claim) for claim in one.claims]
        bodies.append("\n".join(("<tbody>", *rows, "</tbody>")))
    body = "\n".join(bodies)
    table = f'<table class="claims"><thead><tr>{head}</tr></thead>\n{body}\n</table>'
    return f'<div class="scroll">{table}</div>'


def _claim_row(claim: Claim) -> str:
    numbers = {
        "Paper": number(claim.paper),
        "Theory": number(claim.theory),
        "Measured (95 %)": measured(claim),
        "Tolerance": tolerance(claim),
    }
    cells = "".join(
        f'<td class="number" data-label="{escape(label)}">{escape(text)}</td>' for label, text in numbers.items()
    )
    statement = f'<span class="statement">{escape(claim.statement)}</span>'
    source = f'<span class="where">{escape(claim.source)}</span>'
    badge = f'<span class="badge">{SYMBOLS[claim.verdict]} {escape(claim.verdict)}</span>'
    return (
        f'<tr class="{CLASSES[claim.verdict]}">'
        f'<th scope="row"><strong>{escape(claim.name)}</strong>{statement}{source}</th>'
        f'{cells}<td data-label="Verdict">{badge}</td></tr>'
    )


def _provenance(provenance: dict[str, Any]) -> dict[str, Any]:
    """The lines of the provenance that a reader needs to get the same numbers again."""
    resumed = len(provenance["stages_from_checkpoints"])
    wall = duration(provenance["wall_seconds"]) + (f", {resumed} stages from checkpoints" if resumed else "")
    data = provenance["data_sha256"]
    return {
        "preset": provenance["preset"],
        "seed": provenance["seed"],
        "computed": provenance["created"],
        "wall time": wall,
        "code version": provenance["code_version"][:16],
        "result": provenance["digest"][:16],
        **({} if data is None else {"data (SHA-256)": data}),
        **{key: provenance[key] for key in ("device",) if key in provenance},
        **provenance.get("environment", {}),
        **provenance["versions"],
    }


def _pairs(values: dict[str, Any]) -> str:
    lines = "".join(f"<dt>{escape(key)}</dt><dd>{escape(_text(value))}</dd>" for key, value in values.items())
    return f"<dl>{lines}</dl>"


def _text(value: Any) -> str:
    if value is None:
        return "–"
    return ", ".join(map(_text, value)) if isinstance(value, list | tuple) else str(value)


def _link(one: Scored) -> str:
    where = f'<span class="where">{escape(one.label)}</span>'
    return f'<a href="#{_anchor(one)}">{escape(_title(one))}</a> {where}'


def _anchor(one: Scored) -> str:
    return escape(f"{one.figure}-{one.preset}")


def _title(one: Scored) -> str:
    return figures.FIGURES[one.figure].title


def _source(one: Scored) -> str:
    return figures.FIGURES[one.figure].source
