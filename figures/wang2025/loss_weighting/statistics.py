"""Exponents of the trained networks and of the closed form, by weighting."""

from figures.common.power_laws import FittedExponent, fitted_exponent
from figures.common.stages import Arrays


def exponent_of(data: Arrays, index: int, mean: str) -> FittedExponent:
    """Exponents of the run of one weight, at the level of one mean."""
    emergence, theory = data[f"emergence_{mean}"][index], data[f"emergence_theory_{mean}"][index]
    return fitted_exponent(data["variance"], emergence, theory)


def exponents_of_powers(data: Arrays, mean: str) -> list[FittedExponent]:
    """Exponents of the weights that are powers of σ."""
    return [exponent_of(data, index, mean) for index in range(data["exponents"].size)]
