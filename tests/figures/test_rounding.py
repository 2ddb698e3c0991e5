"""Digits of a number beside its error."""

import math

import pytest

from figures.common.rounding import decimals_of


@pytest.mark.parametrize(
    ("half_width", "decimals"), [(0.005, 3), (0.0012, 4), (0.002, 3), (7.0, 0), (0.0, 4), (math.inf, 4), (math.nan, 4)]
)
def test_an_error_is_shown_to_its_first_digit_or_its_second_after_a_one(half_width, decimals):
    assert decimals_of(half_width) == decimals
