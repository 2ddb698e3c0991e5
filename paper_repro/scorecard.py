"""The scorecard: every claim of what has been computed, with its verdict."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.box import HORIZONTALS
from rich.table import Table
from rich.text import Text

import figures
from figures.common.claims import Claim
from paper_repro.runner import is_current, load_figure
from paper_repro.store import Store, StoredResult, load_folder

SYMBOLS = {"holds": "✓", "differs": "✗", "not reached at this preset": "…"}
STYLES = {"holds": "bold blue", "differs": "bold yellow", "not reached at this preset": "bold"}
EARLIER = "computed with earlier code"
RELATIONS = {"equal": "", "greater": " (at least)", "less": " (at most)"}


@dataclass(frozen=True)
class Scored:
    """A stored result and what it says about its figure's claims."""

    parts: figures.Figure
    result: StoredResult
    claims: list[Claim]
    current: bool  # whether today's code would compute the same

    @property
    def figure(self) -> str:
        """Name of the figure."""
        return self.result.provenance["figure"]

    @property
    def preset(self) -> str:
        """Name of the preset."""
        return self.result.provenance["preset"]

    @property
    def label(self) -> str:
        """`wang2025_fig2 (quick, seed 0)`, with the user's data and a mark for earlier code."""
        provenance = self.result.provenance
        parts = [self.preset, f"seed {provenance['seed']}"]
        if provenance.get("data_sha256"):
            parts.append(f"data {provenance['config']['data']}")
        if not self.current:
            parts.append(EARLIER)
        return f"{self.figure} ({', '.join(parts)})"


def collect(store: Store, names: Sequence[str], preset: str | None, seed: int | None) -> list[Scored]:
    """The newest result of each figure and preset, those of the current code first."""
    found = []
    for name in names:
        for key in figures.FIGURES[name].seconds:
            if preset in (None, key) and store.has(name, key):
                scored = _newest_scored(store, name, key, seed)
                found += [] if scored is None else [scored]
    return found


def _newest_scored(store: Store, figure: str, preset: str, seed: int | None) -> Scored | None:
    parts = load_figure(figure)
    for folder in store.newest(figure, preset, seed, lambda provenance: is_current(provenance, parts)):
        result = load_folder(folder)
        scored = None if result is None else score(parts, result)
        if scored is not None:
            return scored
    return None


def score(parts: figures.Figure, result: StoredResult) -> Scored | None:
    """The claims of a result; None for arrays of earlier code that today's claims cannot read."""
    current = is_current(result.provenance, parts)
    try:
        return Scored(parts, result, parts.claims(result.arrays), current)
    except Exception:
        if current:
            raise
        return None


def as_json(scored: Sequence[Scored]) -> list[dict[str, Any]]:
    """One object per claim, with null for what is not a finite number."""
    return [_claim_as_json(one, claim) for one in scored for claim in one.claims]


def _claim_as_json(scored: Scored, claim: Claim) -> dict[str, Any]:
    return {
        "figure": scored.figure,
        "name": claim.name,
        "source": claim.source,
        "statement": claim.statement,
        "paper": _finite(claim.paper),
        "theory": _finite(claim.theory),
        "measured": _finite(claim.measured),
        "interval": [_finite(end) for end in claim.interval],
        "tolerance": _finite(claim.tolerance),
        "preset": scored.preset,
        "verdict": claim.verdict,
    }


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def summary(scored: Sequence[Scored]) -> str:
    """`7 holds · 1 differs · 2 not reached at this preset`."""
    counts = count_verdicts(scored)
    return " · ".join(f"{counts[verdict]} {verdict}" for verdict in SYMBOLS)


def count_verdicts(scored: Sequence[Scored]) -> Counter[str]:
    """How many claims have each verdict."""
    return Counter(claim.verdict for one in scored for claim in one.claims)


def table(scored: Scored) -> Table:
    """The claims of one figure, for the terminal."""
    title = Text.assemble((scored.label, "bold"), f"\n{figures.FIGURES[scored.figure].title}")
    narrow = {"box": HORIZONTALS, "padding": (0, 1, 0, 0), "pad_edge": False}
    grid = Table(title=title, title_style="", title_justify="left", show_lines=True, **narrow)
    grid.add_column("claim", overflow="fold")
    for heading in ("paper", "theory", "measured\n[95 %]", "tolerance"):
        grid.add_column(heading, justify="right", overflow="fold")
    grid.add_column("verdict", overflow="fold", min_width=11)
    for claim in scored.claims:
        name = Text.assemble((claim.name, "bold"), f"\n{claim.statement}")
        numbers = map(_narrow, (number(claim.paper), number(claim.theory), measured(claim), tolerance(claim)))
        verdict = Text(f"{SYMBOLS[claim.verdict]} {claim.verdict}", style=STYLES[claim.verdict])
        grid.add_row(name, *map(Text, numbers), verdict)
    return grid


def _narrow(text: str) -> str:
    """What is in brackets on a line of its own, so that the table fits a terminal of 80 columns."""
    return text.replace(" [", "\n[").replace(" (", "\n(")


def number(value: float | None) -> str:
    """Four digits; a dash where there is no number."""
    if value is None:
        return "–"
    return f"{value:.4g}" if math.isfinite(value) else "not finite"


def measured(claim: Claim) -> str:
    """`0.98 ± 0.02`, or the interval's ends where it is not symmetric."""
    low, high = claim.interval
    if not all(math.isfinite(value) for value in (low, high, claim.measured)):
        return number(claim.measured)
    below, above = claim.measured - low, high - claim.measured
    if f"{below:.2g}" == f"{above:.2g}":
        return f"{claim.measured:.4g} ± {above:.2g}"
    return f"{claim.measured:.4g} [{low:.4g}, {high:.4g}]"


def tolerance(claim: Claim) -> str:
    """The stated tolerance, and the direction of a one-sided claim."""
    return f"{claim.tolerance:.4g}{RELATIONS[claim.relation]}"
