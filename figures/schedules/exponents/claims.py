"""What is claimed of noise schedules as regularisers; every statement and margin was written before the first full run.

Theory alone was looked at before: small and large are variances on either side of where exponents cross zero in theory.
After that run, which took too long, networks were cut from 8 to 6, snapshots from 60 to 40 and patches by half; no
verdict changed.
"""

import numpy as np

from figures.common.claims import Claim
from figures.common.stages import Arrays
from figures.schedules.exponents.experiment import SETTINGS
from figures.schedules.exponents.statistics import (
    deviation_of_exponents,
    exponents,
    log_ratio_of_times,
    mean_exponent,
    names,
)
from sims.measurements.estimates import Estimate, mean_over

SOURCE = "this project"
WORDS = {"gaussian": "Gaussian data", "photographs": "linear denoisers on photographs"}
SMALL, LARGE = 0.12, 9.0  # λ at most, and at least, where α² + σ² = 1
MARGIN = 0.1  # the smallest exponent worth naming
NEAR_ONE, UP_TO = 0.7, 11.0


def claims(data: Arrays) -> list[Claim]:
    equal = [_as_theory(data, where, setting) for where in WORDS for setting in range(len(names(data)))]
    signs = [claim for setting, name in enumerate(names(data)) for claim in _signs(data, setting, name)]
    return [*equal, *(_times(data, where) for where in WORDS), *signs]


def _as_theory(data: Arrays, where: str, setting: int) -> Claim:
    return Claim.from_estimate(
        f"{WORDS[where]}, {names(data)[setting]}: exponents",
        "systematic deviation of -Δ ln τ*/Δ ln λ between neighbouring modes from theory's, over all neighbours; τ* "
        "where λ̃ is half of λ",
        deviation_of_exponents(data, where, setting),
        source=SOURCE,
        tests="theory",
        theory=0.0,
        margin=0.03,
    )


def _times(data: Arrays, where: str) -> Claim:
    return Claim.from_estimate(
        f"{WORDS[where]}: emergence times",
        "mean over schedules and modes of ln(τ* trained/theory)",
        mean_over(log_ratio_of_times(data, where)),
        source=SOURCE,
        tests="theory",
        theory=0.0,
        margin=0.02,
    )


def _signs(data: Arrays, setting: int, name: str) -> list[Claim]:
    small = [mean_over(mean_exponent(data, where, setting, 0.0, SMALL)) for where in WORDS]
    of_small = "mean exponent over neighbouring modes of λ at most .12"
    if SETTINGS[name][1] == 0:
        whole = mean_over(mean_exponent(data, "gaussian", setting, 0.0, UP_TO))
        statement = "mean exponent over neighbouring modes of λ up to 10 is above .7: no large mode waits"
        return [_difference(f"Gaussian data, {name}: near one", statement, whole, "greater", NEAR_ONE)]
    large = mean_over(mean_exponent(data, "gaussian", setting, LARGE, np.inf))
    largest = mean_over(exponents(data, "trained", "photographs")[setting][:, 0])
    return [
        *(
            _difference(f"{words}, {name}: small modes in order", f"{of_small} is positive", found, "greater")
            for words, found in zip(WORDS.values(), small, strict=True)
        ),
        _difference(
            f"Gaussian data, {name}: large modes reversed",
            "mean exponent over neighbouring modes of λ at least 10 is negative",
            large,
            "less",
        ),
        _difference(
            f"{WORDS['photographs']}, {name}: the largest mode comes late",
            "exponent between the first mode, of λ about 23, and the second, about .3, is negative",
            largest,
            "less",
        ),
    ]


def _difference(name: str, statement: str, found: Estimate, relation, bound: float = 0.0) -> Claim:
    return Claim.from_estimate(
        name,
        statement,
        found if bound == 0.0 else found.minus(bound),
        source=SOURCE,
        tests="theory",
        bound=bound,
        margin=MARGIN if bound == 0.0 else 0.0,
        relation=relation,
    )
