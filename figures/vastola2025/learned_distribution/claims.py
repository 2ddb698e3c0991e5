"""Claims of the figure `learned_distribution`."""

from functools import partial

from figures.common.claims import Claim
from figures.common.gap_masses import EQUAL, FILLED
from figures.common.stages import Arrays
from figures.common.style import fraction
from figures.studies.linear_ensembles import Sampler
from figures.vastola2025.learned_distribution.experiment import SUFFIXES
from figures.vastola2025.learned_distribution.statistics import (
    LIMIT,
    distance_to_trained,
    filled_by_variance,
    gap_mass_of,
)
from sims.measurements.agreement import difference_of_squares
from sims.measurements.estimates import difference

_equals = partial(
    Claim.from_estimate,
    source="Vastola 2025, Prop. 5.1, with every sample's own leverage",
    tests="theory",
    theory=0.0,
)
# The published sampler is asked at the two smallest F/P, where the prediction may be valid.
PUBLISHED = 2
# Models from which distances between distributions are decided where the prediction begins to fail, by F/P; with fewer
# the question is left to the paper preset.
DECIDING_MODELS = {0.25: 2400}


def claims(data: Arrays) -> list[Claim]:
    indices = range(data["feature_ratio"].size)
    statements = []
    for index in indices:
        if _decided(data, index):
            statements += [_distance_claim(data, index, "converged"), _nearer_claim(data, index)]
        statements += [_gap_claim(data, index, "converged"), _closure_claim(data, index)]
    for index in indices[:PUBLISHED]:
        if _decided(data, index):
            statements.append(_distance_claim(data, index, "published"))
        statements.append(_gap_claim(data, index, "published"))
    return [*statements, *(_variance_fills(data, index) for index in indices)]


def _decided(data: Arrays, index: int) -> bool:
    return data["gap_mass_trained"].shape[1] >= DECIDING_MODELS.get(float(data["feature_ratio"][index]), 0)


def _place(data: Arrays, index: int, sampler: Sampler = "converged") -> str:
    solver = "" if sampler == "converged" else "published Euler steps, "
    return f"{solver}F/P = {fraction(data['feature_ratio'][index])}"


def _distance_claim(data: Arrays, index: int, sampler: Sampler) -> Claim:
    return _equals(
        f"predicted distribution, {_place(data, index, sampler)}",
        "root of ∫ (F - F')² dx between the average distributions of predicted and trained models",
        distance_to_trained(data, index, "predicted", SUFFIXES[sampler]),
        margin=LIMIT,
        headline=index == 0 and sampler == "converged",
    )


def _nearer_claim(data: Arrays, index: int) -> Claim:
    predicted, exact = (distance_to_trained(data, index, name) for name in ("predicted", "exact"))
    return Claim.from_estimate(
        f"prediction against the exact score, {_place(data, index)}",
        "squared distance of the exact score's distribution from the trained average, less four times that of the "
        "prediction's: above zero where the prediction is at most half as far",
        difference_of_squares(exact, predicted, factor=4.0),
        source="Vastola 2025, Prop. 5.1, with every sample's own leverage",
        tests="theory",
        bound=0.0,
        relation="greater",
    )


def _gap_claim(data: Arrays, index: int, sampler: Sampler) -> Claim:
    trained, predicted = (gap_mass_of(data, index, f"{name}{SUFFIXES[sampler]}") for name in ("trained", "predicted"))
    return _equals(
        f"gap mass, {_place(data, index, sampler)}",
        "mass of the trained average with 0.25 < |x| < 0.75 less the predicted one",
        difference(trained, predicted),
        margin=EQUAL,
    )


def _closure_claim(data: Arrays, index: int) -> Claim:
    """Whether the prediction's moments are right: what is left between trained and predicted is the closure's error."""
    surrogate, trained, predicted = (
        gap_mass_of(data, index, source) for source in ("surrogate", "trained", "predicted")
    )
    # The moments are as uncertain as the models they are taken from.
    uncertain = difference(surrogate, trained._replace(value=0.0 * trained.value))
    return _equals(
        f"gap mass of the closure alone, {_place(data, index)}",
        "gap mass of Gaussian weights with the trained models' own mean and covariance less the predicted one",
        difference(uncertain, predicted),
        margin=EQUAL,
    )


def _variance_fills(data: Arrays, index: int) -> Claim:
    """The paper's thesis, in trained models: what the average score alone would not fill."""
    return Claim.from_estimate(
        f"variance fills gaps, {_place(data, index)}",
        "trained gap mass less that of the mean of the trained weights, which has the same bias and no variance",
        filled_by_variance(data, index),
        source="Vastola 2025, Sec. 5",
        tests="paper",
        bound=0.0,
        relation="greater",
        margin=FILLED,
    )
