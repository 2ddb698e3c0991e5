"""What is claimed of power iteration; every statement and margin was written before the first run.

That found no claim to differ, and one undecided, for which training sets became four times as large. Flow matching was
added afterwards, its two claims before its first run.
"""

import numpy as np

from figures.common.claims import Claim, Evidence, Relation
from figures.common.stages import Arrays
from figures.weitzner2024.power_iteration.statistics import (
    deviations_of_ratios,
    emergence,
    overshoot,
    peaks,
    powers,
)
from sims.measurements.agreement import agreement
from sims.measurements.estimates import mean_over

SOURCE = "this project; the question: Weitzner et al. 2024"
WORDS = {
    "apart": "Gaussian data, λ = 10, 1, .1",
    "close": "Gaussian data, λ = 6, 5, .5",
    "power_law": "Gaussian data, λ = 10/k",
    "photographs": "linear denoisers on photographs",
}
NEVER, TWICE = float(np.log(1.1)), float(np.log(2.0))


def claims(data: Arrays) -> list[Claim]:
    everywhere = [claim for where in WORDS for claim in _of_data(data, where)]
    return [*everywhere, *_of_flow(data), *_order(data), *_powers(data)]


def _equal(name: str, statement: str, estimate: Evidence, margin: float, theory: float = 0.0) -> Claim:
    return Claim.from_estimate(name, statement, estimate, source=SOURCE, tests="theory", theory=theory, margin=margin)


def _difference(
    name: str, statement: str, estimate: Evidence, relation: Relation, margin: float = 0.1, bound: float = 0.0
) -> Claim:
    return Claim.from_estimate(
        name, statement, estimate, source=SOURCE, tests="theory", bound=bound, margin=margin, relation=relation
    )


def _of_data(data: Arrays, where: str) -> list[Claim]:
    log_time, height = peaks(data, where)
    time, expected = data[f"peak_{where}"].T
    return [
        _equal(
            f"{WORDS[where]}: overshoot",
            "ln of the largest odds of the leading mode in training over those of the data equals theory's",
            mean_over(height - expected),
            0.05,
            float(expected.mean()),
        ),
        _equal(
            f"{WORDS[where]}: time of the overshoot",
            "mean of ln(τ of the largest alignment, trained/theory)",
            mean_over(log_time - np.log(time)),
            0.05,
        ),
        _equal(
            f"{WORDS[where]}: odds in training",
            "systematic deviation over times of training of ln of the odds of the leading mode from theory",
            agreement(overshoot(data, "trained", where) - overshoot(data, "theory", where)),
            0.05,
        ),
        _difference(
            f"{WORDS[where]}: more aligned than data",
            "at its largest in training the odds of the leading mode are more than twice those of the data: ln of the "
            "ratio",
            mean_over(height).minus(TWICE),
            "greater",
            bound=TWICE,
        ),
        _equal(
            f"{WORDS[where]}: amplitudes by number of steps",
            "systematic deviation over numbers of steps and modes of ln √(λ̃_1/λ̃_k) by DDIM from theory",
            agreement(deviations_of_ratios(data, where)),
            0.05,
        ),
    ]


def _of_flow(data: Arrays) -> list[Claim]:
    trained = overshoot(data, "trained", "flow")
    return [
        _equal(
            "flow matching: odds in training",
            "systematic deviation over times of training of ln of the odds of the leading mode from theory",
            agreement(trained - overshoot(data, "theory", "flow")),
            0.05,
        ),
        _difference(
            "flow matching: never more aligned than data",
            "networks that learn velocities do not overshoot: largest ln of the odds over those of the data in "
            "training is below ln 1.1",
            mean_over(trained.max(axis=1)).minus(NEVER),
            "less",
            margin=0.02,
            bound=NEVER,
        ),
    ]


def _order(data: Arrays) -> list[Claim]:
    """The peak lies between the emergence times of two modes only if they are far enough apart."""
    words = "the largest alignment comes {} the {} mode has half of its way, in logarithms: mean of ln of the ratio"
    return [
        _difference(
            f"{WORDS[where]}: {order} mode {mode + 1}",
            words.format(order, ("first", "second")[mode]),
            mean_over(peaks(data, where)[0] - emergence(data, where, mode)),
            "less" if order == "before" else "greater",
        )
        for where, mode, order in (
            ("apart", 0, "after"),
            ("apart", 1, "before"),
            ("close", 1, "after"),
            ("photographs", 1, "before"),
        )
    ]


def _powers(data: Arrays) -> list[Claim]:
    found = []
    for where in ("apart", "photographs"):
        power = powers(data, "trained", where)
        found += [
            _equal(
                f"{WORDS[where]}: one step is one power iteration",
                "ln √(λ̃_1/λ̃_2)/ln(λ_1/λ_2) by one step is one",
                mean_over(power[:, 0]).minus(1.0),
                0.05,
                1.0,
            ),
            _equal(
                f"{WORDS[where]}: many steps are half of one",
                "ln √(λ̃_1/λ̃_2)/ln(λ_1/λ_2) by one step for every noise level is ½",
                mean_over(power[:, -1]).minus(0.5),
                0.05,
                0.5,
            ),
            _difference(
                f"{WORDS[where]}: more steps, less power",
                "ln √(λ̃_1/λ̃_2)/ln(λ_1/λ_2) by most steps is less than by one",
                mean_over(power[:, -1] - power[:, 0]),
                "less",
            ),
        ]
    return found
