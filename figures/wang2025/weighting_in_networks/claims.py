"""What is claimed of the loss weight in nonlinear networks; replicates are models, each with patches of its own.

Margins were set before the first run; the learning rates and numbers of steps come from trials with another seed.
"""

from figures.common.claims import Claim
from figures.common.stages import Arrays
from figures.studies.trained_networks.statistics import DECIDING_MODELS, mean_of_defined
from figures.wang2025.weighting_in_networks.statistics import NAMES, Exponents, exponents, slope

SOURCE = "this project, from Wang & Pehlevan 2025, Sec. 4"

_STEEP = 0.1  # of dα/da
_LESS_STEEP = 0.05
_SAME = 0.1  # of an exponent, or of dα/da


def claims(data: Arrays) -> list[Claim]:
    """Exponents by themselves are asked with many models only."""
    sgd, adam = exponents(data, "sgd"), exponents(data, "adam")
    asked = [_follows(data, sgd), _less_steep(data, sgd, adam)]
    if sgd.trained.shape[1] >= DECIDING_MODELS:
        asked += [_slope_of_theory(data, sgd, "sgd"), _slope_of_theory(data, adam, "adam")]
        for index, a in enumerate(data["tilt"]):
            asked += [_closed_form(sgd, index, a), _far_limit(sgd, index, a)]
    return asked


def _follows(data: Arrays, sgd: Exponents) -> Claim:
    return Claim.from_estimate(
        "SGD: the loss weight lowers the exponent",
        "falling modes, geometric mean: dα/da is below zero by more than 0.1; far from the start theory has -½",
        mean_of_defined(slope(data["tilt"], sgd.trained)),
        source=SOURCE,
        tests="theory",
        relation="less",
        bound=0.0,
        margin=_STEEP,
    )


def _less_steep(data: Arrays, sgd: Exponents, adam: Exponents) -> Claim:
    difference = slope(data["tilt"], adam.trained) - slope(data["tilt"], sgd.trained)
    return Claim.from_estimate(
        "Adam follows the loss weight less than SGD",
        "dα/da with Adam less that with SGD, on the same patches, is above zero by more than 0.05",
        mean_of_defined(difference),
        source=SOURCE,
        tests="theory",
        relation="greater",
        bound=0.0,
        margin=_LESS_STEEP,
    )


def _slope_of_theory(data: Arrays, found: Exponents, optimiser: str) -> Claim:
    difference = slope(data["tilt"], found.trained - found.closed_form)
    return Claim.from_estimate(
        f"{NAMES[optimiser]}: dα/da of the closed form",
        "dα/da less that of a linear denoiser by gradient flow, over the same modes, is zero, within 0.1",
        mean_of_defined(difference),
        source=SOURCE,
        tests="theory",
        theory=0.0,
        margin=_SAME,
    )


def _closed_form(sgd: Exponents, index: int, a: float) -> Claim:
    return Claim.from_estimate(
        f"SGD, a = {a:g}: exponent of the closed form",
        "α less that of a linear denoiser by gradient flow, over the same modes, is zero, within 0.1",
        mean_of_defined(sgd.trained[index] - sgd.closed_form[index]),
        source=SOURCE,
        tests="theory",
        theory=0.0,
        margin=_SAME,
    )


def _far_limit(sgd: Exponents, index: int, a: float) -> Claim:
    limit = (1 - a) / 2
    return Claim.from_estimate(
        f"SGD, a = {a:g}: far limit",
        "α is (1 - a)/2, as of modes far below the start, within 0.1",
        mean_of_defined(sgd.trained[index]).minus(limit),
        source=SOURCE,
        tests="theory",
        theory=limit,
        margin=_SAME,
    )
