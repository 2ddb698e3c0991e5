"""What is claimed of exponents by start and depth; replicates are models, each with patches of its own.

The margin is that of `architecture_exponents`. What starts as the other kind does was claimed after two models of
another seed had been looked at, depth after Figure 3 at paper sizes.
"""

from figures.common.claims import Claim
from figures.common.stages import Arrays
from figures.studies.photograph_networks.claims import less_claim
from figures.studies.photograph_networks.kind_statistics import readings
from figures.studies.photograph_networks.kinds import CNN, MLP_ADAM
from figures.wang2025.start_and_depth_exponents.experiment import (
    CNN_FULL,
    MLP_DEEP,
    MLP_FROM_ZERO,
    MLP_NARROW,
    NAMES,
)

_LESS = 0.1  # of an exponent
_ASKED = ((MLP_FROM_ZERO, MLP_ADAM), (CNN, MLP_FROM_ZERO), (CNN_FULL, MLP_ADAM), (MLP_NARROW, MLP_DEEP))


def claims(data: Arrays) -> list[Claim]:
    """Differences between two kinds on the same patches."""
    found = readings(data, NAMES)
    return [less_claim(found, lower, higher, margin=_LESS) for lower, higher in _ASKED]
