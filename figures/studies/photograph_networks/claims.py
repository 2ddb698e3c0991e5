"""What is claimed of every network that learns photographs."""

from collections.abc import Mapping

from figures.common.claims import Claim, Tests
from figures.common.stages import Arrays
from figures.studies.photograph_networks.kind_statistics import difference
from figures.studies.photograph_networks.statistics import (
    final_log_ratio,
    harmonic_excess,
    mean_alignment,
    solver_effect,
)
from figures.studies.trained_networks.statistics import Reading, mean_of_defined

SOURCE, OURS = "Wang & Pehlevan 2025", "this project"

_ARRIVED = 0.22  # of a mean logarithm of variances: 25 per cent
_ALIGNED = 0.9
_SOLVER = 0.05  # of an exponent


def harmonic_claim(data: Arrays, kind: str, words: str, excess: float) -> Claim:
    """The definition of emergence decides the exponent."""
    return Claim.from_estimate(
        f"{words}: the level decides the exponent",
        f"falling modes: α at the harmonic mean of start and target is larger than at the geometric by over {excess:g}",
        harmonic_excess(Reading(data, kind)).minus(excess),
        source=OURS,
        tests="theory",
        relation="greater",
        bound=excess,
    )


def common_claims(data: Arrays, kind: str, words: str) -> list[Claim]:
    """The solver; with many models also alignment, and whether the networks are trained."""
    reading = Reading(data, kind)
    found = [
        Claim.from_estimate(
            f"{words}: the sampler's own error",
            "falling modes: α is the same where Heun's own error is not told apart, within 0.05",
            solver_effect(data, kind),
            source=OURS,
            tests="control",
            bound=0.0,
            margin=_SOLVER,
        ),
    ]
    if reading.decides:
        found += [
            Claim.from_estimate(
                f"{words}: samples have the data's modes",
                "alignment χ = ΣC_ii²/ΣC_ij² of samples in the data's eigenbasis, mean over all records, is above 0.9",
                mean_alignment(reading).minus(_ALIGNED),
                source=f"{SOURCE}, alignment of modes",
                tests="paper",
                relation="greater",
                bound=_ALIGNED,
            ),
            Claim.from_estimate(
                f"{words}: variance at the end",
                "the networks are trained: the mean over modes of ln(λ̃/target) at the end is zero, within 25 %",
                final_log_ratio(reading),
                source=OURS,
                tests="control",
                bound=0.0,
                margin=_ARRIVED,
            ),
        ]
    return found


def exponent_claim(
    name: str,
    statement: str,
    estimate,
    *,
    source: str,
    tests: Tests = "paper",
    margin: float,
    paper: float | None = None,
    theory: float | None = None,
) -> Claim:
    """An exponent that equals a number, of the paper's or of theory's."""
    reference = paper if paper is not None else theory
    assert reference is not None
    return Claim.from_estimate(
        name,
        statement,
        estimate.minus(reference),
        source=source,
        tests=tests,
        margin=margin,
        paper=paper,
        theory=theory,
    )


def less_claim(
    found: Mapping[str, Reading], lower: str, higher: str, *, margin: float, source: str = OURS, tests: Tests = "theory"
) -> Claim:
    """Of two kinds of network, by their names."""
    return Claim.from_estimate(
        f"{lower}: less than {higher}",
        f"falling modes that emerge in both, geometric mean: on the same patches α is smaller by more than {margin:g}",
        mean_of_defined(difference(found[lower], found[higher])),
        source=source,
        tests=tests,
        relation="less",
        bound=0.0,
        margin=margin,
    )
