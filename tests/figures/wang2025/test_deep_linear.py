"""Exponents in the picture of deep linear networks."""

import numpy as np
import pytest

from figures.wang2025.deep_linear.plots import _exponent


def test_weights_that_never_emerge_are_left_out():
    """Of the quick preset five have no half-way, NaN: their gain ends where it began."""
    variance = np.array([3.0, 1.0, 0.3, 0.1])
    times = 2 * variance**-1.1
    times[1] = np.nan
    assert _exponent(variance, times) == pytest.approx(1.1)
