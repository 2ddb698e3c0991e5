"""What is claimed of emergence times."""

import numpy as np

from figures.common.claims import Claim
from figures.common.power_laws import exponents
from figures.common.stages import Arrays
from figures.studies.emergence.statistics import emergence_by_gain
from sims.measurements.estimates import mean_over


def exponent_of_branch(data: Arrays, gain: float, mean: str, branch: str, source: str) -> Claim:
    """Exponent of one branch from the trained networks, held against the paper's statement."""
    index = int(np.flatnonzero(data["initial_gain"] == gain)[0])
    times = emergence_by_gain(data, mean)[index]
    on_branch = data["trained_rises"][index] == (branch == "rising")
    used = on_branch & np.isfinite(times).all(axis=0)
    measured, interval = np.nan, (np.nan, np.nan)
    if used.sum() >= 3:
        fitted = exponents(data["trained_variance"][used], times[:, used])
        measured, interval = float(fitted.value), fitted.interval
    return Claim(
        f"exponent, Q = {gain:g}, {branch} branch, {mean} mean",
        source,
        "τ* ∝ λ^-α with α ≈ 1",
        1.0,
        None,
        measured,
        interval,
        0.1,
    )


def agreement(data: Arrays, mean: str, source: str) -> Claim:
    logarithm = np.log(emergence_by_gain(data, mean) / data[f"emergence_of_trained_{mean}"][:, None])
    ratio = mean_over(np.nanmean(logarithm, axis=(0, 2)))
    return Claim(
        f"emergence times, {mean} mean",
        source,
        "mean over initialisations and modes of ln(τ* trained / τ* closed form) is zero",
        None,
        0.0,
        float(ratio.value),
        ratio.interval,
        0.05,
    )
