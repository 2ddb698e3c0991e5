"""What Figure 8 states."""

from itertools import product

from figures.common.claims import Claim
from figures.common.stages import Arrays
from figures.studies.emergence.claims import emergence_claims, square_root_law
from figures.studies.emergence.experiment import MEANS

SOURCE = "Wang & Pehlevan 2025, App. H, Fig. 8"
BRANCHES = ((0.0, "rising"), (0.0, "falling"), (0.1, "falling"), (0.5, "falling"), (1.0, "falling"))


def claims(data: Arrays) -> list[Claim]:
    one = emergence_claims(data, "one_layer", tuple(product(BRANCHES, MEANS)), SOURCE)
    # Between λ and 1 the variance falls as e^-γ/(2ητ), whatever λ.
    statement = "λ̃ ≈ e^-γ/(2ητ) while λ ≪ λ̃ ≪ 1, so the geometric level √λ is reached at τ* ∝ λ^-1/2"
    return [*one, square_root_law(data, 0.0, "this project, from App. H", statement, margin=0.05)]
