"""What Figure 2 states."""

from figures.common.claims import Claim
from figures.common.stages import Arrays
from figures.studies.two_architectures.claims import architecture_claims, fewer_samples, printed_exponents


def claims(data: Arrays) -> list[Claim]:
    return [*architecture_claims(data, headlines=True), *printed_exponents(data), fewer_samples(data)]
