"""What is claimed of a training run of the user's own.

All are controls: whatever a network of unknown make does contradicts neither a printed statement nor our theory. The
replicates are its samples, in groups: intervals say what more samples would change, not another run of training.
"""

from figures.both.your_model.statistics import (
    BRANCHES,
    HALF_WAY,
    Reading,
    final_alignment,
    final_log_ratio,
    memorised_excess,
)
from figures.common.claims import Claim
from figures.common.stages import Arrays

SOURCE = "Wang & Pehlevan 2025, on your run"

_ARRIVED = 0.1  # of a mean logarithm of variances: ten per cent
_BIAS = 0.1  # of an exponent, below which modes may as well be learned together
_SAME_EXPONENT = 0.15  # what another seed of the same training changes
_ALIGNED = 0.9
_COPIES = 0.05  # of the samples


def claims(data: Arrays) -> list[Claim]:
    """Without three modes that emerge on a branch there is no claim about its exponent."""
    reading = Reading(data)
    return [
        _has_arrived(data),
        *(claim for branch in BRANCHES for claim in _of_branch(reading, branch)),
        _has_the_datas_modes(data),
        _copies_nothing(data),
    ]


def _has_arrived(data: Arrays) -> Claim:
    return Claim.from_estimate(
        "your run: variance at the end",
        "the last samples have the data's variance: the mean over modes of ln(λ̃/λ) is zero, within 10 %",
        final_log_ratio(data),
        source=SOURCE,
        tests="control",
        bound=0.0,
        margin=_ARRIVED,
    )


def _of_branch(reading: Reading, branch: str) -> list[Claim]:
    found = reading.exponent(branch, HALF_WAY)
    if not found.defined:
        return []
    return [
        Claim.from_estimate(
            f"your run: strong {branch} modes first",
            f"modes of more variance emerge earlier, of those that are {branch}: τ* ∝ λ^-α with α above 0.1",
            found.measured.minus(_BIAS),
            source=SOURCE,
            tests="control",
            relation="greater",
            bound=_BIAS,
        ),
        Claim.from_estimate(
            f"your run: {branch} modes as in a linear denoiser",
            "α is that of a linear denoiser with EDM's preconditioning over the same modes, within 0.15",
            found.measured.minus(found.closed_form),
            source=SOURCE,
            tests="control",
            theory=found.closed_form,
            margin=_SAME_EXPONENT,
        ),
    ]


def _has_the_datas_modes(data: Arrays) -> Claim:
    return Claim.from_estimate(
        "your run: the data's modes",
        "the last samples vary along the data's modes: χ = ΣC_ii²/ΣC_ij² is above 0.9",
        final_alignment(data).minus(_ALIGNED),
        source=SOURCE,
        tests="control",
        relation="greater",
        bound=_ALIGNED,
    )


def _copies_nothing(data: Arrays) -> Claim:
    return Claim.from_estimate(
        "your run: memorised samples",
        "of the last samples, no more than 5 % beyond chance are three times nearer to one of the data than to others",
        memorised_excess(data).minus(_COPIES),
        source="Bonnaire et al. 2025 (how copies are told), on your run",
        tests="control",
        relation="less",
        bound=_COPIES,
    )
