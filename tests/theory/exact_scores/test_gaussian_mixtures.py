"""Mixtures of round clusters: derivatives of the density, integrals over x_0, and points as their limit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theory import EDM, GaussianMixture, PointMasses, VariancePreserving
from theory.exact_scores import point_masses

RANDOM = np.random.default_rng(3)
MEANS, VARIANCES, WEIGHTS = RANDOM.normal(size=(3, 2)), np.array([0.2, 0.0, 0.7]), np.array([0.5, 0.2, 0.3])
DATA, VP, TIME = GaussianMixture(MEANS, VARIANCES, WEIGHTS), VariancePreserving(), 0.4
PLACES = RANDOM.normal(size=(5, 2))


def test_density_is_the_noisy_mixture():
    alpha, sigma = (float(scale(jnp.asarray(TIME))) for scale in (VP.signal_scale, VP.noise_scale))
    total = alpha**2 * VARIANCES + sigma**2
    squared = np.sum((PLACES[:, None] - alpha * MEANS) ** 2, axis=-1)
    expected = np.log(np.exp(-squared / (2 * total)) / (2 * np.pi * total) @ WEIGHTS)
    np.testing.assert_allclose(DATA.log_density(PLACES, TIME, VP), expected, rtol=1e-12)


def test_score_and_proxy_covariance_are_derivatives_of_the_density():
    def log_density(x):
        return DATA.log_density(x, TIME, VP)

    sigma = float(VP.noise_scale(jnp.asarray(TIME)))
    gradient, hessian = jax.vmap(jax.grad(log_density))(PLACES), jax.vmap(jax.hessian(log_density))(PLACES)
    np.testing.assert_allclose(DATA.score(PLACES, TIME, VP), gradient, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(
        DATA.proxy_covariance(PLACES, TIME, VP), np.asarray(hessian) + np.eye(2) / sigma**2, rtol=1e-10, atol=1e-10
    )
    alpha = float(VP.signal_scale(jnp.asarray(TIME)))
    np.testing.assert_allclose(DATA.denoised(PLACES, TIME, VP), (PLACES + sigma**2 * gradient) / alpha, rtol=1e-11)


def test_posterior_moments_are_integrals_over_the_data():
    """Of clusters that all have a width, on a grid of x_0."""
    data, level = GaussianMixture(MEANS, 0.3, WEIGHTS), 0.6
    axis = np.arange(-6, 6, 0.05)
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    clean = np.exp(-np.sum((grid[:, None] - MEANS) ** 2, axis=-1) / 0.6) @ WEIGHTS
    for x in PLACES[:2]:
        mass = clean * np.exp(-np.sum((x - grid) ** 2, axis=1) / (2 * level**2))
        mean = mass @ grid / mass.sum()
        covariance = ((grid - mean) * mass[:, None]).T @ (grid - mean) / mass.sum()
        np.testing.assert_allclose(data.denoised(x, level, EDM()), mean, rtol=1e-9)
        np.testing.assert_allclose(data.posterior_covariance(x, level, EDM()), covariance, rtol=1e-9, atol=1e-12)


def test_clusters_without_width_are_points():
    points = PointMasses(MEANS)
    clusters = GaussianMixture(MEANS, 0.0)
    for name in ("posterior", "log_density", "denoised", "score", "posterior_covariance", "proxy_covariance"):
        found, expected = (getattr(data, name)(PLACES, 0.7, EDM()) for data in (clusters, points))
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-13, err_msg=name)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (([0.0, 1.0], 1.0), r"means must have shape \(m, D\); got shape \(2,\)"),
        (([[np.nan]], 1.0), "means must be finite"),
        (([[0.0]], -1.0), "variances must be finite and zero or more; got"),
        (([[0.0]], [1.0, 2.0]), r"variances must be one number, or one for each of the 1 means; got shape \(2,\)"),
        (([[0.0], [1.0]], 1.0, [1.0, 0.0]), "weights must be positive"),
        (([[0.0], [1.0]], 1.0, [0.5, 0.6]), "weights must have the sum one"),
    ],
)
def test_no_mixtures(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        GaussianMixture(*arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ([[np.inf], [1.0]], [1.0, 1.0], [0.5, 0.5]),
        ([[0.0], [1.0]], [1.0, -0.5], [0.5, 0.5]),
        ([[0.0], [1.0]], [1.0, 1.0], [0.0, 1.0]),
        ([[0.0], [1.0]], [1.0, 1.0], [1.0, 1.0]),
    ],
)
def test_traced_ones_that_are_no_mixtures_are_nan(arguments):
    """They have no values to refuse, and would be answered by numbers."""

    def log_density(*arguments):
        return GaussianMixture(*arguments).log_density(jnp.asarray([0.3]), 1.0, EDM())

    assert np.isnan(jax.jit(log_density)(*map(jnp.asarray, arguments)))


def test_places_of_another_dimension_and_times_without_noise():
    with pytest.raises(ValueError, match="coordinates"):
        DATA.score(np.ones((4, 3)), 0.5, EDM())
    with pytest.raises(ValueError, match="noise"):
        DATA.score(PLACES, 0.0, EDM())


@pytest.mark.slow
def test_many_positions_are_answered_a_few_at_a_time(monkeypatch):
    """With the same answers, and no array of positions times clusters times coordinates."""
    names = ("posterior", "log_density", "denoised", "score", "posterior_covariance", "proxy_covariance")
    together = {name: getattr(DATA, name)(PLACES, TIME, VP) for name in names}
    jax.clear_caches()
    monkeypatch.setattr(point_masses, "_MOST_NUMBERS", 2 * MEANS.size)
    for name, expected in together.items():
        np.testing.assert_allclose(getattr(DATA, name)(PLACES, TIME, VP), expected, rtol=1e-12, err_msg=name)
        made = jax.make_jaxpr(lambda x, name=name: getattr(DATA, name)(x, TIME, VP))(PLACES)
        assert "[5,3,2]" not in str(made), name
    jax.clear_caches()
