"""Claims from estimates: reference, interval, and the error of a reference that is an estimate itself."""

import numpy as np
from scipy.stats import t as student_t

from figures.common.estimated_claims import absolute, beside, estimated_claim
from sims.measurements.estimates import Estimate


def estimate(value: float, stderr: float, repetitions: int) -> Estimate:
    return Estimate(np.asarray(value), np.asarray(stderr), repetitions)


def test_claim_has_the_value_and_the_interval_of_its_estimate():
    claim = estimated_claim("name", "statement", estimate(2.0, 0.5, 4), source="source", theory=1.5, tolerance=0.1)
    assert (claim.name, claim.source, claim.statement) == ("name", "source", "statement")
    assert (claim.paper, claim.theory, claim.measured, claim.tolerance) == (None, 1.5, 2.0, 0.1)
    assert claim.relation == "equal"
    np.testing.assert_allclose(claim.interval, 2.0 + 0.5 * student_t.ppf(0.975, 3) * np.array([-1, 1]), rtol=1e-12)


def test_beside_a_reference_with_an_error_the_value_stays_and_errors_add():
    """3-4-5."""
    assert beside(estimate(2.0, 0.3, 9), estimate(7.0, 0.4, 5)) == (2.0, 0.5, 5)


def test_absolute_drops_the_sign_alone():
    assert absolute(estimate(-2.0, 0.3, 9)) == (2.0, 0.3, 9)
