"""The verdict of a claim, case by case, and its p-values."""

import math

import numpy as np
import pytest
from scipy.stats import t as student_t

from figures.common.claims import Claim
from sims.measurements.agreement import agreement
from sims.measurements.estimates import Estimate, mean_over

HOLDS, DIFFERS, UNDECIDED = "holds", "differs", "undecided"
HALF_WIDTH = student_t.ppf(0.975, 7)


def estimate(low, high):
    """The estimate whose 95 % interval this is."""
    return Estimate(np.asarray((low + high) / 2), np.asarray((high - low) / 2 / HALF_WIDTH), 8)


def claim(low, high, margin, relation="equal", **kwargs):
    kwargs = {"theory": 1.0} | kwargs
    about = {"source": "source", "tests": "theory", "margin": margin, "relation": relation}
    return Claim.from_estimate("name", "statement", estimate(low, high), **about, **kwargs)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (-0.05, 0.05, HOLDS),
        (0.05, 0.099, HOLDS),  # not zero, and within the margin: too small to matter
        (-0.099, -0.05, HOLDS),
        (0.05, 0.15, UNDECIDED),  # overlap is not agreement
        (-0.15, -0.05, UNDECIDED),
        (-0.2, 0.2, UNDECIDED),  # a wider interval never makes it easier to hold
        (-9.0, 9.0, UNDECIDED),
        (0.11, 0.2, DIFFERS),
        (-0.2, -0.11, DIFFERS),
        (0.11, 9.0, DIFFERS),
    ],
)
def test_equivalence(low, high, verdict):
    one = claim(low, high, 0.1)
    assert one.kind == "equivalence"
    assert one.verdict == verdict
    np.testing.assert_allclose(one.interval, (1 + low, 1 + high), rtol=1e-12)
    np.testing.assert_allclose(one.measured, 1 + (low + high) / 2, rtol=1e-12)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.11, 0.5, HOLDS),
        (0.05, 0.5, UNDECIDED),  # above zero, but perhaps by less than is worth naming
        (-0.5, 0.5, UNDECIDED),
        (0.01, 0.09, DIFFERS),  # surely above zero, and surely by less than is worth naming
        (-0.5, -0.1, DIFFERS),
    ],
)
def test_differences_to_both_sides_mirror_one_another(low, high, verdict):
    assert claim(low, high, 0.1, "greater").verdict == verdict
    assert claim(-high, -low, 0.1, "less").verdict == verdict
    assert claim(low, high, 0.1, "greater").kind == "difference"


def test_a_bound_needs_no_smallest_effect():
    assert claim(1e-9, 0.5, 0.0, "less", theory=None, bound=1.0).verdict == DIFFERS
    assert claim(-0.5, -1e-9, 0.0, "less", theory=None, bound=1.0).verdict == HOLDS


@pytest.mark.parametrize("relation", ["equal", "greater", "less"])
def test_p_values_are_below_five_per_cent_exactly_where_the_verdict_says(relation):
    for centre in np.linspace(-0.4, 0.4, 41) + 0.003:
        for width in (0.02, 0.09, 0.3):
            one = claim(centre - width, centre + width, 0.1, relation)
            assert (one.p_holds < 0.05) == (one.verdict == HOLDS)
            assert (one.p_differs < 0.05) == (one.verdict == DIFFERS)
            assert max(one.p_holds, one.p_differs) <= 1


def test_agreement_is_evidence_like_an_estimate():
    """Eight models, 5 % off and not; the margin 2 % decides both, and p-values say the same."""
    rng = np.random.default_rng(0)
    noise = 0.005 * rng.normal(size=(8, 40))
    about = {"source": "source", "tests": "theory", "theory": 0.0, "margin": 0.02}
    off, on = (Claim.from_estimate("name", "statement", agreement(noise + shift), **about) for shift in (0.05, 0.0))
    assert (off.verdict, on.verdict) == (DIFFERS, HOLDS)
    assert off.p_differs < 0.05 < off.p_holds
    assert on.p_holds < 0.05 < on.p_differs
    few = Claim.from_estimate("name", "statement", agreement(noise[:5] + 0.05), **about)
    assert (few.verdict, few.p_differs, few.p_holds) == (UNDECIDED, 1.0, 1.0)


@pytest.mark.parametrize("relation", ["equal", "greater", "less"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_decides_nothing(relation, value):
    broken = Estimate(np.asarray(value), np.asarray(0.1), 8)
    unknown = Estimate(np.asarray(0.0), np.asarray(math.nan), 8)
    for evidence in (broken, unknown):
        one = Claim.from_estimate(
            "name", "statement", evidence, source="s", tests="theory", theory=1.0, margin=0.5, relation=relation
        )
        assert one.verdict == UNDECIDED


@pytest.mark.parametrize(
    ("relation", "measured", "verdict"),
    [
        ("equal", 1.1, HOLDS),
        ("equal", 1.3, DIFFERS),
        ("less", 1.2, HOLDS),
        ("less", 1.3, DIFFERS),
        ("greater", 0.8, HOLDS),
        ("greater", 0.7, DIFFERS),
        ("equal", math.nan, DIFFERS),
    ],
)
def test_checks_have_no_interval(relation, measured, verdict):
    one = Claim.check("name", "statement", measured, source="s", bound=1.0, margin=0.25, relation=relation)
    assert (one.kind, one.verdict, one.interval) == ("check", verdict, None)
    assert one.p_holds is None
    assert one.p_differs is None


def test_an_identity_is_theory_against_theory():
    one = Claim.identity("name", "statement", 1.1, source="s", theory=1.0, margin=0.2)
    assert (one.kind, one.tests, one.verdict) == ("identity", "theory", HOLDS)


def test_the_reference_is_the_one_that_is_named():
    assert claim(-0.05, 0.05, 0.1, paper=5.0, held_against="theory").reference == 1.0
    assert claim(-0.05, 0.05, 0.1, paper=5.0, held_against="paper").measured == 5.0
    for references in ({"theory": None}, {"paper": 1.0}):
        with pytest.raises(ValueError, match="needs one reference"):
            claim(-0.05, 0.05, 0.1, **references)
    with pytest.raises(ValueError, match="held against its bound and has none"):
        claim(-0.05, 0.05, 0.1, held_against="bound")


def test_what_does_not_fit_together_is_refused():
    for margin in (-0.1, math.nan):
        with pytest.raises(ValueError, match="expected zero or more"):
            claim(-0.05, 0.05, margin)
    with pytest.raises(ValueError, match="margin above zero"):
        claim(-0.05, 0.05, 0.0)
    with pytest.raises(ValueError, match="smallest effect"):
        claim(-0.05, 0.05, 0.0, "greater")
    with pytest.raises(ValueError, match="need an estimate"):
        Claim("n", "s", "s", "theory", "difference", "less", None, 1.0, None, "theory", 1.0, None, 0.1)
    with pytest.raises(ValueError, match="has the relation"):
        Claim("n", "s", "s", "theory", "identity", "less", None, 1.0, None, "theory", 1.0, None, 0.1)


def test_the_interval_is_students():
    samples = np.random.default_rng(1).normal(1.5, 1.0, 8)
    one = Claim.from_estimate(
        "name", "statement", mean_over(samples).minus(1.0), source="s", tests="paper", paper=1.0, margin=0.5
    )
    expected = samples.mean() + HALF_WIDTH * samples.std(ddof=1) / np.sqrt(8) * np.array([-1, 1])
    np.testing.assert_allclose(one.interval, expected, rtol=1e-12)
    assert one.measured == pytest.approx(samples.mean())
