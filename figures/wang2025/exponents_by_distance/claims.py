"""What is claimed of falling modes of wide networks. Replicates are models, each with data of its own.

Margins are Figure 9's. Written after two models of another seed had been looked at. SGD took the narrow range until a
first run of the quick preset, where one exponent of few modes is known to ± 1 only; it takes the wider one since. What
starts from no output came third, after four models of the other seed.
"""

import numpy as np
from jaxtyping import Float

from figures.common.claims import Claim, Tests
from figures.common.stages import Arrays
from figures.studies.trained_networks.statistics import Reading, mean_of_defined
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
    """That an exponent equals another is asked with many models only."""
    found = readings(data)
    text = "falling modes, geometric mean: α exceeds that of the closed form over the same modes by more than 0.2"
    statements = [
        _greater("Figure 9's range: steeper than the closed form", text, exponents(found.narrow).excess, tests="theory")
    ]
    for optimiser, reading in (("Adam", found.adam), ("SGD", found.sgd)):
        statements += [_near(optimiser, reading, level) for level in _SAME]
        statements.append(_nearer_is_steeper(optimiser, reading))
        if reading.decides:
            statements += [_far(optimiser, reading, level) for level in _SAME]
    statements += [_from_no_output(found, distance) for distance in _BELOW_THE_START]
    return [*statements, _by_either_optimiser(found)] if found.adam.decides else statements


def _from_no_output(found: Readings, distance: Distance) -> Claim:
    """Of what each exceeds the closed form by, since each has a start of its own."""
    text = f"geometric mean, modes {_BELOW_THE_START[distance]}: α exceeds the closed form's by less, by over 0.2"
    more = exponents(found.adam, distance).excess - exponents(found.no_output, distance).excess
    return _greater(f"Adam, {distance}: less steep from no output", text, more, tests="control")


def _by_either_optimiser(found: Readings) -> Claim:
    """On the same data, from the same weights."""
    sgd, adam = (exponents(reading, "near").trained.per_model for reading in (found.sgd, found.adam))
    return Claim.from_estimate(
        "near the start: the optimiser does not matter",
        f"geometric mean, modes {_BELOW_THE_START['near']}: α by SGD less α by Adam is zero, within 0.15",
        mean_of_defined(sgd - adam),
        source=OURS,
        tests="control",
        bound=0.0,
        margin=_SAME["geometric"],
    )


def _near(optimiser: str, reading: Reading, level: Mean) -> Claim:
    text = f"α of modes {_BELOW_THE_START['near']} exceeds that of the closed form over them by more than 0.2"
    excess = exponents(reading, "near", level).excess
    return _greater(f"{optimiser}, near, {level} mean: steeper than the closed form", text, excess, tests="theory")


def _far(optimiser: str, reading: Reading, level: Mean) -> Claim:
    both = exponents(reading, "far", level)
    return Claim.from_estimate(
        f"{optimiser}, far, {level} mean: closed form",
        f"α of modes {_BELOW_THE_START['far']} is that of the closed form over them, within {_SAME[level]:g}",
        mean_of_defined(both.excess),
        source=OURS,
        tests="theory",
        theory=mean_of_defined(both.theory.per_model).centre,
        margin=_SAME[level],
    )


def _nearer_is_steeper(optimiser: str, reading: Reading) -> Claim:
    text = "geometric mean, in the same networks: what α exceeds the closed form by is larger near than far by over 0.2"
    less = exponents(reading, "near").excess - exponents(reading, "far").excess
    return _greater(f"{optimiser}: the distance from the start decides", text, less, tests="control")


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
