"""What is claimed of networks trained beside their theory."""

import numpy as np

from figures.common.claims import Claim
from figures.common.measured_claims import estimated_claim, exact_claim
from figures.common.power_laws import FittedExponent
from figures.common.stages import Arrays
from figures.studies.trained_modes.statistics import share_of_gains, share_of_variances


def follows_closed_form(title: str, source: str, within: float) -> Claim:
    """The claim that at least 99 % of the pairs lie within 4 standard errors."""
    statement = "share of (mode, time) pairs within 4 standard errors of the closed form with finite steps ≥ 0.99"
    return exact_claim(title, source, statement, within, theory=0.99, tolerance=0.0, relation="greater")


def discretisation(words: str, finite_steps: np.ndarray, closed_form: np.ndarray) -> Claim:
    """How far the steps of gradient descent and of Heun's method move ln λ̃ from gradient flow and exact sampling."""
    shift = float(np.abs(np.log(finite_steps / closed_form)).max())
    statement = "gradient steps and Heun steps move ln λ̃ from gradient flow and exact sampling by less than 0.1"
    name = f"{words}: discretisation"
    return exact_claim(name, "this project", statement, shift, theory=0.1, tolerance=0.0, relation="less")


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


def exponent_against_theory(name: str, source: str, fit: FittedExponent, tolerance: float = 0.02) -> Claim:
    """The exponent of trained networks against that of the closed form, over the modes that emerge in every seed."""
    return estimated_claim(
        name,
        source,
        "exponent α of τ* ∝ λ^-α from trained networks equals the closed form's",
        fit.trained,
        theory=fit.closed_form.exponent,
        tolerance=tolerance,
    )
