"""What is claimed of falling modes of wide networks. Replicates are models, each with data of its own.

Written after two models of another seed had been looked at, and before any run of this figure.
"""

import numpy as np
from jaxtyping import Float

from figures.common.claims import Claim, Tests
from figures.common.stages import Arrays
from figures.studies.trained_networks.statistics import mean_of_defined
from figures.wang2025.exponents_by_distance.statistics import FARTHEST_NEAR, Distance, Readings, exponents, readings
from sims.measurements.first_passage import Mean

OURS = "this project"

# Of exponents, as in Figure 9.
_SAME: dict[Mean, float] = {"geometric": 0.15, "harmonic": 0.2}
_STEEPER = 0.2
_BELOW_THE_START: dict[Distance, str] = {
    "near": f"at most {FARTHEST_NEAR:g} times below the start",
    "far": f"over {FARTHEST_NEAR:g} times below the start",
}


def claims(data: Arrays) -> list[Claim]:
    found = readings(data)
    levels: tuple[Mean, ...] = ("geometric", "harmonic")
    return [
        *(_steeper(f"{name}, Figure 9's range", exponents(reading).excess) for name, reading in _of_narrow(found)),
        *(_by_either_optimiser(found, level) for level in levels),
        *(_near(found, level) for level in levels),
        *(_far(found, level) for level in levels),
        _nearer_is_steeper(found),
    ]


def _of_narrow(found: Readings):
    return ("Adam", found.adam), ("SGD", found.sgd)


def _steeper(name: str, excess: Float[np.ndarray, " models"]) -> Claim:
    text = "falling modes, geometric mean: α exceeds that of the closed form over the same modes by more than 0.2"
    return _greater(f"{name}: steeper than the closed form", text, excess, tests="theory")


def _by_either_optimiser(found: Readings, level: Mean) -> Claim:
    """On the same data, from the same weights."""
    less = exponents(found.sgd, level=level).trained.per_model - exponents(found.adam, level=level).trained.per_model
    return Claim.from_estimate(
        f"{level} mean: the optimiser does not explain it",
        f"falling modes of Figure 9's range: α by SGD less α by Adam is zero, within {_SAME[level]:g}",
        mean_of_defined(less),
        source=OURS,
        tests="control",
        bound=0.0,
        margin=_SAME[level],
    )


def _near(found: Readings, level: Mean) -> Claim:
    text = f"α of modes {_BELOW_THE_START['near']} exceeds that of the closed form over them by more than 0.2"
    excess = exponents(found.wide, "near", level).excess
    return _greater(f"{level} mean, near the start: steeper than the closed form", text, excess, tests="theory")


def _far(found: Readings, level: Mean) -> Claim:
    both = exponents(found.wide, "far", level)
    return Claim.from_estimate(
        f"{level} mean, far from the start: closed form",
        f"α of modes {_BELOW_THE_START['far']} is that of the closed form over them, within {_SAME[level]:g}",
        mean_of_defined(both.excess),
        source=OURS,
        tests="theory",
        theory=mean_of_defined(both.theory.per_model).centre,
        margin=_SAME[level],
    )


def _nearer_is_steeper(found: Readings) -> Claim:
    text = "geometric mean, in the same networks: what α exceeds the closed form by is larger near than far by over 0.2"
    less = exponents(found.wide, "near").excess - exponents(found.wide, "far").excess
    return _greater("the distance from the start explains it", text, less, tests="control")


def _greater(name: str, text: str, per_model: Float[np.ndarray, " models"], *, tests: Tests) -> Claim:
    return Claim.from_estimate(
        name,
        text,
        mean_of_defined(per_model).minus(_STEEPER),
        source=OURS,
        tests=tests,
        relation="greater",
        bound=_STEEPER,
    )
