"""Special functions."""

import math

import mpmath
import numpy as np
from hypothesis import strategies as st
from mpmath import mpf

from tests.theory.precision.arguments import decades, named
from tests.theory.precision.rows import Measure, Row, pointwise
from theory.special import difference_filter, ein, ein_difference, erf_average, exp1, relaxation_filter

_COUNT = 8
_SIZES, _ALL_SIZES = decades(1e-6, 1e6, _COUNT, (0.0,)), decades(1e-37, 1e37, _COUNT, (0.0,))


def exact_ein(x: mpf) -> mpf:
    """∫_0^x (1 - e^-t)/t dt."""
    return x * mpmath.hyp2f2(1, 1, 2, 2, -x) if x < 1 else mpmath.e1(x) + mpmath.log(x) + mpmath.euler


def exact_erf_average(z: mpf) -> mpf:
    """∫_0^1 e^{-zu²} du."""
    if z == mpmath.inf:
        return mpf(0)
    return mpmath.sqrt(mpmath.pi / z) * mpmath.erf(mpmath.sqrt(z)) / 2 if z else mpf(1)


def _relaxation(a: mpf, t: mpf) -> mpf:
    return -mpmath.expm1(-a * t) / a if a else t


def _difference(a: mpf, b: mpf, t: mpf) -> mpf:
    return mpmath.exp(-a * t) * (t if a == b else -mpmath.expm1((a - b) * t) / (b - a))


def _of_either_sign(drawn: tuple[np.ndarray, bool, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """(a, t) with e^{-at} in the range of single precision."""
    size, negative, time = drawn
    return (-np.minimum(size, 70 / np.maximum(time, 1e-6)).astype(np.float32) if negative else size), time


def _size_of_difference(right: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.maximum(np.abs(right), np.minimum(1.0, np.minimum(x, y)))


ROWS = [
    Row(
        named("special", "exp1"),
        "0, 1e-37 to 80",
        st.tuples(decades(1e-37, 80.0, _COUNT, (0.0,))),
        exp1,
        1e-6,
        1e-14,
        pointwise(lambda x: mpmath.e1(x) if x else mpmath.inf),
    ),
    Row(
        named("special", "ein"),
        "0, 1e-37 to 1e37",
        st.tuples(_ALL_SIZES),
        ein,
        1e-6,
        1e-14,
        pointwise(exact_ein),
    ),
    Row(
        named("special", "ein_difference"),
        "0, 1e-37 to 1e37",
        st.tuples(_ALL_SIZES, _ALL_SIZES),
        ein_difference,
        1e-6,
        1e-14,
        pointwise(lambda x, y: exact_ein(x) - exact_ein(y)),
        Measure("relative to min(1, x, y) at least", _size_of_difference),
    ),
    Row(
        named("special", "relaxation_filter"),
        "sizes of a and t 0, 1e-6 to 1e6; at > -70",
        st.tuples(_SIZES, st.booleans(), _SIZES).map(_of_either_sign),
        relaxation_filter,
        1e-6,
        1e-14,
        pointwise(_relaxation),
        Measure("relative/(1 + size of at)", lambda right, a, t: np.abs(right) * (1 + np.abs(a * t))),
    ),
    Row(
        named("special", "difference_filter"),
        "rates and t 0, 1e-6 to 1e6",
        st.tuples(_SIZES, _SIZES, _SIZES),
        difference_filter,
        1e-6,
        1e-14,
        pointwise(_difference),
        Measure("relative/(1 + t·min(a, b))", lambda right, a, b, t: np.abs(right) * (1 + t * np.minimum(a, b))),
    ),
    Row(
        named("special", "erf_average"),
        "0, 1e-6 to 1e6, ∞",
        st.tuples(decades(1e-6, 1e6, _COUNT, (0.0, math.inf))),
        erf_average,
        1e-6,
        1e-14,
        pointwise(exact_erf_average),
    ),
]
