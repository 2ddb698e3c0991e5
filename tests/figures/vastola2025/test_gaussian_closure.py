"""The cost of the Gaussian closure where it is known."""

import jax
import numpy as np
import pytest
from scipy.stats import norm, wasserstein_distance

from figures.vastola2025.gaussian_closure import experiment
from sims.measurements.distances import cumulative
from tests.oracles.known_ensembles import points_between


def test_closure_distance_is_that_of_the_pooled_samples():
    """W_1 between averages over models, not the average of distances between models."""
    random = np.random.default_rng(13)
    grid = experiment._GRID
    first, second = (points_between(random, grid, low, low + 3, (8, 5)) for low in (-3.0, -2.0))
    found = experiment._distance(cumulative(first, grid), cumulative(second, grid))
    np.testing.assert_allclose(found, wasserstein_distance(first.ravel(), second.ravel()), rtol=1e-9)
    shifted = experiment._distance(cumulative(first, grid), cumulative(first[::-1] + 0.75, grid))
    np.testing.assert_allclose(shifted, 0.75, rtol=1e-9)


@pytest.mark.parametrize("spreads", [(0.5, 0.05), (0.05, 0.5), (0.4, 0.3)])
def test_bootstrap_error_of_the_closure_distance_is_its_scatter(spreads):
    """Ensembles whose models are shifted at random, either of them more than the other: √[(s² + s'²)/models]."""
    random = np.random.default_rng(14)
    grid, models = experiment._GRID, 30
    distances, errors = [], []
    for _ in range(60):
        pair = [
            cumulative(random.normal(size=(models, 1)) * spread + centre + np.linspace(-0.5, 0.5, 5), grid)
            for spread, centre in zip(spreads, (0.0, 2.0), strict=True)
        ]
        distances.append(experiment._distance(*pair))
        errors.append(experiment._bootstrap_stderr(*pair, 100, random))
    error = np.sqrt(np.mean(np.square(errors)))
    np.testing.assert_allclose(error, np.hypot(*spreads) / np.sqrt(models), rtol=0.1)
    np.testing.assert_allclose(error, np.std(distances, ddof=1), rtol=0.3)


def test_bootstrap_of_the_closure_distance_resamples_ensembles_independently():
    """Of an ensemble and its own copy, shifted: in pairs, the distance would not vary at all."""
    random = np.random.default_rng(21)
    grid, centres = experiment._GRID, random.normal(size=(40, 1))
    pair = [cumulative(shift + 0.5 * centres, grid) for shift in (-2.0, 2.0)]
    error = experiment._bootstrap_stderr(*pair, 400, random)
    np.testing.assert_allclose(error, np.sqrt(2 / 40) * 0.5 * centres.std(), rtol=0.15)


def test_closure_of_weights_that_are_plus_or_minus_one():
    """Models that generate their weight, ±1, and Gaussian ones N(0, 1): W_1 is E||Z| - 1|, gaps are those of Z."""
    random = np.random.default_rng(15)
    weights = np.where(random.permutation(1000) < 500, -1.0, 1.0)[:, None, None]
    config = experiment.Config(null_draws=99, permutations=40)
    found = experiment._closure(config, weights, lambda values: values, lambda values: values, jax.random.key(1))
    # 2 [∫_0^1 (1 - z) φ(z) dz + ∫_1^∞ (z - 1) φ(z) dz]
    expected = 2 * (2 * norm.cdf(1) - 1.5 + 2 * norm.pdf(1) - norm.pdf(0))
    stderr = float(found["wasserstein1_stderr"])
    assert 0 < stderr < 0.1 * expected
    np.testing.assert_allclose(found["wasserstein1"], expected, atol=3 * stderr)
    assert found["wasserstein1_null"].shape == (40,)
    assert found["wasserstein1_null"].max() < 0.6 * expected
    share = 2 * (norm.cdf(0.75) - norm.cdf(0.25))
    np.testing.assert_allclose(found["gap"].mean(), 0)
    np.testing.assert_allclose(found["gap_surrogate"].mean(), share, atol=3 * np.sqrt(share * (1 - share) / 1000))
    np.testing.assert_allclose(found["p_value"], 0.01)
    assert found["p_value_surrogate"].item() > 0.02
