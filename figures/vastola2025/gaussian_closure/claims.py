"""Claims of the figure `gaussian_closure`."""

import numpy as np

from figures.common.claims import Claim, Evidence, Tests
from figures.common.gap_masses import EQUAL
from figures.common.stages import Arrays
from figures.vastola2025.gaussian_closure.statistics import (
    DISTANCE,
    LEVEL,
    SHAPES,
    closure_distance,
    names_of_kinds,
    shape_of,
)
from sims.measurements.estimates import Estimate, difference, mean_over

SOURCE = "Vastola 2025, Prop. 3.1; its reviewers"
# Models from which a distance near its limit is decided, by F/P; with fewer it is left to the paper preset.
DECIDING_MODELS = {0.25: 2000}


def claims(data: Arrays) -> list[Claim]:
    kinds = names_of_kinds(data)
    statements = [_calibration_claim(data), _loss_claim(data)]
    for kind, found in zip(kinds, shape_of(data, "kurtosis"), strict=True):
        statement = "excess kurtosis of the score over training sets: root mean square over points of p(x, t)"
        title = f"the learned score is Gaussian, {kind}"
        statements.append(_equals(title, statement, found, SHAPES["kurtosis"], headline=kind == "MLP"))
    for row, kind in enumerate(kinds[:-1]):
        if _distance_decided(data, row):
            statements.append(_distance_claim(data, row, kind))
        statements.append(_gap_claim(data, row, kind))
    return statements


def _distance_decided(data: Arrays, row: int) -> bool:
    """Of linear models near the limit; of random features, the last row, at once."""
    linear = data["feature_ratio"]
    return row >= linear.size or data["gap"].shape[1] >= DECIDING_MODELS.get(float(linear[row]), 0)


def _equals(
    name: str, statement: str, evidence: Evidence, margin: float, tests: Tests = "paper", *, headline: bool = False
) -> Claim:
    about = {"source": SOURCE, "tests": tests, "theory": 0.0, "margin": margin, "headline": headline}
    return Claim.from_estimate(name, statement, evidence, **about)


def _calibration_claim(data: Arrays) -> Claim:
    """Surrogates are exactly Gaussian and as correlated between points as the trained models are."""
    return _equals(
        "the test is calibrated",
        "share of the points of Gaussian surrogates that Mardia's test rejects at level 0.05, less 0.05 (mean over "
        "ensembles)",
        mean_over(np.mean(data["p_value_surrogate"] <= LEVEL, axis=1)).minus(LEVEL),
        margin=0.05,
        tests="control",
    )


def _loss_claim(data: Arrays) -> Claim:
    return Claim.from_estimate(
        "the MLPs are trained",
        "their final DSM loss over that of the exact posterior mean on the same triples",
        Estimate(*data["loss_ratio_mlp"]).minus(1.0),
        source=SOURCE,
        tests="control",
        bound=1.0,
        relation="less",
    )


def _distance_claim(data: Arrays, row: int, kind: str) -> Claim:
    return _equals(
        f"the closure costs little, {kind}",
        "root of ∫ (F - F')² dx between the learned distributions of the trained and of the Gaussian ensemble",
        closure_distance(data, row),
        DISTANCE,
        tests="theory",
    )


def _gap_claim(data: Arrays, row: int, kind: str) -> Claim:
    trained, gaussian = mean_over(data["gap"][row]), mean_over(data["gap_surrogate"][row])
    return _equals(
        f"the closure keeps the gap mass, {kind}",
        "gap mass of the Gaussian ensemble less that of the trained one",
        difference(gaussian, trained),
        EQUAL,
        tests="theory",
    )
