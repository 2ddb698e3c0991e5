"""What Figure 8 states."""

from figures.common.claims import Claim
from figures.common.stages import Arrays
from figures.studies.emergence.claims import agreement, exponent_of_branch
from figures.studies.emergence.experiment import MEANS

_SOURCE = "Wang & Pehlevan 2025, App. H, Fig. 8"

BRANCHES = ((0.0, "rising"), (0.0, "falling"), (0.1, "falling"), (0.5, "falling"), (1.0, "falling"))


def claims(data: Arrays) -> list[Claim]:
    statements = [exponent_of_branch(data, gain, mean, branch, _SOURCE) for mean in MEANS for gain, branch in BRANCHES]
    return [*statements, *[agreement(data, mean, _SOURCE) for mean in MEANS], _square_root_law(data)]


def _square_root_law(data: Arrays) -> Claim:
    """Between λ and 1 the variance falls as e^-γ/(2ητ), whatever λ, so √λ is reached at τ* ∝ λ^-1/2."""
    claim = exponent_of_branch(data, 0.0, "geometric", "falling", _SOURCE)
    return Claim(
        "exponent ½ of the falling branch, Q = 0, geometric mean",
        "this project, from App. H",
        "λ̃ ≈ e^-γ/(2ητ) while λ ≪ λ̃ ≪ 1, so the geometric level √λ is reached at τ* ∝ λ^-1/2",
        None,
        0.5,
        claim.measured,
        claim.interval,
        0.05,
    )
