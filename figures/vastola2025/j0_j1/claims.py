"""Claims of the figure `j0_j1`."""

from functools import partial

import numpy as np

from figures.common.claims import Claim
from figures.common.estimated_claims import absolute, estimated_claim
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
from sims.measurements.estimates import mean_over
from sims.measurements.resampling import jackknife, ratio_of_means

_SOURCE = "reviewers of Vastola 2025: J0 against J1"
_claim = partial(estimated_claim, source=_SOURCE, relation="greater")


def claims(data: Arrays) -> list[Claim]:
    words = words_of_cases(data)
    statements = [_numerics_claim(data)]
    for case in words:
        statements += [claim(data, case, words[case]) for claim in (_bias_claim, _effect_claim, _dose_claim)]
    statements += [_higher_moments_claim(data, case, words[case]) for case in LINE_CASES]
    for case in SQUARE_CASES:
        statements += [_shape_claim(data, case, part, words[case]) for part in ("gap", "bridge")]
    for case in NETWORK_CASES:
        statements += _training_claims(data, case, words[case])
    return statements


def _numerics_claim(data: Arrays) -> Claim:
    return _claim(
        "the sampler has converged",
        "twice the steps leave the gap mass unchanged (linear models of the larger F/P, mean over objectives)",
        mean_over(data["gap_change_on_doubling"].mean(axis=0)),
        theory=0.0,
        tolerance=0.005,
        relation="equal",
    )


def _effect_claim(data: Arrays, case: str, words: str) -> Claim:
    """Paired: the same triples, initial weights and minibatches under both objectives."""
    return _claim(
        f"target noise fills gaps, {words}",
        "gap mass of DSM (J1) exceeds that of the exact score as target (J0), paired over training sets",
        mean_over(data[f"{case}_gap"][DSM] - data[f"{case}_gap"][EXACT]),
        paper=0.0,
    )


def _bias_claim(data: Arrays, case: str, words: str) -> Claim:
    """p(x|ε) itself has less than 1e-6 of its mass in the gaps."""
    return _claim(
        f"gaps fill without target noise, {words}",
        "gap mass of models trained on the exact score exceeds that of p(x|ε), which is zero, by more than 0.001",
        mean_over(data[f"{case}_gap"][EXACT]),
        theory=0.001,
    )


def _dose_claim(data: Arrays, case: str, words: str) -> Claim:
    gap = data[f"{case}_gap"]
    ratio, interval = ratio_of_means(gap[FOURFOLD] - gap[EXACT], gap[DSM] - gap[EXACT])
    return Claim(
        f"the effect grows with the dose, {words}",
        _SOURCE,
        "[gap mass at c = 4 minus at c = 0]/[at c = 1 minus at c = 0] is 4, to 1: first order in the V-kernel",
        paper=None,
        theory=4.0,
        measured=ratio,
        interval=interval,
        tolerance=1.0,
    )


def _higher_moments_claim(data: Arrays, case: str, words: str) -> Claim:
    return _claim(
        f"only the covariance counts, {words}",
        "in one dimension, Gaussian target noise of DSM's variance gives DSM's gap mass, to 0.01",
        mean_over(data[f"{case}_gap"][DSM] - data[f"{case}_gap"][ISOTROPIC]),
        theory=0.0,
        tolerance=0.01,
        relation="equal",
    )


def _shape_claim(data: Arrays, case: str, part: str, words: str) -> Claim:
    difference = mean_over(data[f"{case}_{part}"][DSM] - data[f"{case}_{part}"][ISOTROPIC])
    kinds = {"gap": "gap mass", "bridge": "mass on the square's edges between corners"}
    direction = "larger" if difference.value > 0 else "smaller"
    return _claim(
        f"the shape of the noise matters: {kinds[part]}, {words}",
        f"{kinds[part]} of DSM differs from that of isotropic noise of the same trace (absolute difference; "
        f"{direction} for DSM)",
        absolute(difference),
        paper=0.0,
    )


def _training_claims(data: Arrays, case: str, words: str) -> list[Claim]:
    """Whether training has converged, and how much of the target noise it has fitted."""
    loss, reference = data[f"{case}_loss"][..., -1].astype(float), data[f"{case}_reference"].astype(float)
    exact = jackknife(lambda mean: float(mean[0] / mean[1]), np.stack([loss[EXACT], reference[DSM]], axis=1))
    fitted = jackknife(lambda mean: float(mean[0] / mean[1]), np.stack([loss[DSM], reference[DSM]], axis=1))
    return [
        _claim(
            f"training has converged, {words}",
            "final J0 loss is less than 0.05 of the irreducible loss of DSM on the same triples",
            exact,
            theory=0.05,
            relation="less",
        ),
        _claim(
            f"target noise has been fitted, {words}",
            "final DSM loss is below that of the exact posterior mean on the same triples: the ratio is less than 1",
            fitted,
            theory=1.0,
            relation="less",
        ),
    ]
