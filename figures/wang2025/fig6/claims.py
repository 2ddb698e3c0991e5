"""What Figure 6 states."""

from figures.common.claims import Claim
from figures.common.stages import Arrays
from figures.studies.emergence.claims import agreement, exponent_of_branch
from figures.studies.emergence.experiment import MEANS

_SOURCE = "Wang & Pehlevan 2025, Fig. 6"


def claims(data: Arrays) -> list[Claim]:
    branches = ((0.0, "rising"), (0.1, "rising"), (0.5, "rising"), (0.6, "falling"), (1.0, "falling"))
    statements = [exponent_of_branch(data, gain, mean, branch, _SOURCE) for mean in MEANS for gain, branch in branches]
    return [*statements, *[agreement(data, mean, _SOURCE) for mean in MEANS], _square_root_law(data)]


def _square_root_law(data: Arrays) -> Claim:
    """For Q = 1 the variance falls as 1/c before it reaches λ, so τ* at the geometric mean goes as λ^-1/2."""
    claim = exponent_of_branch(data, 1.0, "geometric", "falling", _SOURCE)
    return Claim(
        "exponent ½ of the falling branch, Q = 1, geometric mean",
        "this project, from Prop. 4.2",
        "λ̃ ≈ e^-γ/(2ητ) while λ ≪ λ̃ ≪ σ_T², so the geometric level is reached at τ* ∝ λ^-1/2",
        None,
        0.5,
        claim.measured,
        claim.interval,
        0.03,
    )
