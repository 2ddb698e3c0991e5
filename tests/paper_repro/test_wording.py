"""Claims in words: digits as many as the error leaves, and text filled from claims."""

import numpy as np
import pytest

from figures.common.claims import Claim
from paper_repro.placeholders import Quoted, fill
from paper_repro.wording import measured
from sims.measurements.agreement import agreement
from sims.measurements.estimates import Estimate


@pytest.mark.parametrize(
    ("value", "half_width", "text"),
    [
        (0.99661, 0.00123, "0.9966 ± 0.0012"),
        (1.3, 0.0083, "1.3000 ± 0.0083"),
        (-0.0001, 0.024, "0.000 ± 0.024"),
        (1234.5678, 12.0, "1235 ± 12"),
        (1.0, 2e-13, "1 ± 2e-13"),
        (5e6, 4.7e5, "5e+06 ± 4.7e+05"),
        (1.0, 0.0, "1 ± 0"),
        (np.nan, 1.0, "not finite"),
        (0.5, np.nan, "0.5"),
    ],
)
def test_the_measured_number_has_the_digits_that_its_error_leaves(value, half_width, text):
    error = np.asarray(half_width / Estimate(np.asarray(0.0), np.asarray(1.0), 8).half_width)
    about = {"source": "here", "tests": "theory", "relation": "greater", "bound": 0.0}
    claim = Claim.from_estimate("name", "statement", Estimate(np.asarray(value), error, 8), **about)
    assert measured(claim) == text


def test_an_unbiased_deviation_below_zero_is_shown_within_its_interval():
    evidence = agreement(np.random.default_rng(0).normal(size=(8, 40)) * 0.01)
    assert evidence.centre < 0
    claim = Claim.from_estimate("name", "statement", evidence, source="here", tests="theory", theory=0.0, margin=0.02)
    assert measured(claim).startswith("0 [0, 0.00")


QUOTED = {"|μ| = 3: overshoot": Quoted(0.2149, (0.19, 0.241), 0.2, "holds"), "a check": Quoted(1, None, 1, "holds")}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("no number", "no number"),
        ("{{|μ| = 3: overshoot|value .2f}} {{|μ| = 3: overshoot|interval .2f}}", "0.21 [0.19, 0.24]"),
        ("{{|μ| = 3:\n  overshoot|value}}: {{|μ| = 3: overshoot|verdict}}", "0.2149: holds"),
        ("{{a check|reference .1f}}", "1.0"),
    ],
)
def test_placeholders_are_filled_from_claims(text, filled):
    assert fill(text, QUOTED.__getitem__) == filled


def test_a_number_that_is_not_finite_is_said_to_be_so():
    assert fill("{{x|value .2f}}", {"x": Quoted(float("nan"), None, 1, "undecided")}.__getitem__) == "not finite"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("{{a check|interval}}", "has no interval"),
        ("{{a check|median}}", "is no placeholder"),
        ("{{a check}}", "is no placeholder"),
        ("{{a check|value", "is no placeholder"),
        ("{{a check|value .2q}}", "format"),
    ],
)
def test_what_is_no_placeholder_is_refused(text, error):
    with pytest.raises(ValueError, match=error):
        fill(text, QUOTED.__getitem__)


def test_a_claim_that_is_not_there_is_refused():
    with pytest.raises(KeyError):
        fill("{{another|value}}", QUOTED.__getitem__)
