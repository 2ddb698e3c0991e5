"""What is claimed of loss weightings."""

import numpy as np

from figures.common.claims import Claim
from figures.common.stages import Arrays
from figures.studies.trained_modes.claims import exponent_against_theory
from figures.wang2025.loss_weighting.experiment import TRAINED_COMMON
from figures.wang2025.loss_weighting.statistics import exponent_of, exponents_of_powers
from sims.measurements.estimates import Estimate, difference, mean_over
from theory.spectral_law.power_law import fit_power_law

SOURCE = "this project"


def claims(data: Arrays) -> list[Claim]:
    statements = []
    for a, fit in zip(data["exponents"].tolist(), exponents_of_powers(data, "arithmetic"), strict=True):
        name, law = f"exponent for w = σ^-{2 * a:g}", "τ* ∝ λ^-(1-a) at a level in proportion to λ"
        statements.append(_claim(name, law, fit.trained.minus(1 - a), theory=1 - a, margin=0.1))
        statements.append(exponent_against_theory(f"{name} against theory", SOURCE, fit))
    for index, name in enumerate(TRAINED_COMMON, start=data["exponents"].size):
        fit = exponent_of(data, index, "arithmetic")
        statements.append(exponent_against_theory(f"exponent for {name} against theory", SOURCE, fit))
    statements += [_slope(data, "arithmetic", -1.0), _slope(data, "geometric", -0.5)]
    return [*statements, _no_bias(data), _weighting_decides(data)]


def _claim(name: str, statement: str, estimate: Estimate, *, theory: float, margin: float) -> Claim:
    return Claim.from_estimate(name, statement, estimate, source=SOURCE, tests="theory", theory=theory, margin=margin)


def _slope(data: Arrays, mean: str, expected: float) -> Claim:
    """How the exponent of each seed depends on a."""
    emergence = data[f"emergence_{mean}"][: data["exponents"].size]
    seen = np.isfinite(emergence).all(axis=(0, 1))
    per_seed = np.array(
        [[fit_power_law(data["variance"][seen], row[seen]).exponent for row in run] for run in emergence]
    )
    slope = mean_over(np.polyfit(data["exponents"], per_seed, 1)[0])
    statement = f"the exponent falls with a at the rate {-expected:g} where the level is the {mean} mean of σ_0² and λ"
    return _claim(f"dα/da at the {mean} mean", statement, slope.minus(expected), theory=expected, margin=0.05)


def _no_bias(data: Arrays) -> Claim:
    """τ* of the smallest over that of the largest variance, for a = 1."""
    run = data["emergence_arithmetic"][int(np.flatnonzero(data["exponents"] == 1.0)[0])]
    statement = (
        f"w = σ^-2 trains modes {data['variance'][0] / data['variance'][-1]:g}-fold apart at the same time: "
        "ln of the ratio of τ*, smallest to largest variance"
    )
    estimate = mean_over(np.log(run[:, -1] / run[:, 0]))
    return _claim("a = 1 removes the bias", statement, estimate, theory=0.0, margin=0.1)


def _weighting_decides(data: Arrays) -> Claim:
    """Noise prediction (a = 1) against denoised data (a = 0)."""
    exponents = data["exponents"].tolist()
    denoised, noise = (exponent_of(data, exponents.index(a), "arithmetic").trained for a in (0.0, 1.0))
    return Claim.from_estimate(
        "the weighting decides the exponent",
        "the exponent for w = 1 exceeds that for w = σ^-2, noise prediction, by more than one half",
        difference(denoised, noise).minus(0.5),
        source=SOURCE,
        tests="theory",
        bound=0.5,
        relation="greater",
        headline=True,
    )
