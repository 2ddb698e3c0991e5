"""What is claimed of exponents by architecture and optimiser; replicates are models, each with patches of its own.

Margins were set before the first run; rates and numbers of steps come from trials with another seed. That of the loss
weight was met at quick sizes, which had no time for it in the end.
"""

from figures.common.claims import Claim
from figures.common.stages import Arrays
from figures.studies.photograph_networks.claims import OURS, exponent_claim, less_claim
from figures.studies.photograph_networks.kind_statistics import LEVELS, exponents, readings
from figures.studies.photograph_networks.kinds import CNN, MLP_ADAM
from figures.studies.trained_networks.statistics import FAR_LIMITS, Level, Reading, mean_of_defined
from figures.wang2025.architecture_exponents.experiment import (
    LINEAR_ADAM,
    LINEAR_CONVOLUTION,
    LINEAR_SGD,
    LINEAR_TILTED,
    NAMES,
    WIDE_SGD,
)

CONVOLUTION = "Wang & Pehlevan 2025, Sec. 6 (CNN-UNet)"

_LESS = 0.1  # of an exponent, by convolution
_OPTIMISER = 0.03  # by the optimiser
_WEIGHT = 0.1  # by a density × σ^-2a of noise levels, a = ½: far from the start theory has (1 - a)/2
_LEVEL = 0.2  # by the harmonic mean
_SAME: dict[Level, float] = {"geometric": 0.15, "harmonic": 0.2}
_CLOSED = 0.1


def claims(data: Arrays) -> list[Claim]:
    """Exponents by themselves are asked with many models only."""
    found = readings(data, NAMES)
    asked = [
        less_claim(found, CNN, MLP_ADAM, margin=_LESS, source=CONVOLUTION, tests="paper"),
        less_claim(found, LINEAR_CONVOLUTION, LINEAR_ADAM, margin=_LESS),
        less_claim(found, LINEAR_ADAM, LINEAR_SGD, margin=_OPTIMISER),
        _level_decides(found[LINEAR_SGD], LINEAR_SGD),
        _level_decides(found[MLP_ADAM], MLP_ADAM),
    ]
    if not found[CNN].decides:
        return asked
    asked.append(less_claim(found, LINEAR_TILTED, LINEAR_SGD, margin=_WEIGHT))
    for name in (LINEAR_SGD, WIDE_SGD):
        asked += [claim for level in LEVELS for claim in _of_theory(found[name], name, level)]
    return asked


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
