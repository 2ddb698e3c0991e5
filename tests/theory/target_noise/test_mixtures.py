"""The target's variance of round clusters: closed forms, quadrature of definitions, and draws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate

from theory import (
    EDM,
    FlowMatching,
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


@pytest.mark.parametrize("width", [1e-3, 1.0, 1e9])
def test_tilt_of_little_noise_and_of_much(width):
    """ln(1 + v/σ²) to round-off, where p(x|x_0)² and p(x) are nearly the same, and where σ⁴ is beyond all numbers."""
    levels = np.array([1e-12, 1e-8, 1e-4, 1e10, 1e100]) * width
    found = stable_target_log_tilt(GaussianMixture([[3.0]], width**2), EDM(), levels)
    np.testing.assert_allclose(found, np.log1p((width / levels) ** 2), rtol=1e-11, atol=1e-14)


def of_two_points(ratio):
    """The tilt of two points at the distance `ratio` σ, by the trapezoidal rule in logarithms."""
    x = np.linspace(-ratio / 2 - 12, ratio / 2 + 12, 200001)
    log = [-((x - side * ratio / 2) ** 2) / 2 - np.log(2) for side in (-1, 1)]
    whole = np.logaddexp(*log)
    # Squared deviation of each point from the mean: that of the other times its odds.
    other = [2 * (log[1 - k] - whole) for k in (0, 1)]
    plain = np.logaddexp(*(log[k] + other[k] for k in (0, 1)))
    weighted = np.logaddexp(*(2 * log[k] + other[k] - whole for k in (0, 1))) + np.log(2)
    top = plain.max()
    return np.log(np.exp(weighted - top).sum() / np.exp(plain - top).sum())


@pytest.mark.parametrize("precision", [np.float32, np.float64])
def test_tilt_of_points(precision):
    """Right wherever it is a number, at any distance, and zero for points at one place."""
    error = {np.float32: 1e-4, np.float64: 1e-7}[precision]
    ratios = np.array([1e-8, 1e-3, 1.0, 6.0, 10.0, 13.0, 20.0, 25.0, 40.0, 80.0])
    pair = GaussianMixture([[-1.0, 0.0, 3.0], [1.0, 0.0, 3.0]], 0.0)
    found = np.asarray(stable_target_log_tilt(pair, EDM(), (2 / ratios).astype(precision)))
    assert np.array_equal(np.isfinite(found), ratios < 14)
    np.testing.assert_allclose(found[ratios < 14], [of_two_points(each) for each in ratios[ratios < 14]], atol=error)
    assert stable_target_log_tilt(GaussianMixture(np.ones((2, 3)), 0.0), EDM(), precision(0.7)) == 0


def test_tilt_of_single_precision():
    """Where noise is little beside the width of a cluster as well."""
    data = GaussianMixture([[0.5, 0.0], [0.6, 0.0]], 1.0)
    levels = np.array([0.002, 0.05, 1.0, 80.0])
    single, double = (stable_target_log_tilt(data, EDM(), levels.astype(each)) for each in (np.float32, np.float64))
    np.testing.assert_allclose(single, double, rtol=1e-5, atol=1e-5)


def test_tilt_where_there_is_no_signal():
    assert abs(stable_target_log_tilt(PAIR, FlowMatching(), 0.0)) < 1e-12


@pytest.mark.slow
def test_derivatives_of_the_tilt_where_clusters_coincide():
    """Smooth in the square of their distance, which is at its least."""

    def tilt(means, variance):
        return stable_target_log_tilt(GaussianMixture(means, variance), EDM(), 0.7)

    means, variance, step = jnp.ones((2, 3)), 0.5, 1e-5
    for derivative in (jax.grad, jax.jacfwd):
        of_means, of_variance = derivative(tilt, argnums=(0, 1))(means, variance)
        np.testing.assert_allclose(of_means, 0, atol=1e-12)
        expected = (tilt(means, variance + step) - tilt(means, variance - step)) / (2 * step)
        np.testing.assert_allclose(of_variance, expected, rtol=1e-8)


def test_draws_at_no_times_and_a_flag_of_numpy():
    key, data = jax.random.key(0), PointMasses([[0.0], [1.0]])
    empty = sampled_target_variance(data, EDM(), np.zeros((2, 0)), draws=4, key=key)
    assert empty.value.shape == empty.stderr.shape == (2, 0)
    found = [sampled_target_variance(data, EDM(), 1.0, 2, flag, draws=4, key=key) for flag in (True, np.bool_(True))]
    assert found[0] == found[1]


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


@pytest.mark.slow
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
        (lambda: target_variance(PAIR, EDM(), 1.0, 2), "sampled_target_variance draws others; got 2"),
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


@pytest.mark.slow
def test_traced_clusters_of_two_widths_are_nan():
    def variance(widths):
        return target_variance(GaussianMixture([[0.0], [1.0]], widths), EDM(), 1.0)

    assert np.isnan(jax.jit(variance)(jnp.asarray([1.0, 2.0])))
    np.testing.assert_allclose(jax.jit(variance)(jnp.asarray([2.0, 2.0])), variance(2.0), rtol=1e-12)
