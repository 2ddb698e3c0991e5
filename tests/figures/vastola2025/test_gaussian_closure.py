"""The cost of the Gaussian closure and the shape of scores, where they are known."""

import jax
import numpy as np
from scipy.stats import norm

from figures.vastola2025.gaussian_closure import experiment, statistics


def test_closure_of_weights_that_are_plus_or_minus_one():
    """Models that generate their weight, ±1, and Gaussian ones: ∫ (F - Φ)² dx, and gaps are those of N(0, 1)."""
    random = np.random.default_rng(15)
    weights = np.where(random.permutation(1000) < 500, -1.0, 1.0)[:, None, None]
    config = experiment.Config(null_draws=99)
    found = experiment._closure(config, weights, lambda values: values, lambda values: values, jax.random.key(1))
    fine = np.linspace(-6, 6, 12001)
    steps = 0.5 * (fine >= -1) + 0.5 * (fine >= 1)
    expected = np.sqrt(np.trapezoid((steps - norm.cdf(fine)) ** 2, fine))
    data = {name: value[None] for name, value in found.items()}
    distance = statistics.closure_distance(data, 0)
    np.testing.assert_allclose(distance.centre, expected, rtol=0.1)
    assert distance.interval[0] > 0
    share = 2 * (norm.cdf(0.75) - norm.cdf(0.25))
    np.testing.assert_allclose(found["gap"].mean(), 0)
    np.testing.assert_allclose(found["gap_surrogate"].mean(), share, atol=3 * np.sqrt(share * (1 - share) / 1000))
    np.testing.assert_allclose(found["p_value"], 0.01)
    assert found["p_value_surrogate"].item() > 0.02
    # Of ±1 with equal weights: no skewness, excess kurtosis -2.
    np.testing.assert_allclose(found["kurtosis"].mean(), -2, atol=0.05)
    np.testing.assert_allclose(found["skewness"].mean(), 0, atol=0.15)


def test_shapes_of_gaussian_values_are_zero_and_of_exponential_ones_are_not():
    """At 50 independent points, 600 models: squared root mean squares scatter about zero, and about 2 and 6."""
    random = np.random.default_rng(16)
    gaussian = [experiment._shape(random.normal(size=(600, 50, 1))) for _ in range(20)]
    data = {"skewness": np.stack([one["skewness"] for one in gaussian]), "skewness_mlp": gaussian[0]["skewness"]}
    squared = np.array([one.squared for one in statistics.shape_of(data, "skewness")[:20]])
    assert abs(squared.mean()) < 4 * squared.std(ddof=1) / np.sqrt(20)
    skewed = experiment._shape(random.exponential(size=(6000, 50, 1)))
    data = {name: value[None] for name, value in skewed.items()} | {f"{name}_mlp": v for name, v in skewed.items()}
    for name, expected in (("skewness", 2.0), ("kurtosis", 6.0)):
        np.testing.assert_allclose(statistics.shape_of(data, name)[0].centre, expected, rtol=0.12)
