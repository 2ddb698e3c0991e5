"""Claims of the figure `j0_j1`. All comparisons are paired: same triples, initial weights and minibatches."""

import numpy as np

from figures.common.claims import Claim, Evidence, Relation, Tests
from figures.common.gap_masses import EQUAL, FILLED, SHIFTED
from figures.common.stages import Arrays
from figures.vastola2025.j0_j1.experiment import (
    DSM,
    EXACT,
    FOURFOLD,
    ISOTROPIC,
    LINE_CASES,
    NETWORK_CASES,
    SQUARE_CASES,
)
from figures.vastola2025.j0_j1.statistics import words_of_cases
from sims.measurements.agreement import agreement
from sims.measurements.estimates import mean_over
from sims.measurements.resampling import jackknife

SOURCE = "reviewers of Vastola 2025: J0 against J1"
# Models from which a question is decided; with fewer it is left to the paper preset.
DECIDING_MODELS = {
    "linear_second": {"moments": 4800},
    "network": {"dose": 300, "moments": 300},
    "square_linear": {"gap": 100, "bridge": 1000},
    "square_network": {"gap": 300, "bridge": 300},
}
LARGEST_SHIFT = 0.02  # of the samples, within which a prediction of first order is called right


def claims(data: Arrays) -> list[Claim]:
    words = words_of_cases(data)
    statements = [_numerics_claim(data)]
    for case in words:
        statements += [_bias_claim(data, case, words[case]), _effect_claim(data, case, words[case])]
        if _decided(data, case, "dose"):
            statements.append(_dose_claim(data, case, words[case]))
    statements += [
        _higher_moments_claim(data, case, words[case]) for case in LINE_CASES if _decided(data, case, "moments")
    ]
    shapes = [(case, part) for case in SQUARE_CASES for part in ("gap", "bridge") if _decided(data, case, part)]
    statements += [_shape_claim(data, case, part, words[case]) for case, part in shapes]
    for case in NETWORK_CASES:
        statements += _training_claims(data, case, words[case])
    return statements


def _decided(data: Arrays, case: str, question: str) -> bool:
    """Whether there are models enough to tell."""
    return data[f"{case}_gap"].shape[1] >= DECIDING_MODELS.get(case, {}).get(question, 0)


def _against_bound(
    name: str,
    statement: str,
    estimate: Evidence,
    *,
    bound: float = 0.0,
    margin: float = 0.0,
    relation: Relation = "greater",
    tests: Tests = "theory",
    headline: bool = False,
) -> Claim:
    """`estimate` is of the number less the bound."""
    about = {"source": SOURCE, "tests": tests, "bound": bound, "relation": relation, "margin": margin}
    about |= {"headline": headline}
    return Claim.from_estimate(name, statement, estimate, **about)


def _equals_zero(name: str, statement: str, estimate: Evidence, *, margin: float, tests: Tests = "theory") -> Claim:
    about = {"source": SOURCE, "tests": tests, "theory": 0.0, "margin": margin}
    return Claim.from_estimate(name, statement, estimate, **about)


def _numerics_claim(data: Arrays) -> Claim:
    return _equals_zero(
        "the sampler has converged",
        "twice the steps leave the gap mass unchanged (linear models of the larger F/P, mean over objectives)",
        mean_over(data["gap_change_on_doubling"].mean(axis=0)),
        margin=SHIFTED,
        tests="control",
    )


def _bias_claim(data: Arrays, case: str, words: str) -> Claim:
    return _against_bound(
        f"gaps fill without target noise, {words}",
        "gap mass of models trained on the exact score; p(x|ε) itself has none",
        mean_over(data[f"{case}_gap"][EXACT]),
        margin=FILLED,
    )


def _effect_claim(data: Arrays, case: str, words: str) -> Claim:
    return _against_bound(
        f"target noise fills gaps, {words}",
        "gap mass of DSM (J1) less that of the exact score as target (J0), paired over training sets",
        mean_over(data[f"{case}_gap"][DSM] - data[f"{case}_gap"][EXACT]),
        margin=SHIFTED,
        tests="paper",
        headline=case in ("linear_second", "network"),
    )


def _dose_claim(data: Arrays, case: str, words: str) -> Claim:
    """Of first order in the V-kernel, four doses do four times what one does."""
    gap = data[f"{case}_gap"]
    return _equals_zero(
        f"the effect is in proportion to the dose, {words}",
        "[gap mass at c = 4 less that at c = 0] less four times [that at c = 1 less that at c = 0]",
        mean_over(gap[FOURFOLD] - gap[EXACT] - 4 * (gap[DSM] - gap[EXACT])),
        margin=LARGEST_SHIFT,
    )


def _higher_moments_claim(data: Arrays, case: str, words: str) -> Claim:
    return _equals_zero(
        f"only the covariance counts, {words}",
        "in one dimension, gap mass of DSM less that of Gaussian target noise of the same variance",
        mean_over(data[f"{case}_gap"][DSM] - data[f"{case}_gap"][ISOTROPIC]),
        margin=EQUAL,
    )


def _shape_claim(data: Arrays, case: str, part: str, words: str) -> Claim:
    """Without a direction, which nobody predicted: the agreement statistic of one number."""
    kinds = {"gap": "gap mass", "bridge": "mass on the square's edges between corners"}
    difference = data[f"{case}_{part}"][DSM] - data[f"{case}_{part}"][ISOTROPIC]
    return _against_bound(
        f"the shape of the noise matters: {kinds[part]}, {words}",
        f"{kinds[part]} of DSM differs from that of isotropic noise of the same trace (size of the mean difference; "
        f"its sign is that of {difference.mean():+.3f})",
        agreement(difference),
        margin=SHIFTED,
    )


def _training_claims(data: Arrays, case: str, words: str) -> list[Claim]:
    """Whether training has converged, and how much of the target noise it has fitted."""
    loss, reference = data[f"{case}_loss"][..., -1].astype(float), data[f"{case}_reference"].astype(float)
    exact = jackknife(lambda mean: float(mean[0] / mean[1]), np.stack([loss[EXACT], reference[DSM]], axis=1))
    fitted = jackknife(lambda mean: float(mean[0] / mean[1]), np.stack([loss[DSM], reference[DSM]], axis=1))
    return [
        _against_bound(
            f"training has converged, {words}",
            "final J0 loss over the irreducible loss of DSM on the same triples",
            exact.minus(0.05),
            bound=0.05,
            relation="less",
            tests="control",
        ),
        _against_bound(
            f"target noise has been fitted, {words}",
            "final DSM loss over that of the exact posterior mean on the same triples",
            fitted.minus(1.0),
            bound=1.0,
            relation="less",
            tests="control",
        ),
    ]
