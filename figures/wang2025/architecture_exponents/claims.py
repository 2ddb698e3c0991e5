"""What is claimed of exponents by architecture and optimiser; replicates are models, each with patches of its own.

Margins were set before the first run; rates and numbers of steps come from trials with another seed. What starts as the
other kind does was added later, after two models of that seed, and so was depth, after Figure 3 at paper sizes.
"""

from figures.common.claims import Claim
from figures.common.stages import Arrays
from figures.studies.photograph_networks.claims import exponent_claim
from figures.studies.trained_networks.statistics import FAR_LIMITS, Level, Reading, mean_of_defined
from figures.wang2025.architecture_exponents.experiment import (
    CNN,
    CNN_FULL,
    LINEAR_ADAM,
    LINEAR_CONVOLUTION,
    LINEAR_SGD,
    MLP_ADAM,
    MLP_DEEP,
    MLP_FROM_ZERO,
    MLP_NARROW,
    WIDE_SGD,
)
from figures.wang2025.architecture_exponents.statistics import LEVELS, difference, exponents, readings

OURS = "this project"
CONVOLUTION = "Wang & Pehlevan 2025, Sec. 6 (CNN-UNet)"

_LESS = 0.1  # of an exponent, by convolution
_OPTIMISER = 0.03  # by the optimiser
_LEVEL = 0.2  # by the harmonic mean
_SAME: dict[Level, float] = {"geometric": 0.15, "harmonic": 0.2}
_CLOSED = 0.1


def claims(data: Arrays) -> list[Claim]:
    """Exponents by themselves are asked with many models only."""
    found = readings(data)
    asked = [
        _less(found, CNN, MLP_ADAM, _LESS, CONVOLUTION),
        _less(found, LINEAR_CONVOLUTION, LINEAR_ADAM, _LESS, OURS),
        _less(found, LINEAR_ADAM, LINEAR_SGD, _OPTIMISER, OURS),
        _less(found, MLP_FROM_ZERO, MLP_ADAM, _LESS, OURS),
        _less(found, CNN, MLP_FROM_ZERO, _LESS, OURS),
        _less(found, CNN_FULL, MLP_ADAM, _LESS, OURS),
        _less(found, MLP_NARROW, MLP_DEEP, _LESS, OURS),
        _level_decides(found[LINEAR_SGD], LINEAR_SGD),
        _level_decides(found[MLP_ADAM], MLP_ADAM),
    ]
    if not found[CNN].decides:
        return asked
    for name in (LINEAR_SGD, WIDE_SGD):
        asked += [claim for level in LEVELS for claim in _of_theory(found[name], name, level)]
    return asked


def _less(found: dict[str, Reading], lower: str, higher: str, margin: float, source: str) -> Claim:
    return Claim.from_estimate(
        f"{lower}: less than {higher}",
        f"falling modes that emerge in both, geometric mean: on the same patches α is smaller by more than {margin:g}",
        mean_of_defined(difference(found[lower], found[higher])),
        source=source,
        tests="theory" if source == OURS else "paper",
        relation="less",
        bound=0.0,
        margin=margin,
    )


def _level_decides(reading: Reading, name: str) -> Claim:
    harmonic, geometric = (exponents(reading, level)[0].per_model for level in ("harmonic", "geometric"))
    return Claim.from_estimate(
        f"{name}: the level decides the exponent",
        f"falling modes: α at the harmonic mean exceeds that at the geometric by more than {_LEVEL:g}",
        mean_of_defined(harmonic - geometric),
        source=OURS,
        tests="theory",
        relation="greater",
        bound=0.0,
        margin=_LEVEL,
    )


def _of_theory(reading: Reading, name: str, level: Level) -> list[Claim]:
    trained, theory = exponents(reading, level)
    limit, margin = FAR_LIMITS[level], _SAME[level]
    return [
        exponent_claim(
            f"{name}, {level} mean: far limit",
            f"falling modes: α is {limit:g}, as far from the start a preconditioned linear denoiser has it",
            mean_of_defined(trained.per_model),
            source=OURS,
            tests="theory",
            theory=limit,
            margin=margin,
        ),
        exponent_claim(
            f"{name}, {level} mean: closed form",
            "falling modes: α less that of the closed form over the same modes is zero",
            mean_of_defined(trained.per_model - theory.per_model),
            source=OURS,
            tests="theory",
            theory=0.0,
            margin=_CLOSED,
        ),
    ]
