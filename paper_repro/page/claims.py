"""Claims on the page: in full beside their figure, in a line each in the scorecard, and those whose verdict changes."""

from figures.common.claims import Verdict
from figures.common.pooling import Pooled
from paper_repro.page.markup import Html, joined, tag, typeset
from paper_repro.page.panels import FigureOnPage, Page, Panel, filters_of
from paper_repro.scorecard import EARLIER
from paper_repro.wording import SYMBOLS, expected, measured, verdict


def badge(verdict: str, text: str) -> Html:
    """A verdict that can be told by its colour, its sign and its word."""
    return tag("span", text, class_=f"badge {verdict}")


def claims_in_full(page: Page, figure: FigureOnPage, panel: Panel) -> Html:
    """The table of a panel's claims."""
    rows = [_row(figure, panel, *claim) for claim in page.claims(panel)]
    return _table("claims", ("Claim", "Expected", "Measured, 95 %", "Verdict"), [tag("tbody", *rows)])


def _row(figure: FigureOnPage, panel: Panel, index: int, pooled: Pooled, isolated: bool) -> Html:
    claim = pooled.claim
    kind = claim.kind if claim.estimate is None else claim.tests
    heading = tag(
        "th",
        tag("strong", typeset(claim.name)),
        tag(
            "span",
            typeset(claim.statement),
            " ",
            tag("span", kind, class_="kind"),
            f" {claim.source}",
            class_="statement",
        ),
        scope="row",
    )
    marks = [f"{preset}: {other}" for preset, other in figure.elsewhere(panel, claim.name).items()]
    decided = joined(
        (
            badge(claim.verdict, f"{SYMBOLS[claim.verdict]} {claim.verdict}"),
            *(tag("span", mark, class_="mark") for mark in [*marks_of(pooled, isolated), *marks]),
        )
    )
    return tag(
        "tr",
        heading,
        tag("td", expected(claim), data_label="Expected"),
        tag("td", measured(claim), data_label="Measured, 95 %"),
        tag("td", decided, data_label="Verdict"),
        id=panel.claim_anchor(index),
        class_=f"claim {claim.verdict}",
        data_shows=filters_of(claim),
    )


def marks_of(pooled: Pooled, isolated: bool) -> list[str]:
    """What is said beside a verdict: how many seeds agree, and whether a *differs* is isolated."""
    _, *marks = verdict(pooled, isolated).split(", ")
    return (["isolated"] if isolated else []) + marks


def scorecard_in_short(page: Page) -> Html:
    """All claims once more, in a line each, with links to where they stand in full."""
    bodies = []
    for figure in page.figures:
        for panel in figure.panels:
            label = tag("span", panel.scored.label, class_="where")
            link = joined((tag("a", figure.title, href=f"#{figure.name}"), " ", label))
            head = tag("tr", tag("th", link, colspan=4, scope="rowgroup"), class_="group")
            rows = [_short_row(panel, *claim) for claim in page.claims(panel)]
            bodies.append(tag("tbody", head, *rows, data_shows=panel.shown_with))
    return _table("short", ("Claim", "Expected", "Measured, 95 %", "Verdict"), bodies)


def _short_row(panel: Panel, index: int, pooled: Pooled, isolated: bool) -> Html:
    claim = pooled.claim
    return tag(
        "tr",
        tag("th", tag("a", typeset(claim.name), href=f"#{panel.claim_anchor(index)}"), scope="row"),
        tag("td", expected(claim), data_label="Expected"),
        tag("td", measured(claim), data_label="Measured"),
        tag("td", verdict(pooled, isolated), data_label="Verdict"),
        class_=claim.verdict,
        data_shows=filters_of(claim),
    )


def changes(page: Page) -> Html:
    """The claims whose verdict is another with another seed or another preset; nothing where there are none."""
    seeds = [item for figure in page.figures for panel in figure.panels for item in _changes_of_seed(page, panel)]
    presets = [item for figure in page.figures if len(figure.panels) > 1 for item in _changes_of_preset(page, figure)]
    lists = [
        joined((tag("h3", f"With the seed: {len(seeds)}"), tag("ul", *seeds))) if seeds else "",
        joined((tag("h3", f"With the preset: {len(presets)}"), tag("ul", *presets))) if presets else "",
    ]
    if not any(lists):
        return Html("")
    summary = tag("summary", tag("h2", "Verdicts that change", id="changes-heading"))
    details = tag("details", summary, *lists)
    return tag("section", details, id="changes", aria_labelledby="changes-heading")


def _changes_of_seed(page: Page, panel: Panel) -> list[Html]:
    items = []
    for index, pooled, _ in page.claims(panel):
        by_verdict: dict[Verdict, list[str]] = {}
        for seed, found in zip(pooled.seeds, pooled.verdicts, strict=True):
            by_verdict.setdefault(found, []).append(str(seed))
        if set(by_verdict) - {pooled.claim.verdict}:
            each = "; ".join(f"{found} for seed {', '.join(seeds)}" for found, seeds in by_verdict.items())
            items.append(_change(panel, index, pooled, f"together {pooled.claim.verdict}; {each}"))
    return items


def _changes_of_preset(page: Page, figure: FigureOnPage) -> list[Html]:
    panel = figure.counted
    return [
        _change(panel, index, pooled, "; ".join(f"{preset} {found}" for preset, found in all_verdicts.items()))
        for index, pooled, _ in page.claims(panel)
        if (others := figure.elsewhere(panel, pooled.claim.name))
        if (all_verdicts := {panel.scored.preset: pooled.claim.verdict} | others)
    ]


def _change(panel: Panel, index: int, pooled: Pooled, text: str) -> Html:
    where = tag("span", panel.scored.label, class_="where")
    link = tag("a", typeset(pooled.claim.name), href=f"#{panel.claim_anchor(index)}")
    return tag("li", link, f": {text} ", where, data_shows=filters_of(pooled.claim))


def _table(name: str, headings: tuple[str, ...], bodies: list[Html]) -> Html:
    head = tag("thead", tag("tr", *(tag("th", heading, scope="col") for heading in headings)))
    return tag("div", tag("table", head, *bodies, class_=name), class_="scroll")


def earlier(panel: Panel) -> Html:
    """A note on a result that today's code would not compute."""
    return Html("") if panel.scored.current else tag("p", f"{EARLIER[0].upper()}{EARLIER[1:]}.", class_="note")
