"""What is claimed of networks trained beside their theory."""

import numpy as np

from figures.common.claims import Claim
from figures.common.power_laws import fitted_exponent


def follows_closed_form(title: str, source: str, within: float) -> Claim:
    """The claim that at least 99 % of the pairs lie within 4 standard errors."""
    statement = "share of (mode, time) pairs within 4 standard errors of the closed form with finite steps ≥ 0.99"
    return Claim(title, source, statement, None, 0.99, within, (within, within), 0.0, "greater")


def discretisation(words: str, finite_steps: np.ndarray, closed_form: np.ndarray) -> Claim:
    """How far the steps of gradient descent and of Heun's method move ln λ̃ from gradient flow and exact sampling."""
    shift = float(np.abs(np.log(finite_steps / closed_form)).max())
    statement = "gradient steps and Heun steps move ln λ̃ from gradient flow and exact sampling by less than 0.1"
    return Claim(f"{words}: discretisation", "this project", statement, None, 0.1, shift, (shift, shift), 0.0, "less")


def exponent_claim(
    name: str, source: str, variance: np.ndarray, emergence: np.ndarray, theory: np.ndarray, tolerance: float = 0.02
) -> Claim:
    """The exponent of trained networks against that of the closed form, over the modes that emerge in every seed."""
    fit = fitted_exponent(variance, emergence, theory)
    statement = "exponent α of τ* ∝ λ^-α from trained networks equals the closed form's"
    return Claim(name, source, statement, None, fit.expected, fit.measured, fit.interval, tolerance)
