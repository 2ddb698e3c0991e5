"""Claims of the figure `gaussian_closure`."""

from functools import partial

import numpy as np

from figures.common.claims import Claim
from figures.common.estimated_claims import estimated_claim
from figures.common.stages import Arrays
from figures.vastola2025.gaussian_closure.statistics import (
    LEVEL,
    closure_distance,
    names_of_kinds,
    number_of_models,
    p_values_of,
)
from sims.measurements.estimates import Estimate, difference, mean_over, share, weighted_sum
from sims.measurements.gaussianity import holm_rejected

_SOURCE = "Vastola 2025, Prop. 3.1; its reviewers"
_claim = partial(estimated_claim, source=_SOURCE, relation="less")


def claims(data: Arrays) -> list[Claim]:
    kinds = names_of_kinds(data)
    statements = [_calibration_claim(data), _loss_claim(data)]
    for kind, p_values in zip(kinds, p_values_of(data), strict=True):
        rejected, interval = share(holm_rejected(p_values, LEVEL))
        statements.append(
            Claim(
                f"the learned score is Gaussian, {kind}",
                _SOURCE,
                "Mardia's test with Holm's correction at level 0.05 rejects fewer than 5 % of points from p(x, t)",
                paper=None,
                theory=LEVEL,
                measured=rejected,
                interval=interval,
                tolerance=0.0,
                relation="less",
            )
        )
    for row, kind in enumerate(kinds[:-1]):
        statements += [_distance_claim(data, row, kind), _gap_claim(data, row, kind)]
    return statements


def _calibration_claim(data: Arrays) -> Claim:
    """Surrogates are exactly Gaussian and as correlated between points as the trained models are."""
    return _claim(
        "the test is calibrated",
        "at level 0.05 without correction, it rejects 0.05 of the points of Gaussian surrogates (mean over ensembles)",
        mean_over(np.mean(data["p_value_surrogate"] <= LEVEL, axis=1)),
        theory=LEVEL,
        tolerance=0.05,
        relation="equal",
    )


def _loss_claim(data: Arrays) -> Claim:
    ratio, stderr = data["loss_ratio_mlp"]
    return _claim(
        "the MLPs are trained",
        "their final DSM loss is below that of the exact posterior mean on the same triples: the ratio is less than 1",
        Estimate(ratio, stderr, number_of_models(data)),
        theory=1.0,
    )


def _distance_claim(data: Arrays, row: int, kind: str) -> Claim:
    floor = data["wasserstein1_null"][row].mean()
    distance = closure_distance(data).at(row)
    return _claim(
        f"the closure costs little, {kind}",
        "W1 between the learned distributions of the trained and of the Gaussian ensemble is at most 1.5 times what "
        "two ensembles of one law and this size differ by",
        weighted_sum(1 / floor, distance),
        theory=1.5,
    )


def _gap_claim(data: Arrays, row: int, kind: str) -> Claim:
    trained, gaussian = mean_over(data["gap"][row]), mean_over(data["gap_surrogate"][row])
    return _claim(
        f"the closure keeps the gap mass, {kind}",
        "gap mass of the Gaussian ensemble minus that of the trained one is zero, to 0.01",
        difference(gaussian, trained),
        theory=0.0,
        tolerance=0.01,
        relation="equal",
    )
