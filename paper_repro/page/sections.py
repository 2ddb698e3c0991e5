"""A figure on the page: picture, caption, claims, parameters, provenance."""

from typing import Any

from paper_repro.durations import duration
from paper_repro.page.captions import result_of
from paper_repro.page.claims import claims_in_full, earlier
from paper_repro.page.markup import Html, joined, tag, typeset
from paper_repro.page.panels import FigureOnPage, Page, Panel
from paper_repro.scorecard import Scored
from paper_repro.seeds import named


def section(page: Page, figure: FigureOnPage) -> Html:
    """The section of a figure; where it has several presets, a switch between their panels."""
    heading = f"{figure.name}-heading"
    return tag(
        "section",
        tag("h2", figure.title, id=heading),
        tag("p", figure.entry.source, class_="where"),
        _switch(figure),
        *(_panel(page, figure, panel) for panel in figure.panels),
        id=figure.name,
        class_="figure",
        aria_labelledby=heading,
        data_shows=figure.counted.shown_with,
    )


def _switch(figure: FigureOnPage) -> Html:
    """Radio buttons before the panels, which the style sheet shows by the one that is chosen."""
    if len(figure.panels) == 1:
        return Html("")
    return joined(piece for panel in figure.panels for piece in _choice(figure, panel))


def _choice(figure: FigureOnPage, panel: Panel) -> tuple[Html, Html]:
    name = f"{panel.anchor}-chosen"
    button = tag(
        "input",
        type="radio",
        name=f"{figure.name}-preset",
        id=name,
        class_=f"choose choose-{panel.scored.preset}",
        autocomplete="off",
        checked=panel is figure.counted,
    )
    return button, tag("label", panel.scored.preset, for_=name)


def choice_rules(page: Page) -> str:
    """The style rules by which a chosen preset hides the others' panels, but for what a link has led to."""
    presets = dict.fromkeys(panel.scored.preset for figure in page.figures for panel in figure.panels)
    return "\n".join(
        f".choose-{preset}:checked ~ .panel:not(.{preset}):not(:target) {{ display: none; }}" for preset in presets
    )


def _panel(page: Page, figure: FigureOnPage, panel: Panel) -> Html:
    details = tag(
        "details",
        tag("summary", "Parameters and provenance"),
        tag("h4", "Parameters"),
        _pairs(panel.scored.result.provenance["config"]),
        tag("h4", "Provenance"),
        _pairs(_provenance(panel.scored)),
    )
    return tag(
        "div",
        tag("p", panel.scored.label, _not_shown(panel.scored), class_="where"),
        earlier(panel),
        _picture(figure, panel),
        tag("h3", "Claims"),
        tag("p", panel.scored.fault, class_="note") if panel.scored.fault else "",
        claims_in_full(page, figure, panel),
        details,
        id=panel.anchor,
        class_=f"panel {panel.scored.preset}",
    )


def _not_shown(scored: Scored) -> str:
    return f"; {named(scored.other_seeds)} stored too, and not shown" if scored.other_seeds else ""


def _picture(figure: FigureOnPage, panel: Panel) -> Html:
    if panel.picture is None:
        return tag("p", panel.undrawn or "", class_="note")
    differs, pdf = panel.scored.parts.differs, panel.picture.pdf
    caption = tag(
        "figcaption",
        tag("p", typeset(result_of(figure, panel))),
        *(tag("p", typeset(note)) for note in _notes(panel)),
        tag("p", f"Differs from the published figure: {differs.removesuffix('.')}.") if differs else "",
        tag("a", "PDF", href=pdf) if pdf else "",
    )
    return tag("figure", panel.picture.image(f"Picture: {figure.title}"), caption)


def _notes(panel: Panel) -> list[str]:
    """What the figure says of these arrays; nothing of those of earlier code."""
    scored = panel.scored
    return scored.parts.notes(scored.result.arrays) if scored.current else []


def _provenance(scored: Scored) -> dict[str, Any]:
    """The lines of the provenance that a reader needs to get the same numbers again."""
    provenance = scored.result.provenance
    resumed = len(provenance["stages_from_checkpoints"])
    wall = duration(provenance["wall_seconds"]) + (f", {resumed} stages from checkpoints" if resumed else "")
    data = provenance["data_sha256"]
    return {
        "preset": provenance["preset"],
        "seeds": scored.seeds,
        "computed": provenance["created"],
        "wall time": wall if len(scored.seeds) == 1 else f"{wall} for seed {scored.seeds[0]}",
        "code version": provenance["code_version"][:16],
        "results": [result.provenance["digest"][:16] for result in scored.results],
        **({} if data is None else {"data (SHA-256)": data}),
        **_shared(provenance),
        **{key: provenance[key] for key in ("device",) if key in provenance},
        **provenance.get("environment", {}),
        **provenance["versions"],
    }


def _shared(provenance: dict[str, Any]) -> dict[str, Any]:
    """For which figures the shared results were computed that this one has used."""
    used = provenance.get("shared_results", [])
    computed_for = dict.fromkeys(each["computed_for"] for each in used)
    return {"shared results": f"{len(used)}, computed for {', '.join(computed_for)}"} if used else {}


def _pairs(values: dict[str, Any]) -> Html:
    return tag("dl", *(piece for key, value in values.items() for piece in (tag("dt", key), tag("dd", _text(value)))))


def _text(value: Any) -> str:
    if value is None:
        return "–"
    return ", ".join(map(_text, value)) if isinstance(value, list | tuple) else str(value)
