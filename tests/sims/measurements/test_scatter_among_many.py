"""The scatter of targets in blocks, against theory's sum over all sets of references."""

import jax.numpy as jnp
import numpy as np
import pytest

from sims.measurements import scatter_among_many
from sims.measurements.scatter_among_many import target_scatter_among_many
from theory import EDM, PointMasses
from theory.target_noise.target_variance import target_variance

POINTS = np.array([[0.0, 0.1], [1.0, 0.2], [-0.3, 0.8], [1.5, -1.0], [-1.2, -0.4]], np.float32)
LEVELS, REFERENCES = np.array([0.3, 1.0, 3.0]), (1, 2, 4)


def scatter(draws, seed=0, points=POINTS, references=REFERENCES, levels=LEVELS):
    generator = np.random.default_rng([seed])
    return target_scatter_among_many(points, levels, references, draws=draws, generator=generator)


def test_scatter_is_that_of_all_sets_of_references():
    found = [scatter(64, seed) for seed in range(12)]
    data = PointMasses(jnp.asarray(POINTS, float))
    exact = np.stack([LEVELS**2 * np.asarray(target_variance(data, EDM(), LEVELS, number)) for number in REFERENCES])
    for part, expected in (("scatter", exact), ("posterior", exact[0])):
        values = np.stack([getattr(each, part) for each in found])
        error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
        np.testing.assert_array_less(np.abs(values.mean(axis=0) - expected), 5 * error)
        assert np.all(error < 0.25 * expected)


def test_all_points_as_references_leave_nothing():
    np.testing.assert_allclose(scatter(16, references=(1, 5)).scatter[1], 0.0, atol=1e-12)


def test_points_of_a_pair_are_told_apart_far_from_the_others():
    """Squares of distances of 1e-8 beside those of the points, which are 1: lost in single precision."""
    pair = np.array([[0.5, 0.5], [0.5 + 1e-4, 0.5], [-0.5, -0.5]], np.float32)
    levels = np.array([1e-5, 5e-5])
    found = scatter(256, points=pair, levels=levels, references=(1,))
    data = PointMasses(jnp.asarray(pair, float))
    exact = levels**2 * np.asarray(target_variance(data, EDM(1e-6), levels))
    np.testing.assert_allclose(found.posterior[1], exact[1], rtol=0.1)
    assert found.posterior[0] < 1e-3


def test_blocks_do_not_change_what_is_measured(monkeypatch):
    points = np.random.default_rng(1).normal(size=(40, 3)).astype(np.float32)
    whole = scatter(8, points=points)
    monkeypatch.setattr(scatter_among_many, "_ROWS", 7)
    monkeypatch.setattr(scatter_among_many, "_NO_WEIGHT", 0.0)
    for mine, theirs in zip(scatter(8, points=points), whole, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4)


def test_draws_are_spread_over_distances_and_all_points_are_as_likely():
    squared, generator = np.array([3.0, 1.0, 2.0, 5.0]), np.random.default_rng(2)
    drawn = np.stack([scatter_among_many._drawn(squared, 6, generator) for _ in range(2000)])
    shares = np.bincount(drawn.ravel(), minlength=4) / drawn.size
    np.testing.assert_allclose(shares, 0.25, atol=0.01)
    assert np.all(np.diff(squared[drawn], axis=1) >= 0)
    assert all(np.unique(row).size == 4 for row in drawn)


def test_references_are_x0_and_others_none_twice():
    generator = np.random.default_rng(3)
    drawn = np.stack([scatter_among_many._members(generator, 2, 3, 5) for _ in range(2000)])
    assert np.all(drawn[:, 0] == 2)
    assert all(np.unique(row).size == 3 for row in drawn)
    second = np.bincount(drawn[:, 1], minlength=5) / len(drawn)
    np.testing.assert_allclose(second, [0.25, 0.25, 0.0, 0.25, 0.25], atol=0.05)


def test_what_is_refused():
    with pytest.raises(ValueError, match="at most the number of points, 5; got 6"):
        scatter(8, references=(6,))
    with pytest.raises(ValueError, match="references must be a whole number"):
        scatter(8, references=(0,))
    with pytest.raises(ValueError, match="draws must be a whole number"):
        scatter(0)
