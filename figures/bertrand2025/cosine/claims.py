"""What is claimed of the agreement of both targets; replicates are independent draws, of points too where they can be.

All margins were set before the first run. It had shown that photographs agree long before their posterior collapses:
the claim which says so was added after it, and noise levels were made denser for the picture.
"""

from figures.bertrand2025.cosine.experiment import DATA_SETS
from figures.bertrand2025.cosine.statistics import at_time, log_half_level, names
from figures.common.claims import Claim
from figures.common.stages import Arrays

OURS = "this project"
PAPER = "Bertrand et al. 2025, Fig. 1, in our words"
_TIME = 0.3  # a time that is neither early nor late
_COLLAPSE = 0.2  # of ln σ


def claims(data: Arrays) -> list[Claim]:
    return [_high(data), _without_collapse(data), _low(data), *(_collapse(data, name) for name in names(data))]


def _high(data: Arrays) -> Claim:
    return Claim.from_estimate(
        "photographs: both targets agree",
        f"in high dimension, at t = {_TIME}, the stochastic target is the exact one: mean cosine above .95",
        at_time(data, "cosine", "photographs", _TIME).minus(0.95),
        source=PAPER,
        tests="paper",
        bound=0.95,
        relation="greater",
    )


def _without_collapse(data: Arrays) -> Claim:
    return Claim.from_estimate(
        "photographs: agreement is not collapse",
        f"at t = {_TIME}, where both targets agree, the point that x came from has less than half of the posterior",
        at_time(data, "own", "photographs", _TIME).minus(0.5),
        source=OURS,
        tests="theory",
        bound=0.5,
        relation="less",
    )


def _low(data: Arrays) -> Claim:
    return Claim.from_estimate(
        "two moons: they do not agree",
        f"in two dimensions, at t = {_TIME}, the stochastic target is not the exact one: mean cosine below .95",
        at_time(data, "cosine", "two moons", _TIME).minus(0.95),
        source=PAPER,
        tests="paper",
        bound=0.95,
        relation="less",
    )


def _collapse(data: Arrays, name: str) -> Claim:
    words = "a Gaussian of their covariance" if name in DATA_SETS else "theory"
    return Claim.from_estimate(
        f"{name}: collapse at ln N nats",
        f"the drawn point has half of the posterior where, by {words}, x_t tells ln N nats (ln of the ratio of levels)",
        log_half_level(data, name),
        source=OURS,
        tests="theory",
        theory=0.0,
        margin=_COLLAPSE,
    )
