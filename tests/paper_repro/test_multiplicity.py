"""Many claims at once, and verdicts that turn with the seed."""

import numpy as np
import pytest

import figures
from figures.common.claims import Claim
from figures.common.pooling import pool_claims
from paper_repro.cli import main
from paper_repro.multiplicity import expected_by_chance, holm, isolated
from paper_repro.scorecard import Scorecard, Scored
from paper_repro.stability import Stability, Verdicts, verdicts_of
from sims.measurements.estimates import Estimate


def test_holm_by_hand():
    """Sorted .005, .01, .03, .04: times 4, 3, 2, 1, and never smaller than the one before."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_holm_keeps_the_family_wise_error():
    rng = np.random.default_rng(0)
    families = [min(holm(list(rng.uniform(size=10)))) < 0.05 for _ in range(4000)]
    assert 0.035 < np.mean(families) < 0.062


def test_a_single_small_p_among_many_is_isolated_and_several_are_not():
    """Benjamini-Hochberg, i-th of n below .05 i/n: one of .03 among 20 is none; twenty of .03 all are."""
    others = list(np.linspace(0.1, 1.0, 19))
    assert isolated([0.03, *others]) == [True] + [False] * 19
    assert isolated([0.002, *others]) == [False] * 20
    assert isolated([0.03] * 20) == [False] * 20
    assert isolated([]) == []
    assert expected_by_chance(200) == 5.0


def test_shares_by_hand():
    first = {
        ("f", "a"): Verdicts("holds", ("holds", "undecided", "differs")),
        ("f", "b"): Verdicts("undecided", ("undecided",) * 3),
    }
    second = {
        ("f", "a"): Verdicts("differs", ("differs",) * 3),
        ("f", "b"): Verdicts("undecided", ("holds", "undecided", "undecided")),
    }
    found = Stability(first, second)
    assert found.turned == pytest.approx(3 / 12)
    assert found.opposed == pytest.approx(1 / 12)
    assert (found.agreeing_pools, found.opposed_pools, found.undecided) == (0.5, 1, 0.5)
    assert found.turning() == [
        "f / a: holds: holds, undecided, differs; differs: differs, differs, differs",
        "f / b: undecided: undecided, undecided, undecided; undecided: holds, undecided, undecided",
    ]


def test_verdicts_of_stored_seeds(here):
    assert main(["run", "fake_fig1", "--seeds", "0-3"]) == 0
    found = verdicts_of(here / "results", "quick", (0, 1))
    assert list(found) == [("fake_fig1", f"a{name}") for name in (" claim that holds", " claim that differs")] + [
        ("fake_fig1", "an open one")
    ]
    assert found["fake_fig1", "a claim that holds"] == Verdicts("holds", ("holds", "holds"))
    assert verdicts_of(here / "results", "quick", (0, 9)) == {}


def test_headline_claims_keep_their_p_value_when_it_underflows():
    """A p-value of zero is one; the deterministic have none."""
    held = {"source": "s", "tests": "theory", "margin": 0.1, "headline": True}
    sure = Claim.from_estimate("sure", "s", Estimate(np.asarray(0.0), np.asarray(0.0), 8), theory=1.0, **held)
    edge = Claim.from_estimate("edge", "s", Estimate(np.asarray(0.1), np.asarray(0.02), 8), theory=1.0, **held)
    scored = Scored(figures.Figure("none"), (), pool_claims({0: [sure, edge]}), current=True)
    scorecard = Scorecard([scored])
    assert scorecard.adjusted == {(0, 0): 0.0, (0, 1): pytest.approx(1.0)}
    assert [scorecard.headline_verdict(key) for key in scorecard.adjusted] == ["holds", "undecided"]
