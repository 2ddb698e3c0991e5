"""Path nats of maps against sampled errors, and a constant map in closed form."""

import numpy as np
import pytest

from sims.measurements.path_nats import excess_path_nats

LEVELS = np.geomspace(0.1, 10.0, 41)[::-1]


def test_maps_of_nothing_lose_what_is_known_in_closed_form():
    """W = 0: ∫ λ²/(λ + σ²) σ^-3 dσ = ½[λ/σ² - ln(1 + λ/σ²)] between the levels."""
    variance = np.array([3.0, 0.2])
    ratio = variance / np.array([0.1, 10.0])[:, None] ** 2
    expected = -np.diff((ratio - np.log1p(ratio)) / 2, axis=0)[0]
    np.testing.assert_allclose(excess_path_nats(np.zeros((41, 2, 2)), np.diag(variance), LEVELS), expected, rtol=1e-4)
    same = excess_path_nats(np.zeros((41, 3, 2, 2)), np.diag(variance), LEVELS[::-1])
    np.testing.assert_allclose(same, np.broadcast_to(expected, (3, 2)), rtol=1e-4)


def test_one_level_is_the_sampled_error():
    """By samples of data whose covariance is not diagonal, and maps that are not symmetric."""
    rng = np.random.default_rng(0)
    covariance, maps = np.array([[1.0, 0.5], [0.5, 0.8]]), rng.normal(size=(1, 2, 2))
    levels = np.geomspace(0.5, 0.5002, 3)
    nats = excess_path_nats(np.repeat(maps, 3, axis=0), covariance, levels) / np.log(levels[-1] / levels[0])
    clean = rng.multivariate_normal(np.zeros(2), covariance, size=400_000)
    noisy = clean + 0.5 * rng.normal(size=clean.shape)
    best = covariance @ np.linalg.inv(covariance + 0.25 * np.eye(2))
    error = np.mean((noisy @ (maps[0] - best).T) ** 2, axis=0) / 0.25
    np.testing.assert_allclose(nats, error, rtol=0.01)


def test_what_is_refused():
    with pytest.raises(ValueError, match="must be an odd number of positive ones"):
        excess_path_nats(np.zeros((40, 2, 2)), np.eye(2), LEVELS[1:])
    with pytest.raises(ValueError, match="must be equally spaced in their logarithm"):
        excess_path_nats(np.zeros((3, 2, 2)), np.eye(2), np.array([1.0, 2.0, 3.0]))
    with pytest.raises(ValueError, match="must be one per noise level"):
        excess_path_nats(np.zeros((3, 2, 2)), np.eye(2), LEVELS)
