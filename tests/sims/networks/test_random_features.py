"""Averages of random features over noise: quadrature of their definition, Monte Carlo, and what series leave out."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import multivariate_normal

from sims.networks.random_features import feature_averages, population_averages

RANDOM = np.random.default_rng(0)
WEIGHTS, POINTS = RANDOM.normal(size=(6, 5)), RANDOM.normal(size=(3, 5))
SCALES = 0.9, 0.43


def test_a_pair_by_quadrature_in_two_dimensions():
    alpha, sigma = SCALES
    first, second = WEIGHTS[:2]
    centre = alpha * WEIGHTS[:2] @ POINTS[0] / np.sqrt(5)
    covariance = sigma**2 * WEIGHTS[:2] @ WEIGHTS[:2].T / 5
    axis = np.linspace(-6, 6, 601)
    places = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1)
    density = multivariate_normal(centre, covariance).pdf(places) * (axis[1] - axis[0]) ** 2
    values = np.tanh(places)
    expected = np.array([[np.sum(density * values[..., i] * values[..., j]) for j in (0, 1)] for i in (0, 1)])
    found = feature_averages(jnp.asarray(WEIGHTS), jnp.asarray(POINTS[:1]), alpha, sigma)
    np.testing.assert_allclose(found.second[:2, :2], expected, atol=1e-9)
    slopes = np.sum(density[..., None] * (1 - values**2), axis=(0, 1))
    expected = sigma * slopes[:, None] * np.stack([first, second]) / np.sqrt(5)
    np.testing.assert_allclose(found.cross[:2], expected, atol=1e-9)


def test_drawn_noise_has_these_averages():
    alpha, sigma, draws = *SCALES, 40000
    noise = RANDOM.normal(size=(draws, 5))
    values = np.stack([np.tanh((alpha * x + sigma * noise) @ WEIGHTS.T / np.sqrt(5)) for x in POINTS], axis=1)
    found = feature_averages(jnp.asarray(WEIGHTS), jnp.asarray(POINTS), alpha, sigma)
    _assert_mean(np.einsum("nki,nkj->nij", values, values) / 3, found.second)
    _assert_mean(np.einsum("nki,nj->nij", values, noise) / 3, found.cross)


def test_drawn_data_have_the_averages_of_the_population():
    alpha, sigma, draws = *SCALES, 40000
    variance = np.array([2.0, 1.0, 0.5, 0.3, 1.2])
    noise = RANDOM.normal(size=(draws, 5))
    values = np.tanh((alpha * RANDOM.normal(size=noise.shape) * np.sqrt(variance) + sigma * noise) @ WEIGHTS.T / 5**0.5)
    found = population_averages(jnp.asarray(WEIGHTS), jnp.asarray(variance), alpha, sigma)
    _assert_mean(values[:, :, None] * values[:, None], found.second)
    _assert_mean(values[:, :, None] * noise[:, None], found.cross)
    assert found.left_out < 1e-6


def _assert_mean(samples, expected):
    error = samples.std(axis=0) / np.sqrt(len(samples))
    assert np.all(np.abs(samples.mean(axis=0) - expected) < 4.5 * error)


def test_what_few_orders_leave_out_bounds_their_error():
    exact = feature_averages(jnp.asarray(WEIGHTS), jnp.asarray(POINTS), *SCALES, orders=40).second
    for orders in (2, 4, 6):
        found = feature_averages(jnp.asarray(WEIGHTS), jnp.asarray(POINTS), *SCALES, orders=orders)
        assert 1e-16 < np.abs(found.second - exact).max() <= found.left_out + 1e-14
    np.testing.assert_allclose(jnp.diag(found.second), jnp.diag(exact), rtol=1e-12)


def test_points_beyond_one_block():
    """One hundred and thirty of them: means of the parts."""
    many = RANDOM.normal(size=(130, 5))
    whole = feature_averages(jnp.asarray(WEIGHTS), jnp.asarray(many), *SCALES)
    first, second = (
        feature_averages(jnp.asarray(WEIGHTS), jnp.asarray(part), *SCALES) for part in (many[:50], many[50:])
    )
    np.testing.assert_allclose(whole.second, (5 * first.second + 8 * second.second) / 13, atol=1e-13)
    np.testing.assert_allclose(whole.cross, (5 * first.cross + 8 * second.cross) / 13, atol=1e-13)


def test_refused():
    with pytest.raises(ValueError, match="one dimension"):
        feature_averages(jnp.asarray(WEIGHTS), jnp.ones((3, 4)), *SCALES)
    with pytest.raises(ValueError, match="orders must be"):
        feature_averages(jnp.asarray(WEIGHTS), jnp.asarray(POINTS), *SCALES, orders=0)
