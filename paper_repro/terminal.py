"""The scorecard in the terminal."""

from rich.box import HORIZONTALS
from rich.console import Console
from rich.table import Table
from rich.text import Text

from paper_repro.multiplicity import expected_by_chance
from paper_repro.scorecard import VERDICTS, Scorecard
from paper_repro.wording import expected, measured, verdict

STYLES = {"holds": "bold blue", "differs": "bold yellow", "undecided": "bold"}


def print_scorecard(console: Console, scorecard: Scorecard) -> None:
    """One table for every figure, and the counts."""
    for place, scored in enumerate(scorecard.scored):
        console.print(_table(scorecard, place))
        if scored.fault:
            console.print(Text(f"{scored.label}: {scored.fault}"))
        console.print()
    console.print(_counts(scorecard))
    tested, chance = scorecard.tested(), expected_by_chance(scorecard.tested())
    console.print(Text(f"of {tested} claims with an interval, at most {chance:.1f} would differ by chance"))


def _table(scorecard: Scorecard, place: int) -> Table:
    scored = scorecard.scored[place]
    title = Text.assemble((scored.label, "bold"), f"\n{scored.title}")
    narrow = {"box": HORIZONTALS, "padding": (0, 1, 0, 0), "pad_edge": False}
    grid = Table(title=title, title_style="", title_justify="left", show_lines=True, **narrow)
    grid.add_column("claim", overflow="fold")
    grid.add_column("tests", overflow="fold")
    grid.add_column("expected", overflow="fold")
    grid.add_column("measured\n[95 %]", justify="right", overflow="fold")
    grid.add_column("verdict", overflow="fold", min_width=11)
    for index, pooled in enumerate(scored.claims):
        claim = pooled.claim
        name = Text.assemble((claim.name, "bold"), f"\n{claim.statement}")
        tests = claim.kind if claim.estimate is None else claim.tests
        verdict_text = verdict(pooled, (place, index) in scorecard.isolated)
        grid.add_row(
            name,
            Text(tests),
            Text(expected(claim)),
            Text(measured(claim).replace(" [", "\n[")),
            Text(verdict_text.replace(", ", "\n"), style=STYLES[claim.verdict]),
        )
    return grid


def _counts(scorecard: Scorecard) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("claims")
    for name in VERDICTS:
        table.add_column(name, justify="right")
    for group, counts in scorecard.counts().items():
        table.add_row(group, *(str(counts[name]) for name in VERDICTS))
    return table
