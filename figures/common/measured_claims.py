"""Claims made from what was measured: from an estimate over repetitions, or from a number without sampling error."""

from figures.common.claims import Claim, Relation
from sims.measurements.estimates import Estimate


def estimated_claim(
    name: str,
    source: str,
    statement: str,
    estimate: Estimate,
    *,
    paper: float | None = None,
    theory: float | None = None,
    tolerance: float,
    relation: Relation = "equal",
) -> Claim:
    """The claim that a single estimate decides, with its 95 % interval from Student's t; see `Claim`."""
    value, interval = float(estimate.value), estimate.interval
    return Claim(name, source, statement, paper, theory, value, interval, tolerance, relation)


def exact_claim(
    name: str,
    source: str,
    statement: str,
    value: float,
    *,
    paper: float | None = None,
    theory: float | None = None,
    tolerance: float,
    relation: Relation = "equal",
) -> Claim:
    """The claim that a number without sampling error decides: its interval is the number itself."""
    return Claim(
        name, source, statement, paper, theory, float(value), (float(value), float(value)), tolerance, relation
    )
