"""What is claimed of rates of estimation; every statement and margin was written before the first run of any size.

After it, samples of the ODE are of one n in place of two, for time, and of more sets, for the interval.
Oko, Akiyama & Suzuki 2023 state rates of neural networks in total variation and Wasserstein distance, for Besov
densities: nothing here tests those, so that no claim is theirs.
"""

import numpy as np

from figures.common.claims import Claim, Evidence
from figures.common.stages import Arrays
from figures.oko2023.estimation_rate.statistics import (
    exact_at_best,
    exact_over_theory,
    linear_over_theory,
    linear_theory,
    log_ratio_of_kinds,
    over_floor,
    rate,
    rate_of_blocks,
    sampled_less_unsampled,
)
from sims.measurements.estimates import mean_over

SOURCE = "this project"
WORDS = {
    "line": "Gaussian data, d = 1",
    "plane": "Gaussian data, d = 2",
    "photographs": "leading mode of photographs",
}


def claims(data: Arrays) -> list[Claim]:
    exact = [claim for where in WORDS for claim in _of_exact_score(data, where)]
    return [*exact, *_of_samples(data), *_of_linear(data), *_on_photographs(data)]


def _equal(name: str, statement: str, estimate: Evidence, theory: float, margin: float) -> Claim:
    return Claim.from_estimate(name, statement, estimate, source=SOURCE, tests="theory", theory=theory, margin=margin)


def _less(name: str, statement: str, values: np.ndarray, bound: float) -> Claim:
    estimate = mean_over(values).minus(bound)
    return Claim.from_estimate(name, statement, estimate, source=SOURCE, tests="theory", bound=bound, relation="less")


def _of_exact_score(data: Arrays, where: str) -> list[Claim]:
    words, sizes = f"{WORDS[where]}: exact score", data["data"]
    predicted = float(rate(sizes, data[f"exact_theory_{where}"][:, 1]))
    return [
        _equal(
            f"{words}, error",
            "∫(p̂ - p)² of the exact score of n points, stopped at half the best level, at it and at twice it, over "
            "theory, less one, mean over levels and n",
            mean_over(exact_over_theory(data, where)),
            0.0,
            0.1,
        ),
        _equal(
            f"{words}, rate",
            "-d ln(error)/d ln n at the best level, over the same n as theory's",
            mean_over(rate_of_blocks(sizes, exact_at_best(data, where))).minus(predicted),
            predicted,
            0.1,
        ),
    ]


def _of_samples(data: Arrays) -> list[Claim]:
    return [
        _equal(
            f"{WORDS[where]}: samples of the ODE",
            "error by samples of the probability-flow ODE less that of the sum of Gaussians about the same points, "
            "over theory",
            mean_over(sampled_less_unsampled(data, where)),
            0.0,
            0.1,
        )
        for where in ("line", "plane")
    ]


def _of_linear(data: Arrays) -> list[Claim]:
    sizes, line = data["data"], "Gaussian data, d = 1: linear denoisers"
    predicted = float(rate(sizes, linear_theory(data, "line")[:, -1]))
    return [
        _equal(
            f"{line}, error",
            "end of training: ∫(p̂ - p)² over theory, less one, mean over n",
            mean_over(linear_over_theory(data, "line")),
            0.0,
            0.1,
        ),
        _equal(
            f"{line} in training, error",
            "ητ = 3: the same",
            mean_over(linear_over_theory(data, "line", 0)),
            0.0,
            0.1,
        ),
        _equal(
            f"{line}, rate",
            "end of training: -d ln(error)/d ln n, over the same n as theory's",
            mean_over(rate_of_blocks(sizes, data["linear_line"][:, :, -1])).minus(predicted),
            predicted,
            0.1,
        ),
        _equal(
            "Gaussian data, d = 2: linear denoisers, error",
            "end of training, the two largest n: ∫(p̂ - p)² over theory with d(d - 1)/8n for the basis, less one",
            mean_over(linear_over_theory(data, "plane", sizes=slice(-2, None))),
            0.0,
            0.15,
        ),
        *(
            _less(
                f"{WORDS[where]}: linear denoisers know more",
                "most points: ln of the error of trained linear denoisers over that of the exact score at its best: "
                "below ln(1/2)",
                log_ratio_of_kinds(data, where),
                float(np.log(0.5)),
            )
            for where in ("line", "plane")
        ),
    ]


def _on_photographs(data: Arrays) -> list[Claim]:
    words = WORDS["photographs"]
    return [
        _equal(
            f"{words}: linear denoisers stop at a floor",
            "most points, end of training: ∫(p̂ - p)² over that of infinitely many points, less one",
            mean_over(over_floor(data)),
            0.0,
            0.1,
        ),
        _less(
            f"{words}: the exact score passes linear denoisers",
            "most points: ln of the error of the exact score at its best over that of trained linear denoisers: below "
            "ln(1/2)",
            -log_ratio_of_kinds(data, "photographs"),
            float(np.log(0.5)),
        ),
    ]
