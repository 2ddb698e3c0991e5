"""Captions: the result that a picture shows, in the numbers of its own run."""

from paper_repro.page.panels import FigureOnPage, Panel
from paper_repro.placeholders import Quoted, fill


def result_of(figure: FigureOnPage, panel: Panel) -> str:
    """The figure's caption with the panel's numbers.

    Title and source where it has none, or where it quotes a claim that this run does not make (at this preset too few
    modes emerge, say, or the result is of earlier code).
    """
    claims = {pooled.claim.name: pooled.claim for pooled in panel.scored.claims}
    caption = panel.scored.parts.caption
    try:
        filled = fill(caption, lambda name: Quoted.of(claims[name]))
    except KeyError:
        filled = ""
    return filled or f"{figure.title}. {figure.entry.source}."
