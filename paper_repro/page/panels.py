"""What the page shows of each figure: a panel per preset, one of which counts."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import figures
from figures.common.claims import Claim, Verdict
from figures.common.pooling import Pooled
from paper_repro.drawings import CannotDraw, Drawings
from paper_repro.page.pictures import Picture, picture_of
from paper_repro.scorecard import Scorecard, Scored

# By what claims are shown or hidden, in the order of the rows of the counts.
GROUPS = ("paper", "theory", "control", "deterministic")
_EARLIER_CODE = "This result comes from earlier code and today's code cannot draw it; run the figure again."


@dataclass(frozen=True)
class Panel:
    """The result of a figure at one preset."""

    place: int  # of the result in the scorecard
    scored: Scored
    picture: Picture | None  # None where it cannot be drawn …
    undrawn: str | None = None  # … and why

    @property
    def anchor(self) -> str:
        """What a link to the panel names."""
        return f"{self.scored.figure}-{self.scored.preset}"

    def claim_anchor(self, index: int) -> str:
        """What a link to the claim names."""
        return f"{self.anchor}-{index + 1}"

    @property
    def shown_with(self) -> str:
        """All filters under which any of the claims is shown."""
        filters = [name for pooled in self.scored.claims for name in filters_of(pooled.claim).split()]
        return " ".join(dict.fromkeys(filters))


@dataclass(frozen=True)
class FigureOnPage:
    """A figure with its panels, in the order of its presets."""

    name: str
    panels: tuple[Panel, ...]

    @property
    def title(self) -> str:
        """What the panel that counts shows."""
        return self.counted.scored.title

    @property
    def entry(self) -> figures.FigureEntry:
        """The figure's line in the table of figures."""
        return figures.FIGURES[self.name]

    @property
    def counted(self) -> Panel:
        """The panel that is shown first and whose claims count: of the current code, then of the largest preset."""
        return max(self.panels, key=lambda panel: (panel.scored.current, self.panels.index(panel)))

    def elsewhere(self, panel: Panel, name: str) -> dict[str, Verdict]:
        """The verdicts of the claim of this name at the other presets, where they are others."""
        verdict = _verdict_in(panel, name)
        found: dict[str, Verdict | None] = {other.scored.preset: _verdict_in(other, name) for other in self.panels}
        return {preset: other for preset, other in found.items() if other is not None and other != verdict}


@dataclass(frozen=True)
class Page:
    """All that the page shows. Numbers that depend on how many claims there are come from the whole scorecard."""

    scorecard: Scorecard
    figures: tuple[FigureOnPage, ...]

    @cached_property
    def counted(self) -> Scorecard:
        """The scorecard of the panels that count: one for each figure."""
        return Scorecard([figure.counted.scored for figure in self.figures])

    def claims(self, panel: Panel) -> Iterator[tuple[int, Pooled, bool]]:
        """The claims of a panel with their number and whether a *differs* is isolated."""
        for index, pooled in enumerate(panel.scored.claims):
            yield index, pooled, (panel.place, index) in self.scorecard.isolated

    def headlines(self) -> list[tuple[FigureOnPage, Pooled, str]]:
        """The headline claims that count, each with its verdict among the others."""
        by_place = {figure.counted.place: figure for figure in self.figures}
        return [
            (by_place[key[0]], pooled, self.scorecard.headline_verdict(key))
            for key, _, pooled in self.scorecard.headlines()
            if key[0] in by_place
        ]


def page_of(scorecard: Scorecard, drawings: Drawings, *, inside: bool) -> Page:
    """The page of a scorecard; `inside`: pictures become part of it. Raises UserError where files cannot be written."""
    panels: dict[str, list[Panel]] = {}
    for place, one in enumerate(scorecard.scored):
        panels.setdefault(one.figure, []).append(_panel(place, one, drawings, inside=inside))
    return Page(scorecard, tuple(FigureOnPage(name, tuple(found)) for name, found in panels.items()))


def _panel(place: int, one: Scored, drawings: Drawings, *, inside: bool) -> Panel:
    try:
        return Panel(place, one, picture_of(one, drawings, inside=inside))
    except CannotDraw as error:
        return Panel(place, one, None, str(error) if one.current else _EARLIER_CODE)


def filters_of(claim: Claim) -> str:
    """The filters under which a claim is shown: its group, its verdict, and both."""
    group = "deterministic" if claim.estimate is None else claim.tests
    return f"{group} {claim.verdict} {group}-{claim.verdict}"


def _verdict_in(panel: Panel, name: str) -> Verdict | None:
    return next((pooled.claim.verdict for pooled in panel.scored.claims if pooled.claim.name == name), None)
