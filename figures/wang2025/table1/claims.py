"""What Table 1 states, a claim per cell."""

from collections.abc import Callable

from figures.common.claims import Claim
from figures.common.estimated_claims import estimated_claim
from figures.common.stages import Arrays
from figures.wang2025.table1.experiment import ROWS
from figures.wang2025.table1.statistics import exponent, reached, speed, variance_times, weight_ratio
from sims.measurements.estimates import Estimate, mean_over

# name: words, statement, tolerance (times the theory where that exceeds one), question
COLUMNS: dict[str, tuple[str, str, float, Callable[[Arrays, str], tuple[float, Estimate]]]] = {
    "weight": ("weight: trained/theory", "emergence time of the weights, trained over theory", 0.005, weight_ratio),
    "exponent": ("exponent of λ̃", "exponent of the emergence of generated variance", 0.05, exponent),
    "speed": ("speed-up", "how many times earlier than one layer the largest variance emerges", 0.05, speed),
    "reached": (
        "r.m.s. ln(λ̃/λ) at end",
        "distance of the generated from the data's spectrum at the end",
        0.05,
        reached,
    ),
}


def cell(data: Arrays, row: str, column: str) -> Claim:
    """The claim of one cell: what trained networks measured against the theory."""
    _, statement, tolerance, question = COLUMNS[column]
    theory, measured = question(data, row)
    return estimated_claim(
        f"{ROWS[row][0]}: {COLUMNS[column][0]}",
        statement,
        measured,
        source="Wang & Pehlevan 2025, Tab. 1",
        theory=theory,
        tolerance=tolerance * max(1.0, theory),
    )


def claims(data: Arrays) -> list[Claim]:
    cells = [cell(data, row, column) for row in ROWS for column in COLUMNS if (row, column) != ("one_layer", "speed")]
    return [*cells, _sharing_keeps_the_law(data), _patches_are_shallower(data), _simultaneous(data)]


def _sharing_keeps_the_law(data: Arrays) -> Claim:
    _, measured = exponent(data, "full_width")
    return estimated_claim(
        f"{ROWS['full_width'][0]}: inverse-variance law",
        "weight sharing multiplies the rates but keeps τ* ∝ λ^-1",
        measured,
        source="Wang & Pehlevan 2025, abstract",
        paper=1.0,
        tolerance=0.1,
    )


def _patches_are_shallower(data: Arrays) -> Claim:
    _, measured = exponent(data, "patch")
    return estimated_claim(
        f"{ROWS['patch'][0]}: shallower exponent",
        "a local filter makes the exponent smaller than one",
        measured,
        source="Wang & Pehlevan 2025, Tab. 2",
        paper=1.0,
        relation="less",
    )


def _simultaneous(data: Arrays) -> Claim:
    """Latest over earliest emergence among the modes of the patch convolution."""
    theory, measured = variance_times(data, "patch")
    spread = mean_over(measured.max(axis=1) / measured.min(axis=1))
    return estimated_claim(
        f"{ROWS['patch'][0]}: spread of emergence times",
        "latest over earliest emergence time of its modes equals the closed form's",
        spread,
        source="this project",
        theory=float(theory.max() / theory.min()),
        tolerance=0.7,
    )
