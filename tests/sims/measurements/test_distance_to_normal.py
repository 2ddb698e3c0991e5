"""The sliced distance to N(0, I) against integrals and exact values."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import ndtri

from sims.measurements.distance_to_normal import sliced_wasserstein2

LINE = np.ones((1, 1))


def test_of_points_on_a_line_it_is_the_integral_over_quantiles():
    points = np.array([-1.3, 0.2, 0.9])
    parts = [quad(lambda p, x=x: (x - ndtri(p)) ** 2, i / 3, (i + 1) / 3)[0] for i, x in enumerate(points)]
    found = sliced_wasserstein2(points[[2, 0, 1], None], LINE)
    assert float(found) == pytest.approx(sum(parts), rel=2e-3)


def test_shifted_and_wider_samples_have_their_distance():
    """N(m, s²): m² + (s - 1)²."""
    samples = 0.3 + 1.5 * ndtri((np.arange(4096) + 0.5) / 4096)[:, None]
    assert float(sliced_wasserstein2(samples, LINE)) == pytest.approx(0.09 + 0.25, rel=3e-3)


def test_directions_are_averaged_and_batches_kept():
    samples = np.random.default_rng(0).normal(size=(2, 3, 500, 4)) * np.array([1.0, 1.0, 1.0, 2.0])
    directions = np.eye(4)
    found = sliced_wasserstein2(samples, directions)
    assert found.shape == (2, 3)
    each = [sliced_wasserstein2(samples[..., [k]], LINE) for k in range(4)]
    np.testing.assert_allclose(found, np.mean(each, axis=0), rtol=1e-12)
    assert np.all(each[3] > 0.5)
    assert np.all(each[0] < 0.05)


def test_refusals():
    with pytest.raises(ValueError, match="directions' dimension 2; got shape"):
        sliced_wasserstein2(np.zeros((5, 3)), np.eye(2))
    with pytest.raises(ValueError, match="NaN"):
        sliced_wasserstein2(np.full((5, 1), np.nan), LINE)
