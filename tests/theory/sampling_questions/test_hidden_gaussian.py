"""Nats beyond second moments by SciPy's quadrature and over noise levels; distillation by regression."""

import jax
import numpy as np
import pytest
from scipy import integrate, stats

from theory import EDM, GaussianMixture
from theory.sampling_questions.hidden_gaussian import (
    linearity,
    log_ratio_to_gaussian,
    nonlinear_nats,
    nonlinear_power,
    second_moments,
    wiener_filter,
)

MEANS, VARIANCES, WEIGHTS = np.array([-2.0, 0.5, 1.5]), np.array([0.3, 0.05, 0.6]), np.array([0.5, 0.2, 0.3])
LINE = GaussianMixture(MEANS[:, None], VARIANCES, WEIGHTS)
RANDOM = np.random.default_rng(0)


@pytest.fixture(scope="module", autouse=True)
def quick_compilation():
    """Compiling is nearly all the time there is."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


def density(x, level, means=MEANS, variances=VARIANCES, weights=WEIGHTS):
    return sum(
        w * stats.norm.pdf(x, m, np.sqrt(v + level**2)) for m, v, w in zip(means, variances, weights, strict=True)
    )


def moments(means=MEANS, variances=VARIANCES, weights=WEIGHTS):
    mean = weights @ means
    return mean, weights @ (variances + (means - mean) ** 2)


def divergence(level, *mixture):
    mean, variance = moments(*mixture)

    def rate(x):
        found = density(x, level, *mixture)
        return found * (np.log(found) - stats.norm.logpdf(x, mean, np.sqrt(variance + level**2))) if found > 0 else 0.0

    reach = 9 * np.sqrt(variance + level**2)
    return integrate.quad(
        rate,
        mean - reach,
        mean + reach,
        points=(-2, 0.5, 1.5),
        limit=400,
        epsabs=1e-12,
        epsrel=1e-12,
    )[0]


def test_nats_on_a_line():
    for level in (0.05, 0.7, 3.0):
        assert float(nonlinear_nats(LINE, level)) == pytest.approx(divergence(level), abs=1e-10)
    points = np.array([-1.0, 0.2, 1.0]), np.zeros(3), np.full(3, 1 / 3)
    masses = GaussianMixture(points[0][:, None], 0.0)
    assert float(nonlinear_nats(masses, 0.1)) == pytest.approx(divergence(0.1, *points), abs=1e-10)


def test_nats_are_the_integral_over_noise_levels():
    """∫ E|D* - D_G|² σ^-3 dσ from .1 to 50, the rest of which is ∝ σ^-6 or less."""
    edges = np.linspace(np.log(0.1), np.log(50.0), 8)
    nodes, weights = np.polynomial.legendre.leggauss(16)
    places = (edges[:-1, None] + np.diff(edges)[:, None] * (1 + nodes) / 2).ravel()
    power = np.asarray(jax.vmap(lambda level: nonlinear_power(LINE, level))(np.exp(places)))
    total = np.sum(np.repeat(np.diff(edges) / 2, 16) * np.tile(weights, 7) * power * np.exp(-2 * places))
    expected = float(nonlinear_nats(LINE, 0.1)) - float(nonlinear_nats(LINE, 50.0))
    assert total == pytest.approx(expected, rel=1e-8)


def test_nats_add_over_independent_coordinates():
    corners = np.array([[a, b] for a in (-1.5, 1.5) for b in (-0.4, 0.4)])
    plane = GaussianMixture(corners, 0.1)
    pairs = [GaussianMixture([[-a], [a]], 0.1) for a in (1.5, 0.4)]
    expected = sum(float(nonlinear_nats(pair, 0.2)) for pair in pairs)
    assert float(nonlinear_nats(plane, 0.2)) == pytest.approx(expected, abs=1e-9)
    power = sum(float(nonlinear_power(pair, 0.2)) for pair in pairs)
    assert float(nonlinear_power(plane, 0.2)) == pytest.approx(power, rel=1e-9)


def test_limits():
    assert abs(float(nonlinear_nats(GaussianMixture([[1.0]], 0.4), 0.3))) < 1e-12
    # Two clusters that never meet: the entropy of one and ln 2.
    far, level = GaussianMixture([[-9.0], [9.0]], 0.2), 0.1
    expected = np.log((81 + 0.2 + level**2) / (0.2 + level**2)) / 2 - np.log(2)
    assert float(nonlinear_nats(far, level)) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("level", [0.05, 0.5])
def test_distillation_of_the_ideal_denoiser_is_the_wiener_filter(level):
    """Slope and constant of D* on x, for data and for what memorises three points."""
    for data, mixture in ((LINE, (MEANS, VARIANCES, WEIGHTS)), (GaussianMixture(MEANS[:, None], 0.0, WEIGHTS), None)):
        mixture = mixture or (MEANS, np.zeros(3), WEIGHTS)
        x = np.linspace(-8, 8, 20001)
        mass = density(x, level, *mixture)
        mass /= mass.sum()
        denoised = np.asarray(data.denoised(x[:, None], level, EDM()))[:, 0]
        mean, best = mass @ x, mass @ denoised
        slope = mass @ ((x - mean) * denoised) / (mass @ (x - mean) ** 2)
        filtered = np.asarray(wiener_filter(data, np.array([[0.0], [1.0]]), level))[:, 0]
        np.testing.assert_allclose([best - slope * mean, slope], [filtered[0], filtered[1] - filtered[0]], rtol=1e-9)


def test_in_three_dimensions():
    means = RANDOM.normal(size=(4, 3))
    data, x, levels = GaussianMixture(means, 0.2), RANDOM.normal(size=(5, 3)), np.linspace(0.2, 2.0, 5)
    mean, covariance = means.mean(axis=0), np.cov(means.T, bias=True) + 0.2 * np.eye(3)
    found_mean, found_covariance = second_moments(data)
    np.testing.assert_allclose(found_mean, mean, rtol=1e-12)
    np.testing.assert_allclose(found_covariance, covariance, rtol=1e-12, atol=1e-14)
    filtered, ratio = wiener_filter(data, x, levels), log_ratio_to_gaussian(data, x, levels)
    for position, level, denoised, logarithm in zip(x, levels, filtered, ratio, strict=True):
        power = covariance + level**2 * np.eye(3)
        np.testing.assert_allclose(denoised, mean + covariance @ np.linalg.solve(power, position - mean), rtol=1e-11)
        mixture = np.mean(
            [stats.multivariate_normal.pdf(position, each, (0.2 + level**2) * np.eye(3)) for each in means]
        )
        expected = np.log(mixture) - stats.multivariate_normal.logpdf(position, mean, power)
        assert float(logarithm) == pytest.approx(expected, rel=1e-10, abs=1e-12)


def test_linearity():
    x, y = RANDOM.normal(size=(2, 6, 2))
    np.testing.assert_allclose(linearity(GaussianMixture([[0.0, 0.0]], 0.7), x, y, 0.5), 1.0, rtol=1e-12)
    pair = GaussianMixture([[-1.0, 0.0], [1.0, 0.0]], 0.05)

    def denoised(z):
        total = 0.05 + 0.09
        weight = 1 / (1 + np.exp(-2 * z[:, :1] / total))
        centre = np.concatenate([2 * weight - 1, 0 * weight], axis=1)
        return centre + 0.05 / total * (z - centre)

    one, two = denoised((x + y) / np.sqrt(2)), denoised(x) + denoised(y)
    cosine = np.abs(np.sum(one * two, axis=1)) / np.linalg.norm(one, axis=1) / np.linalg.norm(two, axis=1)
    np.testing.assert_allclose(linearity(pair, x, y, 0.3), cosine, rtol=1e-10)
    assert cosine.min() < 0.95


def test_transformations():
    slope = jax.jit(jax.grad(lambda level: nonlinear_nats(LINE, level)))(0.7)
    assert float(slope) == pytest.approx(-float(nonlinear_power(LINE, 0.7)) / 0.7**3, rel=1e-9)
    x = RANDOM.normal(size=(4, 1))
    single = wiener_filter(LINE, x.astype(np.float32), np.float32(0.3))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, wiener_filter(LINE, x, 0.3), rtol=1e-5)
    np.testing.assert_allclose(
        jax.vmap(lambda at: log_ratio_to_gaussian(LINE, at, 0.3))(x), log_ratio_to_gaussian(LINE, x, 0.3), rtol=1e-12
    )


def test_what_is_refused():
    with pytest.raises(ValueError, match="noise_level must be positive and finite"):
        nonlinear_nats(LINE, 0.0)
    with pytest.raises(ValueError, match="noise_level must be one number"):
        nonlinear_nats(LINE, np.array([0.1, 0.2]))
    with pytest.raises(ValueError, match="must have one or two dimensions, for means over it; got 3"):
        nonlinear_power(GaussianMixture(np.zeros((1, 3)), 1.0), 1.0)
    with pytest.raises(ValueError, match="at most 2 times as wide as the narrowest"):
        nonlinear_nats(GaussianMixture(np.zeros((2, 2)), [1.0, 0.0]), 0.01)
    with pytest.raises(ValueError, match="positions must have 1 coordinates"):
        wiener_filter(LINE, np.zeros((2, 2)), 1.0)
    with pytest.raises(ValueError, match="noise_level must be positive and finite; got one"):
        wiener_filter(LINE, np.zeros((2, 1)), "one")


def test_slopes_where_variances_are_equal():
    """Of a square, by differences: eigenvectors have no derivatives there."""
    square, by = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]]), RANDOM.normal(size=(4, 2))

    def answers(step):
        data = GaussianMixture(square + step * by, 0.1)
        at = np.array([0.3, 0.4])
        return jax.numpy.append(wiener_filter(data, at, 0.5), log_ratio_to_gaussian(data, at, 0.5))

    compiled = jax.jit(answers)
    differences = (compiled(1e-5) - compiled(-1e-5)) / 2e-5
    np.testing.assert_allclose(jax.jit(jax.jacrev(answers))(0.0), differences, rtol=1e-7, atol=1e-9)


def test_flat_data_in_single_precision():
    """Points on a tilted line, of which round-off makes a plane: right, or NaN."""
    points = np.array([[-0.6, -0.8], [0.6, 0.8], [0.18, 0.24]])
    data = GaussianMixture(points, 0.0)
    for level, known in ((0.02, True), (1e-4, False)):
        at = points[2] + level * np.array([0.8, -0.6])
        with jax.enable_x64(False):
            found = log_ratio_to_gaussian(GaussianMixture(points, 0.0), at.astype(np.float32), level)
        expected = float(log_ratio_to_gaussian(data, at, level)) if known else np.nan
        np.testing.assert_allclose(found, expected, rtol=1e-3)


@pytest.mark.slow
def test_linearity_of_one_position_with_many():
    x, y = RANDOM.normal(size=(3, 1)), RANDOM.normal(size=1)
    levels = np.array([0.2, 0.5, 1.0])
    np.testing.assert_allclose(
        linearity(LINE, y, x, levels), linearity(LINE, np.broadcast_to(y, (3, 1)), x, levels), rtol=1e-14
    )
