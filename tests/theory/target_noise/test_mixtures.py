"""The target's variance of round clusters: closed forms, quadrature of definitions, and draws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate

from theory import (
    EDM,
    GaussianMixture,
    PointMasses,
    Spectrum,
    VariancePreserving,
    gaussian_information,
    sampled_target_variance,
    stable_target_log_tilt,
    target_variance,
)

PAIR = GaussianMixture([[-1.0], [0.8]], 0.3, [0.4, 0.6])


def normal(x, mean, variance):
    return np.exp(-((x - mean) ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)


def clean(x):
    return 0.4 * normal(x, -1.0, 0.3) + 0.6 * normal(x, 0.8, 0.3)


def by_quadrature(sigma, integrand):
    """∫∫ p(x_0) p(x|x_0) f(x_0, x) on a grid."""
    own = np.linspace(-7, 7, 1401)[:, None]
    x = np.linspace(-7 - 9 * sigma, 7 + 9 * sigma, 3001)[None]
    joint = clean(own) * normal(x, own, sigma**2)
    return integrate.trapezoid(integrate.trapezoid(joint * integrand(own, x), x[0], axis=1), own[:, 0])


def score(x, sigma):
    masses = [w * normal(x, m, 0.3 + sigma**2) for w, m in ((0.4, -1.0), (0.6, 0.8))]
    return sum(mass * (m - x) for mass, m in zip(masses, (-1.0, 0.8), strict=True)) / (0.3 + sigma**2) / sum(masses)


@pytest.mark.parametrize("sigma", [0.3, 1.2])
def test_variance_without_references_is_its_integral(sigma):
    expected = by_quadrature(sigma, lambda own, x: ((own - x) / sigma**2 - score(x, sigma)) ** 2)
    np.testing.assert_allclose(target_variance(PAIR, EDM(), sigma), expected, rtol=1e-8)


@pytest.mark.parametrize("sigma", [0.5, 1.2])
def test_tilt_is_its_integral(sigma):
    """E r|u - s|²/V_DSM with r = p(x|x_0)/p(x)."""

    def integrand(own, x):
        noisy = 0.4 * normal(x, -1.0, 0.3 + sigma**2) + 0.6 * normal(x, 0.8, 0.3 + sigma**2)
        return normal(x, own, sigma**2) / noisy * ((own - x) / sigma**2 - score(x, sigma)) ** 2

    expected = np.log(by_quadrature(sigma, integrand) / float(target_variance(PAIR, EDM(), sigma)))
    np.testing.assert_allclose(stable_target_log_tilt(PAIR, EDM(), sigma), expected, rtol=1e-7)


def test_tilt_of_one_cluster_is_twice_its_information():
    levels = jnp.asarray([0.05, 0.5, 3.0])
    for dimension in (1, 7):
        spectrum = Spectrum(jnp.zeros(dimension), jnp.full(dimension, 1.7))
        found = stable_target_log_tilt(GaussianMixture(np.ones((1, dimension)), 1.7), EDM(), levels)
        np.testing.assert_allclose(found, 2 * gaussian_information(spectrum, EDM(), levels), rtol=1e-9)


def test_tilt_of_two_clusters_in_many_dimensions():
    """½ N(± e_1, .01) in 64 dimensions: the values of formulas D, by another quadrature."""
    data = GaussianMixture(np.outer([1.0, -1.0], np.eye(64)[0]), 0.01)
    levels = np.array([0.1, 0.3, 0.5, 1.0, 2.0])
    found = np.exp(stable_target_log_tilt(data, EDM(), levels))
    np.testing.assert_allclose(found, [3.7e19, 1688, 21.9, 2.26, 1.18], rtol=6e-3)
    variance = levels**2 * target_variance(data, EDM(), levels)
    np.testing.assert_allclose(variance, [32.00, 6.42, 2.739, 1.077, 0.358], rtol=2e-3)


def test_tilt_between_far_clusters_is_refused_by_nan():
    data = GaussianMixture([[-1e4], [1e4]], 1e-4)
    assert np.isnan(stable_target_log_tilt(data, EDM(), 1e-3))
    assert np.isfinite(stable_target_log_tilt(data, EDM(), 1e5))


def test_variance_in_units_of_the_signal():
    """x_t/α is x_0 with the noise σ/α."""
    process, time = VariancePreserving(), 0.3
    alpha, sigma = (float(scale(jnp.asarray(time))) for scale in (process.signal_scale, process.noise_scale))
    ratio = sigma / alpha
    np.testing.assert_allclose(
        target_variance(PAIR, process, time) * sigma**2, target_variance(PAIR, EDM(), ratio) * ratio**2, rtol=1e-12
    )
    found = [stable_target_log_tilt(PAIR, *each) for each in ((process, time), (EDM(), ratio))]
    np.testing.assert_allclose(*found, rtol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("replace", [False, True])
def test_draws_have_the_exact_variance_of_points(replace):
    data, levels = PointMasses([[0.0], [0.5], [2.0]]), jnp.asarray([0.3, 1.0])
    for references in (1, 2, 3):
        found = sampled_target_variance(
            data, EDM(), levels, references, replace, draws=40000, key=jax.random.key(references)
        )
        expected = target_variance(data, EDM(), levels, references, replace)
        assert np.all(np.abs(found.value - expected) <= 4 * found.stderr + 1e-12)
        assert np.all(found.stderr <= 0.02 * target_variance(data, EDM(), levels))


def test_draws_have_the_exact_variance_and_the_tilt_of_clusters():
    levels, count = jnp.asarray([0.7, 2.0]), 128
    alone = sampled_target_variance(PAIR, EDM(), levels, draws=20000, key=jax.random.key(0))
    expected = target_variance(PAIR, EDM(), levels)
    assert np.all(np.abs(alone.value - expected) <= 4 * alone.stderr)
    many = sampled_target_variance(PAIR, EDM(), levels, count, draws=40000, key=jax.random.key(1))
    tilt, error = (count - 1) * many.value / expected, (count - 1) * many.stderr / expected
    limit = np.exp(stable_target_log_tilt(PAIR, EDM(), levels))
    assert np.all(np.abs(tilt - limit) <= 4 * error + 0.1 * limit)  # what is left of 1/n
    assert np.all(error < 0.02 * limit)


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        (lambda: target_variance(PAIR, EDM(), 1.0, 2), "sampled_target_variance draws it; got 2"),
        (lambda: target_variance(GaussianMixture([[0.0], [1.0]], [1.0, 2.0]), EDM(), 1.0), "clusters of one variance"),
        (lambda: target_variance(GaussianMixture(np.eye(5), 1.0), EDM(), 1.0), "got 5 points in 5 dimensions"),
        (lambda: stable_target_log_tilt(GaussianMixture(np.eye(3), 1.0), EDM(), 1.0), "got 3 in 3 dimensions"),
        (lambda: stable_target_log_tilt(PAIR, EDM(), 0.0), "noise"),
        (
            lambda: sampled_target_variance(PAIR, EDM(), 1.0, draws=1, key=jax.random.key(0)),
            "draws",
        ),
        (
            lambda: sampled_target_variance(PointMasses([[0.0]]), EDM(), 1.0, 2, draws=4, key=jax.random.key(0)),
            "at most the number of points, 1",
        ),
    ],
)
def test_refused(question, sentence):
    with pytest.raises(ValueError, match=sentence):
        question()


def test_traced_clusters_of_two_widths_are_nan():
    def variance(widths):
        return target_variance(GaussianMixture([[0.0], [1.0]], widths), EDM(), 1.0)

    assert np.isnan(jax.jit(variance)(jnp.asarray([1.0, 2.0])))
    np.testing.assert_allclose(jax.jit(variance)(jnp.asarray([2.0, 2.0])), variance(2.0), rtol=1e-12)
