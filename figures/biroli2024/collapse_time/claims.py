"""What is claimed of the collapse onto one point; replicates are independent points and noise.

All claims and margins were set before the first run, which had half as many replicates; those of digits are parts of
the same 1797.
"""

import numpy as np

from figures.biroli2024.collapse_time.experiment import DATA_SETS
from figures.biroli2024.collapse_time.statistics import gaussian_level, log_levels
from figures.common.claims import Claim
from figures.common.stages import Arrays
from sims.measurements.estimates import difference, mean_over

OURS = "this project"
PAPER = "Biroli et al. 2024, in our words"
_HALF = 0.2  # of ln σ, as in `bertrand2025_cosine`
_LESS = 0.1
_NEARER = 0.1
_ISOTROPIC = 0.2


def claims(data: Arrays) -> list[Claim]:
    halves = [_half(data, place, int(dimension)) for place, dimension in enumerate(data["dimensions"])]
    return halves + [_late(data), _nearer(data)] + [claim for name in DATA_SETS for claim in _of(data, name)]


def _half(data: Arrays, place: int, dimension: int) -> Claim:
    return Claim.from_estimate(
        f"Gaussian, d = {dimension}: half of the posterior at ln N nats",
        "the drawn point has half of the posterior at Biroli's σ_C² = s²/(N^{2/d} - 1): mean over N of ln of the ratio "
        "of levels",
        mean_over(log_levels(data, 0.5)[:, place].mean(axis=-1)),
        source=PAPER,
        tests="paper",
        theory=0.0,
        margin=_HALF,
    )


def _late(data: Arrays) -> Claim:
    most = int(data["counts"][-1])
    return Claim.from_estimate(
        f"Gaussian, d = 16, N = {most}: .9 of it later",
        "the drawn point has .9 of the posterior only below σ_C, by .1 of ln σ",
        gaussian_level(data, 0.9, 16, most).minus(-_LESS),
        source=OURS,
        tests="theory",
        bound=-_LESS,
        relation="less",
    )


def _nearer(data: Arrays) -> Claim:
    most = int(data["counts"][-1])
    few, many = (gaussian_level(data, 0.9, dimension, most) for dimension in (4, 64))
    return Claim.from_estimate(
        f"Gaussians, N = {most}: sharper in higher dimension",
        "the level of weight .9 is nearer to σ_C for d = 64 than for d = 4, by .1 of ln σ",
        difference(many, few).minus(_NEARER),
        source=PAPER,
        tests="paper",
        bound=_NEARER,
        relation="greater",
    )


def _of(data: Arrays, name: str) -> list[Claim]:
    half, most = log_levels(data, 0.5, name)[:, -1], int(data["data_counts"][-1])
    apart = float(np.log(data[f"isotropic_{name}"][-1] / data[f"formula_{name}"][-1]))
    return [
        Claim.from_estimate(
            f"{name}, N = {most}: half of the posterior at ln N nats",
            "the drawn point has half of the posterior where ½ Σ ln(1 + λ_i/σ²) = ln N (ln of the ratio of levels)",
            mean_over(half),
            source=OURS,
            tests="theory",
            theory=0.0,
            margin=_HALF,
        ),
        Claim.from_estimate(
            f"{name}, N = {most}: not one variance",
            "the level of half of the posterior is below that of as many modes of one variance, s²/(N^{2/d} - 1), by "
            ".2 of ln σ",
            mean_over(half).minus(apart - _ISOTROPIC),
            source=OURS,
            tests="theory",
            bound=apart - _ISOTROPIC,
            relation="less",
        ),
    ]
