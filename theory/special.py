"""`theory.numerics.special` under the name by which it is known outside the project."""

from theory.numerics.special import (
    difference_filter,
    ein,
    ein_difference,
    erf_average,
    exp1,
    relaxation_filter,
)

__all__ = ["difference_filter", "ein", "ein_difference", "erf_average", "exp1", "relaxation_filter"]
