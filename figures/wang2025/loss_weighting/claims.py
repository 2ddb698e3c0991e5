"""What is claimed of loss weightings."""

import numpy as np

from figures.common.claims import Claim
from figures.common.stages import Arrays
from figures.studies.trained_modes.claims import exponent_claim
from figures.wang2025.loss_weighting.experiment import TRAINED_COMMON
from figures.wang2025.loss_weighting.statistics import fitted_exponents
from sims.measurements.estimates import mean_over
from theory.spectral_law.power_law import fit_power_law


def claims(data: Arrays) -> list[Claim]:
    statements = []
    for index, (a, fitted) in enumerate(zip(data["exponents"], fitted_exponents(data, "arithmetic"), strict=True)):
        measured, interval = (np.nan, (np.nan, np.nan)) if fitted is None else (float(fitted.value), fitted.interval)
        statements.append(
            Claim(
                f"exponent for w = σ^-{2 * a:g}",
                "this project",
                "τ* ∝ λ^-(1-a) at a level in proportion to λ",
                None,
                1 - float(a),
                measured,
                interval,
                0.1,
            )
        )
        statements.append(_against_theory(data, index, f"exponent for w = σ^-{2 * a:g} against theory"))
    for offset, name in enumerate(TRAINED_COMMON):
        statements.append(_against_theory(data, data["exponents"].size + offset, f"exponent for {name} against theory"))
    statements += [_slope(data, "arithmetic", -1.0), _slope(data, "geometric", -0.5)]
    return [*statements, _no_bias(data), _not_universal(data)]


def _against_theory(data: Arrays, index: int, name: str) -> Claim:
    emergence, theory = data["emergence_arithmetic"][index], data["emergence_theory_arithmetic"][index]
    return exponent_claim(name, "this project", data["variance"], emergence, theory)


def _slope(data: Arrays, mean: str, expected: float) -> Claim:
    """How the exponent of each seed depends on a."""
    emergence = data[f"emergence_{mean}"][: data["exponents"].size]
    seen = np.isfinite(emergence).all(axis=(0, 1))
    per_seed = np.array(
        [[fit_power_law(data["variance"][seen], row[seen]).exponent for row in run] for run in emergence]
    )
    slope = mean_over(np.polyfit(data["exponents"], per_seed, 1)[0])
    return Claim(
        f"dα/da at the {mean} mean",
        "this project",
        f"the exponent falls with a at the rate {-expected:g} where the level is the {mean} mean of σ_0² and λ",
        None,
        expected,
        float(slope.value),
        slope.interval,
        0.05,
    )


def _no_bias(data: Arrays) -> Claim:
    """τ* of the smallest over that of the largest variance, for a = 1."""
    run = data["emergence_arithmetic"][int(np.flatnonzero(data["exponents"] == 1.0)[0])]
    ratio = mean_over(run[:, -1] / run[:, 0])
    return Claim(
        "a = 1 removes the bias",
        "this project",
        f"w = σ^-2 trains modes {data['variance'][0] / data['variance'][-1]:g}-fold apart at the same time: "
        "ratio of τ*, smallest to largest variance",
        None,
        1.0,
        float(ratio.value),
        ratio.interval,
        0.1,
    )


def _not_universal(data: Arrays) -> Claim:
    """The paper's law for w = 1 held against the smallest exponent found."""
    found = [fitted for fitted in fitted_exponents(data, "arithmetic") if fitted is not None]
    smallest = min(found, key=lambda estimate: float(estimate.value))
    return Claim(
        "the inverse-variance law is universal",
        "Wang & Pehlevan 2025, abstract",
        "τ* ∝ λ^-1 whatever the training objective: smallest exponent among the weights σ^-2a",
        1.0,
        None,
        float(smallest.value),
        smallest.interval,
        0.1,
    )
