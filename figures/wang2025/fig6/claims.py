"""What Figure 6 states."""

from itertools import product

from figures.common.claims import Claim
from figures.common.stages import Arrays
from figures.studies.emergence.claims import emergence_claims, square_root_law
from figures.studies.emergence.experiment import MEANS

SOURCE = "Wang & Pehlevan 2025, Fig. 6"
FROM_NOTHING = ((0.0, "rising"),)
BRANCHES = ((0.1, "rising"), (0.5, "rising"), (0.6, "falling"), (1.0, "falling"))


def claims(data: Arrays) -> list[Claim]:
    one = emergence_claims(data, "one_layer", tuple(product(FROM_NOTHING + BRANCHES, MEANS)), SOURCE)
    two = emergence_claims(data, "two_layer", tuple(product(BRANCHES, MEANS)), SOURCE)
    # For Q = 1 the variance falls as 1/c before it reaches λ.
    statement = "λ̃ ≈ e^-γ/(2ητ) while λ ≪ λ̃ ≪ σ_T², so the geometric level is reached at τ* ∝ λ^-1/2"
    return [*one, *two, square_root_law(data, 1.0, "this project, from Prop. 4.2", statement, margin=0.03)]
