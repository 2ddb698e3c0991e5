"""What is claimed of emergence times."""

import numpy as np

from figures.common.claims import Claim
from figures.common.estimated_claims import estimated_claim
from figures.common.stages import Arrays
from figures.studies.emergence.experiment import MEANS
from figures.studies.emergence.statistics import emergence_by_gain, exponent_of_branch
from sims.measurements.estimates import mean_over


def emergence_claims(data: Arrays, branches: tuple[tuple[float, str], ...], source: str) -> list[Claim]:
    """The paper's exponent on each branch, (initial gain, "rising" or "falling"), and the times, for both means."""
    exponents = [_exponent(data, gain, mean, branch, source) for mean in MEANS for gain, branch in branches]
    return [*exponents, *[_agreement(data, mean, source) for mean in MEANS]]


def _exponent(data: Arrays, gain: float, mean: str, branch: str, source: str) -> Claim:
    return estimated_claim(
        f"exponent, Q = {gain:g}, {branch} branch, {mean} mean",
        "τ* ∝ λ^-α with α ≈ 1",
        exponent_of_branch(data, gain, mean, branch).trained,
        source=source,
        paper=1.0,
        tolerance=0.1,
    )


def _agreement(data: Arrays, mean: str, source: str) -> Claim:
    logarithm = np.log(emergence_by_gain(data, mean) / data[f"emergence_of_trained_{mean}"][:, None])
    return estimated_claim(
        f"emergence times, {mean} mean",
        "mean over initialisations and modes of ln(τ* trained / τ* closed form) is zero",
        mean_over(np.nanmean(logarithm, axis=(0, 2))),
        source=source,
        theory=0.0,
        tolerance=0.05,
    )


def square_root_law(data: Arrays, gain: float, source: str, statement: str, tolerance: float) -> Claim:
    """The falling branch from this gain: its variance falls as 1/τ whatever λ, so that τ* ∝ λ^-1/2 at the √λ level."""
    return estimated_claim(
        f"exponent ½ of the falling branch, Q = {gain:g}, geometric mean",
        statement,
        exponent_of_branch(data, gain, "geometric", "falling").trained,
        source=source,
        theory=0.5,
        tolerance=tolerance,
    )
