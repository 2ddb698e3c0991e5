"""The verdict of a claim, case by case."""

import math

import pytest

from figures.common.claims import Claim

HOLDS, DIFFERS, UNDECIDED = "holds", "differs", "not reached at this preset"


def claim(measured, interval, tolerance, relation="equal", *, paper: float | None = 1.0, theory: float | None = None):
    return Claim("name", "source", "statement", paper, theory, measured, interval, tolerance, relation)


@pytest.mark.parametrize(
    ("interval", "tolerance", "verdict"),
    [
        ((0.95, 1.05), 0.1, HOLDS),
        ((1.05, 1.15), 0.1, HOLDS),  # overlaps the band from above
        ((0.85, 0.95), 0.1, HOLDS),  # and from below
        ((1.1, 1.2), 0.1, HOLDS),  # touches it
        ((1.11, 1.2), 0.1, DIFFERS),
        ((0.8, 0.89), 0.1, DIFFERS),
        ((0.8, 1.2), 0.1, UNDECIDED),  # twice as wide as the band
        ((1.5, 2.5), 0.1, DIFFERS),  # wide, but clear of the band
        ((0.0, 2.0), 0.0, HOLDS),  # no tolerance: the interval alone decides
        ((1.0, 1.0), 0.0, HOLDS),
        ((1.01, 2.0), 0.0, DIFFERS),
    ],
)
def test_equality(interval, tolerance, verdict):
    assert claim(sum(interval) / 2, interval, tolerance).verdict == verdict


@pytest.mark.parametrize(
    ("interval", "tolerance", "verdict"),
    [
        ((1.0, 1.5), 0.0, HOLDS),
        ((5.0, 9.0), 0.0, HOLDS),  # far above is no fault
        ((0.95, 1.5), 0.1, HOLDS),  # within the tolerance of the bound
        ((0.85, 1.5), 0.1, UNDECIDED),  # reaches across it
        ((0.5, 0.9), 0.1, UNDECIDED),  # touches it
        ((0.5, 0.89), 0.1, DIFFERS),
    ],
)
def test_one_sided_claims_mirror_one_another(interval, tolerance, verdict):
    low, high = interval
    assert claim((low + high) / 2, interval, tolerance, "greater").verdict == verdict
    mirrored = (2.0 - high, 2.0 - low)
    assert claim(sum(mirrored) / 2, mirrored, tolerance, "less").verdict == verdict


@pytest.mark.parametrize("relation", ["equal", "greater", "less"])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_decides_nothing(relation, bad):
    assert claim(bad, (0.9, 1.1), 0.5, relation).verdict == UNDECIDED
    assert claim(1.0, (bad, 1.1), 0.5, relation).verdict == UNDECIDED
    assert claim(1.0, (0.9, bad), 0.5, relation).verdict == UNDECIDED


def test_theory_is_the_reference_where_there_is_one():
    assert claim(2.0, (1.9, 2.1), 0.2, paper=1.0, theory=2.0).verdict == HOLDS
    assert claim(2.0, (1.9, 2.1), 0.2, paper=2.0, theory=1.0).verdict == DIFFERS
    assert claim(2.0, (1.9, 2.1), 0.2, paper=None, theory=2.0).reference == 2.0
    assert claim(2.0, (1.9, 2.1), 0.2, paper=2.0, theory=None).reference == 2.0
    assert claim(0.0, (-0.1, 0.1), 0.2, paper=1.0, theory=0.0).reference == 0.0


def test_a_claim_needs_a_reference_and_a_tolerance():
    with pytest.raises(ValueError, match="neither"):
        claim(1.0, (0.9, 1.1), 0.1, paper=None)
    for tolerance in (-0.1, math.nan):
        with pytest.raises(ValueError, match="tolerance"):
            claim(1.0, (0.9, 1.1), tolerance)
