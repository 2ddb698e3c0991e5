"""What a figure states: a claim, what it is held against, and the verdict."""

import math
from dataclasses import dataclass
from typing import Literal

Relation = Literal["equal", "greater", "less"]
Verdict = Literal["holds", "differs", "not reached at this preset"]


@dataclass(frozen=True)
class Claim:
    """One statement of a paper (or of this project) and the number that decides it.

    The measured value is held against `theory` where there is one and against `paper` otherwise: that number
    is the *reference*. `tolerance` says how far the measured value may lie from it and is stated in the figure
    module, before the run. `relation` says whether the measured value should equal the reference, or lie above
    or below it.
    """

    name: str  # "one-layer emergence exponent"
    source: str  # "Wang & Pehlevan 2025, Sec. 4.3"
    statement: str  # "tau* ∝ λ^-α with α ≈ 1"
    paper: float | None
    theory: float | None
    measured: float
    interval: tuple[float, float]  # 95 %
    tolerance: float
    relation: Relation = "equal"

    def __post_init__(self) -> None:
        if self.paper is None and self.theory is None:
            raise ValueError(f"claim {self.name!r} has neither a paper's nor a theory's value to be held against")
        if not self.tolerance >= 0:
            raise ValueError(f"claim {self.name!r} has tolerance {self.tolerance}; expected zero or more")

    @property
    def reference(self) -> float:
        """The number the measured value is held against."""
        reference = self.theory if self.theory is not None else self.paper
        assert reference is not None
        return reference

    @property
    def verdict(self) -> Verdict:
        """`holds`, `differs`, or `not reached at this preset` where the interval cannot tell.

        With the band of accepted values around the reference (one-sided for `greater` and `less`):
        the interval outside the band *differs*; an interval that overlaps the band *holds*, unless it is so
        wide (half-width above a non-zero tolerance, or reaching across a one-sided bound) that the run cannot
        decide.
        """
        low, high = self.interval
        if not all(math.isfinite(value) for value in (self.measured, low, high)):
            return "not reached at this preset"
        if self.relation == "greater":
            return _one_sided(low - (self.reference - self.tolerance), high - (self.reference - self.tolerance))
        if self.relation == "less":
            return _one_sided(self.reference + self.tolerance - high, self.reference + self.tolerance - low)
        if high < self.reference - self.tolerance or low > self.reference + self.tolerance:
            return "differs"
        if self.tolerance > 0 and (high - low) / 2 > self.tolerance:
            return "not reached at this preset"
        return "holds"


def _one_sided(worst: float, best: float) -> Verdict:
    """Verdict from the margins by which the interval's two ends clear a one-sided bound."""
    if worst >= 0:
        return "holds"
    return "differs" if best < 0 else "not reached at this preset"
