"""What is claimed of networks trained beside their theory."""

import numpy as np

from figures.common.claims import Claim
from figures.common.estimated_claims import estimated_claim
from figures.common.power_laws import FittedExponent
from figures.common.stages import Arrays
from figures.studies.trained_modes.statistics import share_of_gains, share_of_variances
from sims.measurements.estimates import exact


def follows_closed_form(title: str, source: str, within: float) -> Claim:
    """The claim that at least 99 % of the pairs lie within 4 standard errors."""
    statement = "share of (mode, time) pairs within 4 standard errors of the closed form with finite steps ≥ 0.99"
    return estimated_claim(title, statement, exact(within), source=source, theory=0.99, relation="greater")


def discretisation(words: str, finite_steps: np.ndarray, closed_form: np.ndarray) -> Claim:
    """How far the steps of gradient descent and of Heun's method move ln λ̃ from gradient flow and exact sampling."""
    shift = float(np.abs(np.log(finite_steps / closed_form)).max())
    statement = "gradient steps and Heun steps move ln λ̃ from gradient flow and exact sampling by less than 0.1"
    name = f"{words}: discretisation"
    return estimated_claim(name, statement, exact(shift), source="this project", theory=0.1, relation="less")


def networks_follow_theory(data: Arrays, suffix: str, words: str, source: str) -> list[Claim]:
    """Generated variance, weights and discretisation of the networks whose arrays end in `suffix`."""
    variance, finite_steps = data[f"variance_trained_{suffix}"], data[f"variance_finite_steps_{suffix}"]
    gains, expected = data[f"gain_trained_{suffix}"], data[f"gain_finite_steps_{suffix}"]
    within = share_of_gains(gains, expected, int(data["training_samples"]))
    return [
        follows_closed_form(f"{words}: generated variance", source, share_of_variances(variance, finite_steps)),
        follows_closed_form(f"{words}: weights", source, within),
        discretisation(words, finite_steps, data[f"variance_closed_form_{suffix}"]),
    ]


def exponent_against_theory(name: str, source: str, fit: FittedExponent) -> Claim:
    """The exponent of trained networks against that of the closed form, over the modes that emerge in every seed."""
    return estimated_claim(
        name,
        "exponent α of τ* ∝ λ^-α from trained networks equals the closed form's",
        fit.trained,
        source=source,
        theory=fit.closed_form.exponent,
        tolerance=0.02,
    )
