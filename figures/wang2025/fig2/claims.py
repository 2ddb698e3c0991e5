"""What Figure 2 states."""

from figures.common.claims import Claim
from figures.common.stages import Arrays
from figures.studies.two_architectures.claims import architecture_claims


def claims(data: Arrays) -> list[Claim]:
    return architecture_claims(data)
