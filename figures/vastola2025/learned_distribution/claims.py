"""Claims of the figure `learned_distribution`."""

import numpy as np

from figures.common.claims import Claim
from figures.common.stages import Arrays
from figures.common.style import fraction
from figures.studies.linear_ensembles import Sampler
from figures.vastola2025.learned_distribution.experiment import SUFFIXES
from figures.vastola2025.learned_distribution.statistics import LIMIT, distance_ratio

SOURCE = "Vastola 2025, Prop. 5.1, with every sample's own leverage"


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
    resolved = distance_ratio(data, index, "trained", suffix)
    closer = distance_ratio(data, index, "exact", f"_of_all{suffix}")
    return [
        Claim(
            f"predicted distribution{ending}",
            SOURCE,
            f"W1(predicted, trained average) over W1 between two trained ensembles of that size is at most {LIMIT}",
            None,
            LIMIT,
            float(resolved.value),
            resolved.interval,
            0.0,
            "less",
        ),
        Claim(
            f"prediction against the exact score{ending}",
            SOURCE,
            "W1(predicted, average of all trained models) is at most half of W1(exact score, that average)",
            None,
            0.5,
            float(closer.value),
            closer.interval,
            0.0,
            "less",
        ),
        _gap_claim(data, index, f"gap mass{ending}", suffix),
    ]


def _gap_claim(data: Arrays, index: int, name: str, suffix: str) -> Claim:
    """Gap mass of the trained models against the predicted one, with the error of both."""
    names = tuple(f"{source}{suffix}" for source in ("trained", "predicted"))
    measured, predicted = (float(data[f"gap_mass_{each}"][index]) for each in names)
    return Claim(
        name,
        SOURCE,
        "mass of the trained average with 0.25 < |x| < 0.75 is the predicted one",
        None,
        predicted,
        measured,
        _around(measured, data, index, names),
        0.0,
    )


def _closure_claim(data: Arrays, index: int) -> Claim:
    """Whether the prediction's moments are right: what is left between trained and predicted is the closure's error."""
    measured, predicted = float(data["gap_mass_surrogate"][index]), float(data["gap_mass_predicted"][index])
    return Claim(
        f"gap mass of the closure alone, {_place(data, index)}",
        SOURCE,
        "Gaussian weights with the trained models' own mean and covariance put the predicted mass into the gaps",
        None,
        predicted,
        measured,
        # The moments are as uncertain as the models they are taken from.
        _around(measured, data, index, ("surrogate", "trained", "predicted")),
        0.0,
    )


def _around(value: float, data: Arrays, index: int, sources: tuple[str, ...]) -> tuple[float, float]:
    """95 % interval of a difference whose error is that of these gap masses, around `value`."""
    half_width = 1.96 * float(np.linalg.norm([data[f"gap_mass_stderr_{name}"][index] for name in sources]))
    return value - half_width, value + half_width


def _variance_fills(data: Arrays, index: int) -> Claim:
    """The paper's thesis, in trained models: what the average score alone would not fill."""
    difference = float(data["gap_mass_trained"][index] - data["gap_mass_average"][index])
    return Claim(
        f"variance fills gaps, {_place(data, index)}",
        "Vastola 2025, Sec. 5",
        "trained gap mass exceeds that of the average learned score, which has the same bias and no variance",
        0.0,
        None,
        difference,
        _around(difference, data, index, ("trained",)),
        0.0,
        "greater",
    )
