"""What Table 1 states, a claim per cell."""

from collections.abc import Callable
from functools import partial

import numpy as np

from figures.common.claims import Claim, Evidence
from figures.common.stages import Arrays
from figures.studies.trained_modes.claims import follows_recursion
from figures.wang2025.table1.experiment import ROWS
from figures.wang2025.table1.statistics import (
    exponent,
    fall_of_share_off_axes,
    halved_share_off_axes,
    reached,
    share_off_axes_of_aligned,
    speed,
    spread,
    unaligned_correlations,
    unaligned_variances,
    weight_ratio,
)

# name: words, statement, margin, question. Half a per cent of a weight's time, which sampling hardly moves; two per
# cent of an exponent or a variance as in every figure; five of a speed.
COLUMNS: dict[str, tuple[str, str, float, Callable[[Arrays, str], tuple[float, Evidence]]]] = {
    "weight": (
        "ln weight time, trained/theory",
        "ln of the emergence time of the weights, trained over theory, mean over modes",
        0.005,
        weight_ratio,
    ),
    "exponent": ("exponent of λ̃", "exponent of the emergence of generated variance", 0.02, exponent),
    "speed": ("ln speed-up", "ln of how many times earlier than one layer the largest variance emerges", 0.05, speed),
    "reached": (
        "ln λ̃ at end, from theory",
        "systematic deviation of ln λ̃ from theory with the same steps at the end (root mean square over modes)",
        0.02,
        reached,
    ),
}


def cell(data: Arrays, row: str, column: str) -> Claim:
    """The claim of one cell: what trained networks measured against the theory."""
    words, statement, margin, question = COLUMNS[column]
    theory, deviation = question(data, row)
    return Claim.from_estimate(
        f"{ROWS[row][0]}: {words}",
        statement,
        deviation,
        source="Wang & Pehlevan 2025, Tab. 1",
        tests="theory",
        theory=theory,
        margin=margin,
    )


def claims(data: Arrays) -> list[Claim]:
    cells = [cell(data, row, column) for row in ROWS for column in COLUMNS if (row, column) != ("one_layer", "speed")]
    rest = [_sharing_keeps_the_law(data), _patches_are_shallower(data), _simultaneous(data)]
    return [*cells, *rest, *_unaligned_claims(data), *_alignment_claims(data)]


def _sharing_keeps_the_law(data: Arrays) -> Claim:
    theory, deviation = exponent(data, "full_width")
    return Claim.from_estimate(
        f"{ROWS['full_width'][0]}: inverse-variance law",
        "weight sharing multiplies the rates but keeps τ* ∝ λ^-1: α is within 0.1 of 1",
        deviation.minus(1.0 - theory),
        source="Wang & Pehlevan 2025, abstract",
        tests="paper",
        bound=1.0,
        margin=0.1,
    )


def _patches_are_shallower(data: Arrays) -> Claim:
    theory, deviation = exponent(data, "patch")
    return Claim.from_estimate(
        f"{ROWS['patch'][0]}: shallower exponent",
        "a local filter makes the exponent smaller than one",
        deviation.minus(1.0 - theory),
        source="Wang & Pehlevan 2025, Tab. 2",
        tests="paper",
        bound=1.0,
        relation="less",
    )


def _simultaneous(data: Arrays) -> Claim:
    """Latest over earliest emergence among the modes of the patch convolution."""
    theory, deviation = spread(data, "patch")
    return Claim.from_estimate(
        f"{ROWS['patch'][0]}: spread of emergence times",
        "ln of the latest over the earliest emergence time of its modes equals the closed form's",
        deviation,
        source="this project",
        tests="theory",
        theory=theory,
        margin=0.05,
    )


_UNALIGNED, _UNALIGNED_SOURCE = "two layers, tied, unaligned start", "Wang & Pehlevan 2025, App. E.1.2"


def _unaligned_claims(data: Arrays) -> list[Claim]:
    """First order in the overlaps against trained networks; correlations to a fifth of what they start from."""
    return [
        follows_recursion(f"{_UNALIGNED}: generated variance", _UNALIGNED_SOURCE, unaligned_variances(data)),
        Claim.from_estimate(
            f"{_UNALIGNED}: generated correlations",
            "systematic deviation of the correlations of neighbouring modes from gradient descent's recursion, to "
            "first order in the overlaps (root mean square over modes and times)",
            unaligned_correlations(data),
            source=_UNALIGNED_SOURCE,
            tests="theory",
            theory=0.0,
            margin=0.01,
        ),
    ]


def _alignment_claims(data: Arrays) -> list[Claim]:
    """What is generated off the data's axes, 1 - χ: a tenth of a share matters, which is a twentieth of an overlap."""
    expected, deviation = halved_share_off_axes(data)
    made = partial(Claim.from_estimate, source="Wang & Pehlevan 2025, χ of the generated covariance")
    return [
        made(
            "two layers, tied, aligned start: stays aligned",
            "share of the generated covariance off the data's axes, 1 - χ, mean over training",
            share_off_axes_of_aligned(data),
            tests="theory",
            theory=0.0,
            margin=0.001,
        ),
        made(
            f"{_UNALIGNED}: ln share off the axes, half-way",
            "ln(1 - χ) where it has halved in theory with the same steps",
            deviation,
            tests="theory",
            theory=expected,
            margin=0.1,
        ),
        made(
            f"{_UNALIGNED}: aligns in training",
            "ln of 1 - χ at the end of training over that at its beginning: it falls by more than half",
            fall_of_share_off_axes(data),
            tests="theory",
            bound=0.0,
            relation="less",
            margin=float(np.log(2)),
        ),
    ]
