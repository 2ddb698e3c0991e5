"""What is claimed of thresholds and of momentum. All margins were set before the first run."""

import numpy as np

from figures.common.claims import Claim, Relation
from figures.common.stages import Arrays
from figures.studies.trained_networks.statistics import BRANCHES, Branch
from figures.wang2025.threshold_exponents.statistics import (
    SETTINGS,
    by_damping,
    by_fraction,
    closed_form_by_damping,
    mlps,
    mlps_decide,
    slopes,
)
from sims.measurements.estimates import Estimate, mean_over

SOURCE = "this project"
LARGEST_ERROR = 0.05  # of an exponent: a tenth of what tells a preconditioned network from a raw one
LARGEST_SLOPE_ERROR = 0.1  # of dα/df: the same error over half of the range of fractions
HALF_WAY = 0.75  # between the exponents ½ and 1
LARGEST_MLP_ERROR = 0.15  # of an exponent of networks that are not linear
LEAST_MLP_SLOPE = 0.2  # of dα/df, a fifth of the far limit


def claims(data: Arrays) -> list[Claim]:
    exponents, statements = data["weight_exponent"].tolist(), []
    for setting in SETTINGS:
        words = setting.replace("_", " ")
        for index, a in enumerate(exponents):
            found = by_fraction(data, setting, index)
            statements.append(
                _equals(
                    f"{words}, a = {a:g}",
                    "exponent of trained linear networks minus that of the closed form, mean over the fractions f",
                    found.deviation(),
                    LARGEST_ERROR,
                )
            )
            if setting.startswith("preconditioned"):
                slope = slopes(data, found)
                statements.append(
                    _equals(
                        f"{words}, a = {a:g}: dα/df",
                        "how the exponent changes with f, of trained linear networks minus that of the closed form",
                        slope.deviation(),
                        LARGEST_SLOPE_ERROR,
                    )
                )
    statements += [
        _inverse_variance_law(data),
        _beyond(data, "preconditioned_falling", "less"),
        _beyond(data, "preconditioned_rising", "less"),
        _beyond(data, "raw_rising", "greater"),
    ]
    if mlps_decide(data):
        statements += [claim for branch in BRANCHES for claim in _of_mlps(data, branch)]
    return [*statements, _asymptotic(data), *_momentum(data)]


def _equals(name: str, statement: str, deviation: Estimate, margin: float) -> Claim:
    return Claim.from_estimate(name, statement, deviation, source=SOURCE, tests="theory", theory=0.0, margin=margin)


def _at_geometric_mean(data: Arrays, setting: str) -> Estimate:
    """The exponent at f = ½ with the uniform weight, or EDM's."""
    middle = int(np.argmin(np.abs(data["fraction"] - 0.5)))
    return mean_over(by_fraction(data, setting, 0).per_seed[:, middle])


def _inverse_variance_law(data: Arrays) -> Claim:
    """With the margin that deep networks have for the same statement (`figures.wang2025.deep_linear`)."""
    return Claim.from_estimate(
        "raw rising: inverse-variance law",
        "variance emerges at τ* ∝ λ^-α, α within 0.1 of 1: the exponent at f = 1/2 and a = 0",
        _at_geometric_mean(data, "raw_rising").minus(1.0),
        source="Wang & Pehlevan 2025, Sec. 4.3",
        tests="paper",
        bound=1.0,
        margin=0.1,
    )


def _beyond(data: Arrays, setting: str, relation: Relation) -> Claim:
    """The exponent at the geometric mean against half-way from ½ to 1."""
    return Claim.from_estimate(
        f"{setting.replace('_', ' ')}: at the geometric mean",
        f"α at f = 1/2 and a = 0 is {relation} than 3/4, half-way from a preconditioned network's to a raw one's",
        _at_geometric_mean(data, setting).minus(HALF_WAY),
        source=SOURCE,
        tests="theory",
        bound=HALF_WAY,
        relation=relation,
    )


def _of_mlps(data: Arrays, branch: Branch) -> list[Claim]:
    found, sign = mlps(data, branch), 1 if branch == "falling" else -1
    relation: Relation = "greater" if sign > 0 else "less"
    return [
        _equals(
            f"MLPs, {branch}: closed form",
            "exponent of MLPs minus that of a linear denoiser with their start and noise levels, mean over f",
            found.deviation(),
            LARGEST_MLP_ERROR,
        ),
        Claim.from_estimate(
            f"MLPs, {branch}: dα/df",
            f"the threshold moves the exponent of MLPs too: dα/df is {relation} than zero by over {LEAST_MLP_SLOPE:g}",
            found.slope(data["fraction"]),
            source=SOURCE,
            tests="theory",
            bound=0.0,
            relation=relation,
            margin=LEAST_MLP_SLOPE,
        ),
    ]


def _asymptotic(data: Arrays) -> Claim:
    """Theory against theory, over the modes that are trained."""
    errors = [
        by_fraction(data, setting, index).closed_form - data[f"asymptotic_{setting}"][index]
        for setting in SETTINGS
        for index in range(data["weight_exponent"].size)
    ]
    return Claim.identity(
        "asymptotic law",
        "largest difference between exponents of the closed form and the asymptotic law, over settings, weights and f",
        float(np.nanmax(np.abs(errors))),
        source=SOURCE,
        theory=0.0,
        margin=0.2,
    )


def _momentum(data: Arrays) -> list[Claim]:
    found, curve = by_damping(data), closed_form_by_damping(data)
    statements = [
        _equals(
            "momentum",
            "exponent of linear networks trained with momentum minus that of the closed form, mean over the dampings",
            found.deviation(),
            LARGEST_ERROR,
        )
    ]
    ends: list[tuple[str, int, Relation]] = [("weakest", 0, "less"), ("strongest", -1, "greater")]
    for words, end, relation in ends:
        statements.append(
            Claim.from_estimate(
                f"momentum, {words} damping",
                f"α at γ = {data['damping'][end]:g} is {relation} than 3/4, half-way from weak to strong damping",
                mean_over(found.per_seed[:, end]).minus(HALF_WAY),
                source=SOURCE,
                tests="theory",
                bound=HALF_WAY,
                relation=relation,
            )
        )
    limits = float(np.abs(curve[[0, -1]] - [0.5, 1.0]).max())
    statement = "the closed form's exponents at the ends of the curve are within .05 of ½ and 1: the larger difference"
    return [*statements, Claim.identity("momentum: limits", statement, limits, source=SOURCE, theory=0.0, margin=0.05)]
