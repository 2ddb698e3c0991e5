"""Coefficients, equivalents and losses of random features: closed forms, an ODE, and limits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from theory import (
    FeatureMoments,
    Spectrum,
    equivalent_feature_moments,
    feature_coefficients,
    feature_losses,
    population_feature_moments,
)

RANDOM = np.random.default_rng(0)
DATA = Spectrum.from_variances([2.0, 0.8, 0.2])
WHITE = Spectrum.from_variances(np.ones(4))
SCALES = 0.8, 0.5


def test_sine_and_cosine_are_known():
    alpha, sigma = SCALES
    signal = alpha**2 * 1.0
    found = feature_coefficients(DATA, alpha, sigma, jnp.sin)
    slope = np.exp(-(signal + sigma**2) / 2)
    given = np.exp(-(sigma**2)) * (1 - np.exp(-2 * signal)) / 2  # E m²
    whole = (1 - np.exp(-2 * (signal + sigma**2))) / 2
    expected = slope, sigma * slope, given - slope**2 * signal, whole - given - sigma**2 * slope**2
    np.testing.assert_allclose(found[2:], expected, rtol=1e-12)
    even = feature_coefficients(DATA, alpha, sigma, jnp.cos)
    given = np.exp(-(sigma**2)) * (1 + np.exp(-2 * signal)) / 2
    whole = (1 + np.exp(-2 * (signal + sigma**2))) / 2
    mean = np.exp(-(signal + sigma**2) / 2)
    np.testing.assert_allclose(even[2:], [0, 0, given - mean**2, whole - given], atol=1e-13)


def test_values_of_the_papers_figure():
    """tanh at t = .01: another quadrature, formulas E."""
    found = feature_coefficients(WHITE, np.exp(-0.01), np.sqrt(-np.expm1(-0.02)))
    np.testing.assert_allclose(
        [found.noise**2, found.nonlinear, found.remainder], [0.00726, 0.02554, 0.001874], rtol=1e-3
    )
    np.testing.assert_allclose(found.noise, found.sigma * found.linear, rtol=1e-14)


def test_a_linear_activation_leaves_nothing_else():
    found = feature_coefficients(DATA, *SCALES, lambda y: 3 * y)
    np.testing.assert_allclose(found[2:], [3.0, 1.5, 0.0, 0.0], atol=1e-13)


def test_a_kink_costs_a_thousandth():
    """E f Y/Γ² of a rectifier is ½, and the parts are all of E f² less the square of its mean."""
    found = feature_coefficients(DATA, *SCALES, lambda y: jnp.maximum(y, 0.0))
    power = SCALES[0] ** 2 + SCALES[1] ** 2
    assert abs(found.linear - 0.5) < 1e-3
    total = SCALES[0] ** 2 * found.linear**2 + found.noise**2 + found.nonlinear + found.remainder
    np.testing.assert_allclose(total, power / 2 * (1 - 1 / np.pi), atol=2e-3)


def small_moments():
    weights, points, scatter = (RANDOM.normal(size=size) for size in ((6, 3), (9, 3), (6, 9)))
    found = feature_coefficients(DATA, *SCALES)
    return equivalent_feature_moments(found, weights, points, scatter), population_feature_moments(found, weights, DATA)


def test_losses_are_those_of_the_gradients_flow():
    (second, cross), (fresh_second, fresh_cross) = moments = small_moments()
    sigma, times = SCALES[1], [0.0, 0.7, 5.0, 40.0]
    features, dimension = cross.shape

    def slope(_, flat):
        weight = flat.reshape(dimension, features)
        moved = -2 * sigma**2 * dimension / features * weight @ second
        return np.ravel(moved - 2 * dimension * sigma / np.sqrt(features) * cross.T)

    path = solve_ivp(slope, (0, times[-1]), np.zeros(features * dimension), t_eval=times, rtol=1e-11, atol=1e-12)

    def loss(flat, second, cross):
        weight = flat.reshape(dimension, features) / np.sqrt(features)
        fit = sigma**2 * np.trace(weight @ second @ weight.T) + 2 * sigma * np.trace(weight @ cross)
        return 1 + fit / dimension

    found = feature_losses(*moments, sigma, times)
    np.testing.assert_allclose(found.train, [loss(flat, second, cross) for flat in path.y.T], rtol=1e-8)
    np.testing.assert_allclose(found.test, [loss(flat, fresh_second, fresh_cross) for flat in path.y.T], rtol=1e-8)


def test_ends_of_training():
    (second, cross), population = small_moments()
    found = feature_losses(FeatureMoments(second, cross), population, 0.5, jnp.asarray([0.0, jnp.inf]))
    assert found.train[0] == found.test[0] == 1
    least = 1 - np.trace(cross.T @ np.linalg.solve(second, cross)) / cross.shape[1]
    np.testing.assert_allclose(found.train[1], least, rtol=1e-10)


def test_an_eigenvalue_of_zero_learns_nothing():
    cross = jnp.asarray([[1.0], [0.0]])
    moments = FeatureMoments(jnp.diag(jnp.asarray([1.0, 0.0])), cross)
    found = feature_losses(moments, moments, 1.0, jnp.inf)
    np.testing.assert_allclose(found, 0.0, atol=1e-15)


def test_traced_times_below_zero_are_nan():
    found = jax.jit(lambda tau: feature_losses(small_moments()[0], small_moments()[0], 0.5, tau).train)
    assert np.isnan(found(jnp.asarray([-1.0, 1.0, np.nan]))).tolist() == [True, False, True]


def test_what_round_off_leaves_of_a_zero_learns_nothing():
    basis = np.linalg.qr(np.random.default_rng(1).normal(size=(5, 5)))[0]
    second = basis @ np.diag([2.0, 1.0, 0.5, 1e-17, -1e-17]) @ basis.T
    moments = FeatureMoments(jnp.asarray(second), jnp.asarray(basis[:, :3]))
    late = np.asarray(feature_losses(moments, moments, 1.0, jnp.asarray([1e6, 1e30, jnp.inf])).train)
    np.testing.assert_allclose(late, late[-1], rtol=1e-9)


def test_many_points_are_the_population():
    weights = RANDOM.normal(size=(6, 3))
    points = RANDOM.normal(size=(200000, 3)) * np.sqrt(np.asarray(DATA.variance))
    found = feature_coefficients(DATA, *SCALES)
    own = equivalent_feature_moments(found, weights, points, RANDOM.normal(size=(6, 200000)))
    fresh = population_feature_moments(found, weights, DATA)
    np.testing.assert_allclose(own.second, fresh.second, atol=0.02)
    np.testing.assert_array_equal(own.cross, fresh.cross)


def test_population_in_another_basis():
    basis = np.linalg.qr(RANDOM.normal(size=(3, 3)))[0]
    turned = Spectrum(jnp.zeros(3), DATA.variance, basis)
    weights, found = RANDOM.normal(size=(6, 3)), feature_coefficients(DATA, *SCALES)
    first = population_feature_moments(found, weights @ basis.T, turned)
    np.testing.assert_allclose(first.second, population_feature_moments(found, weights, DATA).second, atol=1e-14)


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        (lambda: feature_coefficients(DATA, 0.0, 0.5), "alpha must be positive"),
        (lambda: feature_coefficients(DATA, 0.8, np.nan), "sigma must be positive"),
        (lambda: feature_coefficients(Spectrum(jnp.zeros(2), jnp.zeros(2)), 0.8, 0.5), "above zero in some mode"),
        (lambda: feature_coefficients(DATA, 0.8, 0.5, jnp.log), "finite on the real line"),
        (
            lambda: equivalent_feature_moments(
                feature_coefficients(DATA, *SCALES), np.ones((6, 3)), np.ones((9, 2)), np.ones((6, 9))
            ),
            "must fit",
        ),
        (
            lambda: population_feature_moments(feature_coefficients(DATA, *SCALES), np.ones((6, 2)), DATA),
            "must have 3 columns",
        ),
        (lambda: feature_losses(*small_moments(), 0.5, -1.0), "training time"),
        (
            lambda: feature_losses(small_moments()[0], FeatureMoments(jnp.eye(2), jnp.ones((2, 3))), 0.5, 1.0),
            "those of the population too",
        ),
    ],
)
def test_refused(question, sentence):
    with pytest.raises(ValueError, match=sentence):
        question()
