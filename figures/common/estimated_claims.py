"""Claims whose measured value is an estimate: its 95 % interval is the estimate's own, by Student's t."""

from figures.common.claims import Claim, Relation
from sims.measurements.estimates import Estimate, difference


def estimated_claim(
    name: str,
    statement: str,
    estimate: Estimate,
    *,
    source: str,
    paper: float | None = None,
    theory: float | None = None,
    tolerance: float = 0.0,
    relation: Relation = "equal",
) -> Claim:
    """The claim that a single estimate is equal to, above or below the paper's or the theory's number."""
    return Claim(name, source, statement, paper, theory, float(estimate.value), estimate.interval, tolerance, relation)


def beside(measured: Estimate, reference: Estimate) -> Estimate:
    """The measured value with the error of its difference from a reference that is an estimate itself."""
    return difference(measured, reference)._replace(value=measured.value)


def absolute(estimate: Estimate) -> Estimate:
    """The size of an estimate, for a claim that it is not zero."""
    return estimate._replace(value=abs(estimate.value))
