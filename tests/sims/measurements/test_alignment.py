"""χ: of known covariances, and of samples without the floor that their number sets."""

import numpy as np
import pytest
from scipy.stats import ortho_group

from sims.measurements.alignment import alignment, alignment_of_samples
from sims.measurements.modes import mode_covariances

VARIANCE = np.geomspace(4.0, 0.1, 12)


def test_alignment_of_known_covariances():
    """One of the data's modes; by 45°, two modes of variances a and b have C = ((a+b)/2, ±(a-b)/2)."""
    turned = np.array([[2.0, 1.0], [1.0, 2.0]])  # a = 3, b = 1
    assert alignment(np.diag(VARIANCE)) == 1.0
    np.testing.assert_allclose(alignment(np.stack([turned, 7 * turned])), 8 / 10, rtol=1e-14)
    assert np.isnan(alignment(np.zeros((2, 2))))


@pytest.mark.parametrize("turned", [False, True])
def test_alignment_of_samples_is_that_of_their_covariance_on_average(turned):
    """Twenty samples in twelve modes: the plain χ is .09 or more too low, the corrected one right in its middle."""
    random = np.random.default_rng(0)
    basis = ortho_group.rvs(12, random_state=random) if turned else np.eye(12)
    covariance = basis @ np.diag(VARIANCE) @ basis.T
    truth, count = alignment(covariance), 20
    samples = random.normal(size=(4000, count, 12)) @ np.linalg.cholesky(covariance).T
    measured = mode_covariances(samples)
    plain, corrected = alignment(measured), alignment_of_samples(measured, count)
    assert plain.mean() < truth - 0.07
    assert abs(np.median(corrected) - truth) < 0.02  # of a ratio the mean is not that of its parts
    many = mode_covariances(random.normal(size=(200, 1000, 12)) @ np.linalg.cholesky(covariance).T)
    found = alignment_of_samples(many, 1000)
    assert abs(found.mean() - truth) < 4 * found.std() / np.sqrt(200)


def test_what_has_no_alignment_is_refused():
    with pytest.raises(ValueError, match="count must be a whole number of 3 or more; got 2"):
        alignment_of_samples(np.eye(2), 2)
    for ask in (alignment, lambda covariance: alignment_of_samples(covariance, 9)):
        with pytest.raises(ValueError, match=r"must be \(..., modes, modes\); got shape \(2, 3\)"):
            ask(np.ones((2, 3)))
        with pytest.raises(ValueError, match="covariances must be finite"):
            ask(np.diag([1.0, np.nan]))
