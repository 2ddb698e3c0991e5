"""Covariance of the mean over references: from its definition, as the target's variance, and in trained ensembles."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest

from tests.oracles import v_kernels as oracles
from theory import EDM, LinearVKernel, PointMasses, StableCovariance, VariancePreserving, target_variance
from theory.definitions.targets import DenoiserTarget

POINTS = np.array([[0.0, 0.0], [1.0, 0.3], [-0.4, 0.9], [0.2, -1.1]])
DATA, VP, TIME = PointMasses(POINTS), VariancePreserving(), 0.4


def by_definition(x, alpha, sigma, references, replace):
    """Every x_0, by its posterior, and every tuple of references beside it."""
    likelihood = np.exp(-np.sum((x - alpha * POINTS) ** 2, axis=1) / (2 * sigma**2))
    found, chances = [], []
    for own in range(4):
        others = range(4) if replace else [k for k in range(4) if k != own]
        choose = itertools.product(others, repeat=references - 1)
        tuples = list(choose if replace else itertools.permutations(others, references - 1))
        for beside in tuples:
            members = [own, *beside]
            found.append(likelihood[members] @ POINTS[members] / likelihood[members].sum())
            chances.append(likelihood[own] / likelihood.sum() / len(tuples))
    found, chances = np.array(found), np.array(chances)
    away = found - chances @ found
    return (away * chances[:, None]).T @ away


@pytest.mark.parametrize(
    ("references", "replace"), [(1, False), (2, False), (3, False), (4, False), (2, True), (3, True)]
)
def test_covariance_is_that_of_its_definition(references, replace):
    alpha, sigma = (float(scale(jnp.asarray(TIME))) for scale in (VP.signal_scale, VP.noise_scale))
    covariance = StableCovariance(DATA, VP, references, replace)
    places = np.array([[0.1, 0.2], [0.6, -0.3], [30.0, -20.0]])
    found = covariance(jnp.asarray(places), jnp.full(3, TIME))
    expected = [by_definition(x, alpha, sigma, references, replace) for x in places[:2]]
    np.testing.assert_allclose(found[:2], expected, rtol=1e-10, atol=1e-14)
    assert np.all(np.isfinite(found))
    if references == 1:
        np.testing.assert_allclose(found, DATA.posterior_covariance(places, TIME, VP), rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("references", [1, 2])
def test_its_mean_trace_is_the_targets_variance(references):
    data, level = PointMasses([[0.0], [0.7], [2.0]]), 0.5
    grid = np.arange(-5.0, 7.0, 0.01)[:, None]
    density = np.exp(data.log_density(grid, level, EDM()))
    trace = StableCovariance(data, EDM(), references)(jnp.asarray(grid), jnp.full(len(grid), level))[:, 0, 0]
    expected = level**4 * target_variance(data, EDM(), level, references)
    np.testing.assert_allclose(0.01 * density @ trace, expected, rtol=1e-9)


def test_refused():
    with pytest.raises(ValueError, match="at most the number of points, 4, unless replace; got 5"):
        StableCovariance(DATA, VP, 5)
    with pytest.raises(ValueError, match="coordinates"):
        StableCovariance(DATA, VP, 2)(jnp.ones((3, 1)), jnp.full(3, TIME))


@pytest.mark.slow
def test_what_references_take_from_the_covariance_of_ridge_fits():
    """Of two fits to the same inputs the target with references has less noise, and its mean is that of the other's.

    So their difference has the difference of both kernels, of which at leading order only the target's noise is left.
    """
    models, count, ridge, rng = 200, 4000, 0.1, np.random.default_rng(2)
    points, process = oracles.TRIPLE, oracles.VP
    clean, _, time, x = oracles.draw(rng, points, models * count)
    alpha, sigma = (scale[:, None] for scale in oracles.scales(time))
    other = points[rng.integers(0, len(points), models * count)]
    odds = np.sum((x - alpha * clean) ** 2 - (x - alpha * other) ** 2, axis=1, keepdims=True) / (2 * sigma**2)
    lost = (clean - other) / (1 + np.exp(np.clip(-odds, -500, 500)))  # x_0 less its mean with the other
    data, features = PointMasses(points), oracles.small_features(1)
    weights = oracles.ridge_fits(features, x, time, lost, (alpha / sigma)[:, 0] ** 2, models, ridge)
    options = {"order": "leading", "population": oracles.coarse_population(points)}
    covariances = (None, StableCovariance(data, process, 2, replace=True))
    alone, stable = (
        LinearVKernel(data, process, features, count, ridge, clean_covariance=each, **options) for each in covariances
    )

    class Difference:
        def score_covariance(self, *at):
            return alone.score_covariance(*at) - stable.score_covariance(*at)

    z = oracles.places(np.random.default_rng(3), points, 12)
    score = np.einsum("mif,nf->mni", weights, np.asarray(features(*z)))
    assert np.max(np.abs(score.mean(axis=0)) / score.std(axis=0)) < 5 / np.sqrt(models)
    error, ratio = oracles.in_standard_errors(Difference(), features, weights, z, DenoiserTarget())
    assert np.sqrt(np.mean(error**2)) < 1.5
    assert abs(ratio - 1) < 2 * np.sqrt(2 / models)
    assert oracles.in_standard_errors(alone, features, weights, z, DenoiserTarget())[1] < 0.7
