"""What Figure 6 states."""

from figures.common.claims import Claim
from figures.common.stages import Arrays
from figures.studies.emergence.claims import emergence_claims, square_root_law

BRANCHES = ((0.0, "rising"), (0.1, "rising"), (0.5, "rising"), (0.6, "falling"), (1.0, "falling"))


def claims(data: Arrays) -> list[Claim]:
    # For Q = 1 the variance falls as 1/c before it reaches λ.
    statement = "λ̃ ≈ e^-γ/(2ητ) while λ ≪ λ̃ ≪ σ_T², so the geometric level is reached at τ* ∝ λ^-1/2"
    root = square_root_law(data, 1.0, "this project, from Prop. 4.2", statement, tolerance=0.03)
    return [*emergence_claims(data, BRANCHES, "Wang & Pehlevan 2025, Fig. 6"), root]
