"""What a figure states: a claim, what it is held against, and the verdict.

The verdict of an equivalence or of a difference follows from the 95 % interval of measured minus reference and from a
margin that was stated before the run; nothing else decides. Docs: `docs/verdicts.md`.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol, Self

Tests = Literal["paper", "theory", "control"]
Kind = Literal["check", "identity", "equivalence", "difference"]
Relation = Literal["equal", "greater", "less"]
Verdict = Literal["holds", "differs", "undecided"]
Reference = Literal["paper", "theory", "bound"]


class Evidence(Protocol):
    """What replicates say about measured minus reference: `Estimate` and `Agreement` of `sims.measurements`."""

    @property
    def centre(self) -> float:
        """The estimated difference."""
        ...

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the difference; (-inf, inf) where the replicates do not say."""
        ...

    def p_at_most(self, threshold: float) -> float:
        """One-sided p-value of the hypothesis that the true difference is at most `threshold`."""
        ...

    def p_at_least(self, threshold: float) -> float:
        """One-sided p-value of the hypothesis that the true difference is at least `threshold`."""
        ...

    def pooled(self, others: list[Self]) -> Self:
        """The evidence of this run and of others with other seeds."""
        ...


@dataclass(frozen=True)
class Claim:
    """One statement of a paper (or of this project) and the number that decides it.

    Made by `from_estimate` where replicates were drawn, by `check` and `identity` where nothing is random.
    Raises ValueError where the kind and the other fields do not fit together.
    """

    name: str  # "one-layer emergence exponent"
    source: str  # "Wang & Pehlevan 2025, Sec. 4.3"
    statement: str  # "tau* ∝ λ^-α with α ≈ 1"
    tests: Tests  # what *differs* contradicts: a printed statement, our theory, or neither
    kind: Kind
    relation: Relation
    paper: float | None  # a number that the paper prints
    theory: float | None  # a number that theory predicts
    bound: float | None  # a threshold of ours
    held_against: Reference  # which of the three the measured number is held against
    measured: float
    estimate: Evidence | None  # of measured minus reference, paired, over the same modes; None without randomness
    margin: float  # the difference that would matter, or the smallest effect worth naming; stated before the run
    headline: bool = False  # at most 12 in the project

    @classmethod
    def from_estimate(
        cls,
        name: str,
        statement: str,
        estimate: Evidence,
        *,
        source: str,
        tests: Tests,
        margin: float = 0.0,
        relation: Relation = "equal",
        paper: float | None = None,
        theory: float | None = None,
        bound: float | None = None,
        held_against: Reference | None = None,
        headline: bool = False,
    ) -> Self:
        """An equivalence (`relation="equal"`) or a difference ("greater", "less").

        `estimate` is of the measured number **minus** the reference: `mean_over(measured - reference)` where the
        reference differs between replicates, and `mean_over(measured).minus(number)` where it is one number.
        `held_against` may be left out where one reference only is given.
        """
        kind: Kind = "equivalence" if relation == "equal" else "difference"
        chosen = held_against or _only_reference(name, paper, theory, bound)
        reference = {"paper": paper, "theory": theory, "bound": bound}[chosen]
        measured = math.nan if reference is None else float(reference) + estimate.centre
        numbers = paper, theory, bound, chosen, measured, estimate, margin, headline
        return cls(name, source, statement, tests, kind, relation, *numbers)

    @classmethod
    def check(
        cls,
        name: str,
        statement: str,
        measured: float,
        *,
        source: str,
        tests: Tests = "control",
        relation: Relation = "equal",
        margin: float = 0.0,
        paper: float | None = None,
        theory: float | None = None,
        bound: float | None = None,
        held_against: Reference | None = None,
    ) -> Self:
        """A deterministic number: nothing random enters, so it has no interval and is counted apart."""
        chosen = held_against or _only_reference(name, paper, theory, bound)
        numbers = paper, theory, bound, chosen, float(measured), None, margin
        return cls(name, source, statement, tests, "check", relation, *numbers)

    @classmethod
    def identity(
        cls,
        name: str,
        statement: str,
        measured: float,
        *,
        source: str,
        theory: float,
        margin: float,
        paper: float | None = None,
        tests: Tests = "theory",
        held_against: Reference = "theory",
    ) -> Self:
        """Theory against theory: two ways to one number, neither of them random."""
        numbers = paper, theory, None, held_against, float(measured), None, margin
        return cls(name, source, statement, tests, "identity", "equal", *numbers)

    def __post_init__(self) -> None:
        if getattr(self, self.held_against) is None:
            raise ValueError(f"claim {self.name!r} is held against its {self.held_against} and has none")
        if not self.margin >= 0:
            raise ValueError(f"claim {self.name!r} has the margin {self.margin}; expected zero or more")
        if (self.kind in ("check", "identity")) != (self.estimate is None):
            raise ValueError(f"claim {self.name!r}: equivalences and differences need an estimate, others have none")
        if (self.kind in ("identity", "equivalence") and self.relation != "equal") or (
            self.kind == "difference" and self.relation == "equal"
        ):
            raise ValueError(f"claim {self.name!r} is of the kind {self.kind} and has the relation {self.relation}")
        if self.kind == "equivalence" and self.margin == 0:
            raise ValueError(f"claim {self.name!r}: an equivalence needs a margin above zero")
        if self.kind == "difference" and self.margin == 0 and self.held_against != "bound":
            raise ValueError(f"claim {self.name!r}: a difference needs a smallest effect worth naming, or a bound")

    @property
    def reference(self) -> float:
        """The number that the measured one is held against."""
        return float(getattr(self, self.held_against))

    @cached_property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval of the measured number, that of the difference moved by the reference; None without one."""
        if self.estimate is None:
            return None
        low, high = self.estimate.interval
        return self.reference + low, self.reference + high

    @cached_property
    def verdict(self) -> Verdict:
        """An equivalence *holds* if the interval of the difference lies inside ±margin and *differs* if it lies
        wholly outside; a difference *holds* if the interval lies beyond the margin on the side that is claimed and
        *differs* if it lies wholly short of it. What is neither is *undecided*, as is a number that is not finite.
        """
        if self.estimate is None:
            return self._verdict_without_error()
        low, high = self.estimate.interval
        if not all(math.isfinite(value) for value in (self.measured, low, high)):
            return "undecided"
        if self.relation == "equal":
            inside, outside = -self.margin <= low and high <= self.margin, low > self.margin or high < -self.margin
        elif self.relation == "greater":
            inside, outside = low > self.margin, high < self.margin
        else:
            inside, outside = high < -self.margin, low > -self.margin
        return "holds" if inside else "differs" if outside else "undecided"

    def _verdict_without_error(self) -> Verdict:
        excess = self.measured - self.reference
        if not math.isfinite(excess):
            return "differs" if self.kind == "check" and math.isnan(excess) else "undecided"
        allowed = {"equal": abs(excess), "greater": -excess, "less": excess}[self.relation] <= self.margin
        return "holds" if allowed else "differs"

    @cached_property
    def p_holds(self) -> float | None:
        """p-value of "the claim is false", two-sided: below .05 exactly where it *holds*. None without randomness."""
        if self.estimate is None:
            return None
        at_most, at_least = self.estimate.p_at_most, self.estimate.p_at_least
        if self.relation == "equal":
            one_sided = max(at_most(-self.margin), at_least(self.margin))
        else:
            one_sided = at_most(self.margin) if self.relation == "greater" else at_least(-self.margin)
        return min(1.0, 2 * one_sided)

    @cached_property
    def p_differs(self) -> float | None:
        """p-value of "the claim is true", two-sided: below .05 exactly where it *differs*. None without randomness."""
        if self.estimate is None:
            return None
        at_most, at_least = self.estimate.p_at_most, self.estimate.p_at_least
        if self.relation == "equal":
            one_sided = min(at_most(self.margin), at_least(-self.margin))
        else:
            one_sided = at_least(self.margin) if self.relation == "greater" else at_most(-self.margin)
        return min(1.0, 2 * one_sided)


def _only_reference(name: str, paper: float | None, theory: float | None, bound: float | None) -> Reference:
    given: list[Reference] = []
    if paper is not None:
        given.append("paper")
    if theory is not None:
        given.append("theory")
    if bound is not None:
        given.append("bound")
    if len(given) != 1:
        raise ValueError(f"claim {name!r} needs one reference, or `held_against` to choose; got {given or 'none'}")
    return given[0]
