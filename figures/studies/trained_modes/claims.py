"""What is claimed of networks trained beside their theory."""

import numpy as np

from figures.common.claims import Claim
from figures.common.estimated_claims import estimated_claim
from figures.common.power_laws import FittedExponent
from figures.common.stages import Arrays
from figures.studies.trained_modes.statistics import deviation_of_gains, deviation_of_variances
from sims.measurements.agreement import Agreement
from sims.measurements.estimates import exact

# Two per cent of a variance, or 0.02 of a gain: what a reader could see in a figure.
LARGEST_DEVIATION = 0.02


def follows_recursion(title: str, source: str, found: Agreement, quantity: str = "ln λ̃") -> Claim:
    """The claim that networks do not deviate systematically from gradient descent's recursion for infinite data."""
    statement = (
        f"systematic deviation of {quantity} from gradient descent's recursion is at most {LARGEST_DEVIATION:g} "
        "(root mean square over modes and times)"
    )
    return Claim(
        title,
        source,
        statement,
        paper=None,
        theory=LARGEST_DEVIATION,
        measured=found.deviation,
        interval=found.interval,
        tolerance=0.0,
        relation="less",
    )


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
    variances, weights = deviation_of_variances(variance, finite_steps), deviation_of_gains(gains, expected)
    return [
        follows_recursion(f"{words}: generated variance", source, variances),
        follows_recursion(f"{words}: weights", source, weights, "gains"),
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
