"""What is claimed of networks trained beside their theory."""

import numpy as np

from figures.common.claims import Claim, Evidence
from figures.common.power_laws import FittedExponent
from figures.common.stages import Arrays
from figures.studies.trained_modes.statistics import deviation_of_gains, deviation_of_variances

# Two per cent of a variance, or 0.02 of a gain: what a reader could see in a figure.
LARGEST_DEVIATION = 0.02
# Of an exponent: what the finite steps may move it, and less than tells α = 1 from any other law of the papers.
LARGEST_EXPONENT_ERROR = 0.02


def follows_recursion(
    title: str, source: str, found: Evidence, quantity: str = "ln λ̃", *, headline: bool = False
) -> Claim:
    """The claim that networks do not deviate systematically from gradient descent's recursion for infinite data."""
    return Claim.from_estimate(
        title,
        f"systematic deviation of {quantity} from gradient descent's recursion (root mean square over modes and times)",
        found,
        source=source,
        tests="theory",
        theory=0.0,
        margin=LARGEST_DEVIATION,
        headline=headline,
    )


def discretisation(words: str, finite_steps: np.ndarray, closed_form: np.ndarray) -> Claim:
    """How far the steps of gradient descent and of Heun's method move ln λ̃ from gradient flow and exact sampling."""
    return Claim.check(
        f"{words}: discretisation",
        "gradient steps and Heun steps, in theory, move ln λ̃ from gradient flow and exact sampling by less than 0.1",
        float(np.abs(np.log(finite_steps / closed_form)).max()),
        source="this project",
        bound=0.1,
        relation="less",
    )


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


def exponent_against_theory(name: str, source: str, fit: FittedExponent, *, headline: bool = False) -> Claim:
    """The exponent of trained networks against that of the closed form, over the modes that emerge in every seed."""
    return Claim.from_estimate(
        name,
        "exponent α of τ* ∝ λ^-α from trained networks equals the closed form's over the same modes",
        fit.trained.minus(fit.closed_form.exponent),
        source=source,
        tests="theory",
        theory=float(fit.closed_form.exponent),
        margin=LARGEST_EXPONENT_ERROR,
        headline=headline,
    )
