"""One verdict from several runs that differ in their seed alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from figures.common.claims import Claim, Verdict
from sims.measurements.estimates import Estimate, heterogeneity


@dataclass(frozen=True)
class Pooled:
    """A claim as one or several runs decide it.

    `claim` holds the pooled numbers: the mean of values and references, the error of their spread between runs
    (Student's t), and for the agreement statistic the mean of U. Of a deterministic claim it holds the number that
    is farthest from what is claimed.
    """

    claim: Claim
    seeds: tuple[int, ...]
    verdicts: tuple[Verdict, ...]  # of every seed by itself
    cochran: tuple[float, float] | None  # Q between runs and its p-value; None for one run and without own errors

    @property
    def agreeing(self) -> int:
        """How many seeds have the pooled verdict by themselves."""
        return self.verdicts.count(self.claim.verdict)


def pool_claims(runs: Mapping[int, Sequence[Claim]]) -> list[Pooled]:
    """The claims of several runs of a figure, by seed, in the order of the first run.

    A claim that some runs do not make (too few modes emerged, say) is pooled over those that do.
    """
    names = list(dict.fromkeys(claim.name for claims in runs.values() for claim in claims))
    by_name = {name: {seed: c for seed, claims in runs.items() for c in claims if c.name == name} for name in names}
    return [_pool(claims) for claims in by_name.values()]


def _pool(claims: Mapping[int, Claim]) -> Pooled:
    made = list(claims.values())
    verdicts: tuple[Verdict, ...] = tuple(claim.verdict for claim in made)
    first = made[0]
    if len(made) == 1:
        return Pooled(first, tuple(claims), verdicts, None)
    estimates = [claim.estimate for claim in made if claim.estimate is not None]
    if not estimates:
        return Pooled(max(made, key=_shortfall), tuple(claims), verdicts, None)
    pooled = estimates[0].pooled(estimates[1:])
    reference = float(np.mean([claim.reference for claim in made]))
    claim = replace(
        first,
        paper=_mean([each.paper for each in made]),
        theory=_mean([each.theory for each in made]),
        bound=_mean([each.bound for each in made]),
        measured=reference + pooled.centre,
        estimate=pooled,
    )
    with_errors = [each for each in estimates if isinstance(each, Estimate)]
    cochran = heterogeneity(with_errors) if len(with_errors) == len(made) else None
    return Pooled(claim, tuple(claims), verdicts, cochran)


def _shortfall(claim: Claim) -> float:
    """How far a deterministic number is from what is claimed; infinite where it is not a number."""
    excess = claim.measured - claim.reference
    short = {"equal": abs(excess), "greater": -excess, "less": excess}[claim.relation]
    return float("inf") if np.isnan(short) else short


def _mean(values: Sequence[float | None]) -> float | None:
    given = [value for value in values if value is not None]
    return float(np.mean(given)) if len(given) == len(values) else None
