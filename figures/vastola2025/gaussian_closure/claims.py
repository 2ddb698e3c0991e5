"""Claims of the figure `gaussian_closure`."""

import numpy as np

from figures.common.claims import Claim
from figures.common.stages import Arrays
from figures.vastola2025.gaussian_closure.statistics import LEVEL, names_of_kinds, p_values_of, rejected_share
from sims.measurements.estimates import mean_over
from sims.measurements.gaussianity import holm_rejected


def _claim(name: str, statement: str, measured: float, interval: tuple[float, float], **held_against) -> Claim:
    held = {"paper": None, "theory": None, "tolerance": 0.0, "relation": "less"} | held_against
    source = "Vastola 2025, Prop. 3.1; its reviewers"
    return Claim(name, source, statement, measured=measured, interval=interval, **held)


def claims(data: Arrays) -> list[Claim]:
    kinds = names_of_kinds(data)
    statements = [_calibration_claim(data), _loss_claim(data)]
    for kind, p_values in zip(kinds, p_values_of(data), strict=True):
        share, interval = rejected_share(holm_rejected(p_values, LEVEL))
        statements.append(
            _claim(
                f"the learned score is Gaussian, {kind}",
                "Mardia's test with Holm's correction at level 0.05 rejects fewer than 5 % of points from p(x, t)",
                share,
                interval,
                theory=LEVEL,
            )
        )
    for row, kind in enumerate(kinds[:-1]):
        statements += [_distance_claim(data, row, kind), _gap_claim(data, row, kind)]
    return statements


def _calibration_claim(data: Arrays) -> Claim:
    """Surrogates are exactly Gaussian and as correlated between points as the trained models are."""
    rate = mean_over(np.mean(data["p_value_surrogate"] <= LEVEL, axis=1))
    return _claim(
        "the test is calibrated",
        "at level 0.05 without correction, it rejects 0.05 of the points of Gaussian surrogates (mean over ensembles)",
        float(rate.value),
        rate.interval,
        theory=LEVEL,
        tolerance=0.05,
        relation="equal",
    )


def _loss_claim(data: Arrays) -> Claim:
    ratio, stderr = (float(part) for part in data["loss_ratio_mlp"])
    return _claim(
        "the MLPs are trained",
        "their final DSM loss is below that of the exact posterior mean on the same triples: the ratio is less than 1",
        ratio,
        (ratio - 1.96 * stderr, ratio + 1.96 * stderr),
        theory=1.0,
    )


def _distance_claim(data: Arrays, row: int, kind: str) -> Claim:
    floor = data["wasserstein1_null"][row].mean()
    ratio = float(data["wasserstein1"][row] / floor)
    half_width = 1.96 * float(data["wasserstein1_stderr"][row] / floor)
    return _claim(
        f"the closure costs little, {kind}",
        "W1 between the learned distributions of the trained and of the Gaussian ensemble is at most 1.5 times what "
        "two ensembles of one law and this size differ by",
        ratio,
        (ratio - half_width, ratio + half_width),
        theory=1.5,
    )


def _gap_claim(data: Arrays, row: int, kind: str) -> Claim:
    trained, gaussian = mean_over(data["gap"][row]), mean_over(data["gap_surrogate"][row])
    difference = float(gaussian.value - trained.value)
    half_width = 1.96 * float(np.hypot(gaussian.stderr, trained.stderr))
    return _claim(
        f"the closure keeps the gap mass, {kind}",
        "gap mass of the Gaussian ensemble minus that of the trained one is zero, to 0.01",
        difference,
        (difference - half_width, difference + half_width),
        theory=0.0,
        tolerance=0.01,
        relation="equal",
    )
