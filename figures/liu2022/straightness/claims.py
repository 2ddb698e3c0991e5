"""What is claimed of straightness; every statement and margin was written before the first run.

But for one: that small modes bend most in the middle of training was theory's, and its claim came after that run.
"""

import numpy as np

from figures.common.claims import Claim, Evidence, Tests
from figures.common.stages import Arrays
from figures.liu2022.straightness.statistics import (
    MANY,
    bends_of_smallest,
    by_steps,
    deviations_at_end,
    early_over_late,
    end_of_theory,
    log_ratio_to_law,
    straightness_in_units,
)
from sims.measurements.agreement import agreement
from sims.measurements.estimates import mean_over

SOURCE, LIU = "this project", "Liu et al. 2022, abstract"
REFLOW = "this project; the question: arXiv 2410.14949"
WORDS = {"gaussian": "Gaussian data", "photographs": "linear networks on photographs"}
HALF = float(np.log(0.5))


def claims(data: Arrays) -> list[Claim]:
    everywhere = [
        claim for where in WORDS for claim in (*_paths(data, where), *_steps(data, where), *_pairs(data, where))
    ]
    return [*everywhere, _small_modes(data)]


def _equal(
    name: str, statement: str, estimate: Evidence, margin: float, theory: float = 0.0, source: str = SOURCE
) -> Claim:
    return Claim.from_estimate(name, statement, estimate, source=source, tests="theory", theory=theory, margin=margin)


def _less(
    name: str,
    statement: str,
    measured: np.ndarray,
    bound: float,
    margin: float,
    source: str = SOURCE,
    tests: Tests = "theory",
) -> Claim:
    return Claim.from_estimate(
        name,
        statement,
        mean_over(measured).minus(bound),
        source=source,
        tests=tests,
        bound=bound,
        margin=margin,
        relation="less",
    )


def _paths(data: Arrays, where: str) -> list[Claim]:
    trained, theory = (straightness_in_units(data, which, where) for which in ("trained", "theory"))
    whole = data[f"straight_trained_{where}"][:, -1].sum(axis=1)
    return [
        _equal(
            f"{WORDS[where]}: straightness in training",
            "systematic deviation over times of training and modes of S/(2 - π/2)√λ from theory",
            agreement(trained - theory),
            0.03,
        ),
        _equal(
            f"{WORDS[where]}: straightness at the end of training",
            "ln of S of the network over (2 - π/2) tr Σ^½",
            mean_over(np.log(whole / end_of_theory(data, where).sum(axis=1))),
            0.02,
        ),
    ]


def _small_modes(data: Arrays) -> Claim:
    where = "photographs"
    return Claim.from_estimate(
        f"{WORDS[where]}: small modes bend more in training than after it",
        "S/(2 - π/2)√λ of the mode of the least variance is above one, at the recorded time nearest to ητ = 4",
        mean_over(bends_of_smallest(data, where)).minus(1.0),
        source=SOURCE,
        tests="theory",
        bound=1.0,
        margin=0.02,
        relation="greater",
    )


def _steps(data: Arrays, where: str) -> list[Claim]:
    in_training = by_steps(data, "trained", where, 4) - by_steps(data, "theory", where, 4)
    own = data[f"euler_trained_{where}"][:, -1, 0] / data[f"variance_{where}"]
    many = MANY if MANY in data["steps"] else int(data["steps"][-1])
    return [
        _equal(
            f"{WORDS[where]}: variance by number of steps",
            "systematic deviation over numbers of steps from 2 on and modes of ln λ̃ from theory, end of training",
            agreement(deviations_at_end(data, where)),
            0.05,
        ),
        _equal(
            f"{WORDS[where]}: variance by four steps in training",
            "systematic deviation over times of training and modes of ln λ̃ by four steps from theory",
            agreement(in_training),
            0.05,
        ),
        _less(
            f"{WORDS[where]}: one step makes nothing",
            "mean over modes of λ̃/λ by one step at the end of training is below .01",
            own.mean(axis=1),
            0.01,
            0.005,
        ),
        _equal(
            f"{WORDS[where]}: what {MANY} steps lose",
            "mean over modes of ln of N ln(λ̃ by fine steps/λ̃ by N) over 1 + (π/4)(√λ + 1/√λ), end of training",
            mean_over(log_ratio_to_law(data, where, many).mean(axis=1)),
            0.05,
        ),
        _less(
            f"{WORDS[where]}: few steps cost less early in training",
            "ln of what 8 steps lose of ln λ̃ against fine steps of the same network, mean over modes, at the recorded "
            "time nearest to ητ = .1 over the same at the end is below ln ½",
            early_over_late(data, where),
            HALF,
            0.1,
        ),
    ]


def _pairs(data: Arrays, where: str) -> list[Claim]:
    own, least = data[f"cost_{where}"].T
    variance = data[f"variance_{where}"]
    ratio = data[f"second_straight_{where}"].sum(axis=1) / data[f"straight_trained_{where}"][:, -1].sum(axis=1)
    return [
        _less(
            f"{WORDS[where]}: cost of transport",
            "the flow's pairs of noise Z_0 and data Z_1 are no farther apart than independent ones, tr Σ + d apart: "
            "ln of E|Z_1 - Z_0|² over that",
            np.log(own / (variance.sum(axis=1) + variance.shape[1])),
            0.0,
            0.1,
            LIU,
            "paper",
        ),
        _less(
            f"{WORDS[where]}: the flow is the Monge map",
            "E|Z_1 - Z_0|² is less than 1 % above the least between the same ends",
            own / least - 1,
            0.01,
            0.005,
        ),
        # Whatever was drawn, linear pairs lie on lines that one matrix per time can follow.
        Claim.check(
            f"{WORDS[where]}: the second flow is straight",
            "S of the second flow is below .05 of that of the first",
            float(ratio.mean()),
            source=REFLOW,
            tests="theory",
            bound=0.05,
            relation="less",
        ),
        _equal(
            f"{WORDS[where]}: one step of the second flow",
            "mean over modes of ln(λ̃/λ) by one step of the second flow",
            mean_over(np.log(data[f"second_step_{where}"] / variance).mean(axis=1)),
            0.05,
            source=REFLOW,
        ),
    ]
