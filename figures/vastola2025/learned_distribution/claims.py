"""Claims of the figure `learned_distribution`."""

from functools import partial

from figures.common.claims import Claim
from figures.common.estimated_claims import beside, estimated_claim
from figures.common.stages import Arrays
from figures.common.style import fraction
from figures.studies.linear_ensembles import Sampler
from figures.vastola2025.learned_distribution.experiment import SUFFIXES
from figures.vastola2025.learned_distribution.statistics import LIMIT, distance_ratio, gap_mass_of
from sims.measurements.estimates import difference, exact

_claim = partial(estimated_claim, source="Vastola 2025, Prop. 5.1, with every sample's own leverage")


def claims(data: Arrays) -> list[Claim]:
    indices = range(data["feature_ratio"].size)
    statements = []
    for index in indices:
        for sampler in SUFFIXES:
            statements += _prediction_claims(data, index, sampler)
        statements.append(_closure_claim(data, index))
    return [*statements, *(_variance_fills(data, index) for index in indices)]


def _place(data: Arrays, index: int) -> str:
    return f"F/P = {fraction(data['feature_ratio'][index])}"


def _prediction_claims(data: Arrays, index: int, sampler: Sampler) -> list[Claim]:
    """Whether prediction and trained models agree, both carried by one sampler."""
    suffix = SUFFIXES[sampler]
    ending = f", {_place(data, index)}" if sampler == "converged" else f", published Euler steps, {_place(data, index)}"
    return [
        _claim(
            f"predicted distribution{ending}",
            f"W1(predicted, trained average) over W1 between two trained ensembles of that size is at most {LIMIT}",
            distance_ratio(data, index, "trained", suffix),
            theory=LIMIT,
            relation="less",
        ),
        _claim(
            f"prediction against the exact score{ending}",
            "W1(predicted, average of all trained models) is at most half of W1(exact score, that average)",
            distance_ratio(data, index, "exact", f"_of_all{suffix}"),
            theory=0.5,
            relation="less",
        ),
        _gap_claim(data, index, f"gap mass{ending}", suffix),
    ]


def _gap_claim(data: Arrays, index: int, name: str, suffix: str) -> Claim:
    """Gap mass of the trained models against the predicted one, with the error of both."""
    trained, predicted = (gap_mass_of(data, index, f"{source}{suffix}") for source in ("trained", "predicted"))
    return _claim(
        name,
        "mass of the trained average with 0.25 < |x| < 0.75 is the predicted one",
        beside(trained, predicted),
        theory=float(predicted.value),
    )


def _closure_claim(data: Arrays, index: int) -> Claim:
    """Whether the prediction's moments are right: what is left between trained and predicted is the closure's error."""
    surrogate, trained, predicted = (
        gap_mass_of(data, index, source) for source in ("surrogate", "trained", "predicted")
    )
    return _claim(
        f"gap mass of the closure alone, {_place(data, index)}",
        "Gaussian weights with the trained models' own mean and covariance put the predicted mass into the gaps",
        # The moments are as uncertain as the models they are taken from.
        beside(beside(surrogate, trained), predicted),
        theory=float(predicted.value),
    )


def _variance_fills(data: Arrays, index: int) -> Claim:
    """The paper's thesis, in trained models: what the average score alone would not fill."""
    return _claim(
        f"variance fills gaps, {_place(data, index)}",
        "trained gap mass exceeds that of the average learned score, which has the same bias and no variance",
        difference(gap_mass_of(data, index, "trained"), exact(data["gap_mass_average"][index])),
        source="Vastola 2025, Sec. 5",
        paper=0.0,
        relation="greater",
    )
