"""Samples of a smoothed score: where they end without smoothing, and with so much that only one point is left."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sims.sampling.smoothed_scores import smoothed_empirical_score, smoothed_score_samples
from theory import EDM, PointMasses
from theory.target_noise.score_smoothing import smoothed_score

POINTS = jnp.asarray([[0.0, 0.0], [1.0, 0.5], [-1.0, 1.5]])
LEVELS = jnp.geomspace(3.0, 0.01, 60)
KEY = jax.random.key(4)


def test_the_score_is_that_of_theory():
    x, draws = jax.random.normal(KEY, (5, 2)), jax.random.normal(jax.random.fold_in(KEY, 1), (7, 2))
    for sigma in (0.3, 0.02):
        found = smoothed_empirical_score(POINTS, x, sigma, 0.4 * draws, jnp.full(7, 1 / 7))
        expected = smoothed_score(PointMasses(POINTS), x, sigma, EDM(), 0.4, draws)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_without_smoothing_samples_are_the_points():
    """A third of them each, to four standard errors."""
    samples = smoothed_score_samples(POINTS, LEVELS, 0.0, pairs=1, count=600, key=KEY)
    apart = np.linalg.norm(np.asarray(samples)[:, None] - np.asarray(POINTS), axis=-1)
    assert apart.min(axis=1).max() < 1e-6
    shares = np.bincount(apart.argmin(axis=1), minlength=3) / 600
    assert np.abs(shares - 1 / 3).max() < 4 * np.sqrt(2 / 9 / 600) + 0.03


def test_smoothing_over_all_points_leaves_their_mean():
    """h far above the distances of two points, whose line is seen as flat: D_h = mean + small."""
    pair = jnp.asarray([[-0.1, 0.0], [0.1, 0.0]])
    samples = np.asarray(smoothed_score_samples(pair, LEVELS, 3.0, pairs=200, count=50, key=KEY))
    assert np.abs(samples[:, 0]).max() < 0.05
    np.testing.assert_allclose(samples[:, 1], 0.0, atol=1e-10)


def test_what_is_refused():
    with pytest.raises(ValueError, match="bandwidth must be zero or more"):
        smoothed_score_samples(POINTS, LEVELS, -1.0, pairs=1, count=2, key=KEY)
    with pytest.raises(ValueError, match="pairs must be a whole number"):
        smoothed_score_samples(POINTS, LEVELS, 0.1, pairs=0, count=2, key=KEY)
    with pytest.raises(ValueError, match="strictly monotone"):
        smoothed_score_samples(POINTS, jnp.asarray([1.0, 1.0]), 0.1, pairs=1, count=2, key=KEY)


@pytest.mark.parametrize(
    ("levels", "bandwidth", "sentence"),
    [
        ([0.1, 1.0], 0.1, "must be positive and fall"),
        ([1.0, 0.0], 0.1, "must be positive"),
        ([1.0, 0.1], np.inf, "finite"),
    ],
)
def test_what_would_give_no_numbers_is_refused(levels, bandwidth, sentence):
    with pytest.raises(ValueError, match=sentence):
        smoothed_score_samples(
            jnp.ones((2, 1)), jnp.asarray(levels), bandwidth, pairs=2, count=3, key=jax.random.key(0)
        )
