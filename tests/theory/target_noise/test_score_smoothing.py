"""Smoothed scores against quadrature, their scatter against Monte Carlo over data sets, and Chen's two points."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate
from scipy.special import softmax

from theory import EDM, FlowMatching, GaussianMixture, PointMasses, VariancePreserving
from theory.target_noise.score_smoothing import (
    effective_points,
    empirical_score_covariance,
    smoothed_score,
    two_point_end,
    two_point_end_law,
    two_point_flat_share,
    two_point_smoothed_score,
)

KEY = jax.random.key(0)
POINTS = np.array([[-1.0], [0.2], [0.9]])


def smoothed_by_scipy(x, sigma, bandwidth):
    """E s(x + hz) of the three points, from the formula of the posterior."""

    def integrand(z):
        place = x + bandwidth * z
        share = softmax(-((place - POINTS[:, 0]) ** 2) / (2 * sigma**2))
        return (share @ POINTS[:, 0] - place) / sigma**2 * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)

    return integrate.quad(integrand, -10, 10, epsabs=1e-13, epsrel=1e-12, limit=400)[0]


def test_a_score_smoothed_on_a_line():
    data, places = PointMasses(POINTS), jnp.asarray([[-0.7], [0.1], [2.0]])
    for sigma, bandwidth in ((0.5, 0.3), (0.8, 1.0)):
        found = smoothed_score(data, places, sigma, EDM(), bandwidth)
        expected = [[smoothed_by_scipy(float(x), sigma, bandwidth)] for x in places[:, 0]]
        np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(
        smoothed_score(data, places, 0.5, EDM(), 0.0), data.score(places, 0.5, EDM()), rtol=1e-12
    )


def test_it_is_the_gradient_of_the_smoothed_logarithm():
    """In a plane, by a trapezoidal rule for k_h * ln p and differences of it."""
    data, h, sigma = PointMasses([[0.0, 0.5], [1.0, 0.0], [-0.3, -1.0]]), 0.3, 0.6
    axis = np.linspace(-7, 7, 113)
    nodes = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    weights = np.exp(-np.sum(nodes**2, axis=1) / 2) * (axis[1] - axis[0]) ** 2 / (2 * np.pi)

    def smoothed_logarithm(x):
        return weights @ np.asarray(data.log_density(jnp.asarray(x + h * nodes), sigma, EDM()))

    place, step = np.array([0.2, 0.1]), 1e-4
    expected = [(smoothed_logarithm(place + e) - smoothed_logarithm(place - e)) / (2 * step) for e in step * np.eye(2)]
    np.testing.assert_allclose(smoothed_score(data, jnp.asarray(place), sigma, EDM(), h), expected, atol=1e-6)


def test_smoothing_over_draws_at_a_time_of_another_process():
    data, x, h = GaussianMixture(np.eye(3), [0.1, 0.2, 0.3]), jnp.asarray([[0.3, 0.1, -0.2]]), 0.2
    process, time, draws = VariancePreserving(), 0.3, jax.random.normal(KEY, (7, 3))
    expected = np.mean([data.score(x + h * draw[None], time, process) for draw in draws], axis=0)
    np.testing.assert_allclose(smoothed_score(data, x, time, process, h, draws), expected, rtol=1e-12)


@pytest.mark.slow
def test_many_positions_are_answered_in_parts():
    data, x = PointMasses(jax.random.normal(KEY, (12, 2))), jax.random.normal(jax.random.fold_in(KEY, 1), (1500, 2))
    found = smoothed_score(data, x, jnp.linspace(0.4, 1.0, 1500), EDM(), 0.2)
    for place, sigma in ((0, 0.4), (-1, 1.0)):
        np.testing.assert_allclose(found[place], smoothed_score(data, x[place], sigma, EDM(), 0.2), rtol=1e-10)


def empirical_scores(points, x, sigma):
    """(sets,): the scores at x of data sets on a line, (sets, N)."""
    share = softmax(-((x - points) ** 2) / (2 * sigma**2), axis=1)
    return (np.sum(share * points, axis=1) - x) / sigma**2


@pytest.mark.parametrize("x", [0.0, 1.3])
def test_scatter_between_data_sets_on_a_line(x):
    """Four standard errors and the correction of order 1/n, n = 100 and more points in the posterior."""
    data, sigma, number, sets = GaussianMixture([[-1.0], [1.0]], [0.3, 0.5], [0.4, 0.6]), 0.2, 1000, 4000
    random = np.random.default_rng(3)
    second = random.random((sets, number)) < 0.6
    points = np.where(second, 1.0, -1.0) + np.sqrt(np.where(second, 0.5, 0.3)) * random.normal(size=(sets, number))
    measured = empirical_scores(points, x, sigma).var()
    formula = float(empirical_score_covariance(data, jnp.asarray([x]), sigma, EDM(), number)[0, 0])
    assert abs(measured / formula - 1) < 4 * np.sqrt(2 / sets) + 0.02


def test_scatter_between_data_sets_in_a_plane():
    """All of the matrix, of few points of unequal spread, for a process whose signal decays."""
    points = np.array([[0.0, 0.0], [1.0, 0.2], [0.3, 0.8], [-0.6, 0.5], [0.5, -0.9]])
    process, time, number, sets = VariancePreserving(), 0.35, 2000, 20_000
    alpha, sigma = float(process.signal_scale(time)), float(process.noise_scale(time))
    x = np.array([0.2, 0.1])
    counts = np.random.default_rng(1).multinomial(number, np.full(5, 0.2), size=sets)
    share = counts * np.exp(-np.sum((x - alpha * points) ** 2, axis=1) / (2 * sigma**2))
    scores = (alpha * (share @ points) / share.sum(axis=1, keepdims=True) - x) / sigma**2
    formula = empirical_score_covariance(PointMasses(points), jnp.asarray(x), time, process, number)
    np.testing.assert_allclose(np.cov(scores.T), formula, rtol=0.05)


def test_scatter_at_little_noise():
    """I (4πσ²)^{-d/2}/(2Nσ²p), so that its trace is the d(4πt)^{-d/2}/(2N t p) of t = σ²."""
    data, x, sigma, number = GaussianMixture(np.zeros((1, 2)), 1.0), jnp.asarray([0.4, -0.3]), 0.01, 50
    density = np.exp(-0.125) / (2 * np.pi)
    expected = np.eye(2) / (4 * np.pi * sigma**2) / (2 * number * sigma**2 * density)
    found = empirical_score_covariance(data, x, sigma, EDM(), number)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3 * expected[0, 0])


def test_effective_number_of_points():
    """A tenth, by Monte Carlo over data sets: (1 + h²/σ²)^{3/2} on a line, smoothed by 32 nodes."""
    sigma, number, sets, nodes = 0.1, 500, 1500, 32
    places, weights = np.polynomial.hermite_e.hermegauss(nodes)
    points = np.random.default_rng(5).normal(size=(sets, number))
    for ratio in (1.0, 2.0):
        smoothed = sum(
            weight / np.sqrt(2 * np.pi) * empirical_scores(points, ratio * sigma * place, sigma)
            for place, weight in zip(places, weights, strict=True)
        )
        measured = empirical_scores(points, 0.0, sigma).var() / smoothed.var()
        formula = float(effective_points(number, ratio * sigma, sigma, EDM(), 1)) / number
        np.testing.assert_allclose(formula, (1 + ratio**2) ** 1.5, rtol=1e-12)
        assert abs(measured / formula - 1) < 0.15


STRENGTH, VARIANCE = 0.6, 0.8


def test_where_the_flow_of_two_points_ends():
    """ẋ = -s/2 in the time t of the variance, integrated by SciPy down to t = 1e-10."""
    start = np.array([-2.0, -0.6, -0.3, 0.0, 0.1, 0.4, 0.5, 1.0, 3.0])

    def rate(log_time, x):
        time = np.exp(log_time)
        return -time / 2 * np.asarray(two_point_smoothed_score(x, time, STRENGTH))

    ends = (np.log(VARIANCE), np.log(1e-10))
    found = integrate.solve_ivp(rate, ends, start, rtol=1e-9, atol=1e-11, max_step=0.2).y[:, -1]
    np.testing.assert_allclose(found, two_point_end(start, VARIANCE, STRENGTH), atol=3e-5)
    assert abs(found[4] - 0.1 / (1 - STRENGTH * np.sqrt(VARIANCE))) < 1e-5
    np.testing.assert_array_equal(two_point_end(np.array([-0.6, 1.0]), VARIANCE, STRENGTH), [-1, 1])


def test_the_score_of_two_points_is_continuous():
    edge = 1 - float(two_point_flat_share(VARIANCE, STRENGTH))
    inside, outside = two_point_smoothed_score(edge + np.array([-1e-9, 1e-9]), VARIANCE, STRENGTH)
    np.testing.assert_allclose([inside, outside], (1 - edge) / VARIANCE, rtol=1e-7)
    np.testing.assert_allclose(two_point_smoothed_score(-1.7, VARIANCE, STRENGTH), 0.7 / VARIANCE, rtol=1e-12)


def test_the_law_of_the_ends():
    """Of drawn x_t, its mass and moments."""
    random = np.random.default_rng(2)
    start = random.choice([-1.0, 1.0], 400_000) + np.sqrt(VARIANCE) * random.normal(size=400_000)
    ends = np.asarray(two_point_end(start, VARIANCE, STRENGTH))
    x = np.linspace(-1, 1, 2001)[1:-1]
    density, mass = two_point_end_law(x, VARIANCE, STRENGTH)
    assert abs((ends == 1).mean() - float(mass)) < 4 * 0.5 / np.sqrt(ends.size)
    between = np.abs(ends) < 1
    for power in (0, 2):
        expected = integrate.simpson(np.asarray(density) * x**power, x=x)
        np.testing.assert_allclose(np.mean(between * ends**power), expected, atol=4e-3)
    assert float(two_point_end_law(1.5, VARIANCE, STRENGTH)[0]) == 0


def test_what_is_refused():
    data, x = PointMasses(POINTS), jnp.asarray([0.1])
    with pytest.raises(ValueError, match="must leave noise"):
        smoothed_score(data, x, 0.0, EDM(), 0.1)
    with pytest.raises(ValueError, match=r"positions must have 1 coordinates; got shape \(2,\)"):
        smoothed_score(data, jnp.asarray([0.1, 0.2]), 0.5, EDM(), 0.1)
    with pytest.raises(ValueError, match="bandwidth must be one number"):
        smoothed_score(data, x, 0.5, EDM(), jnp.asarray([0.1, 0.2]))
    with pytest.raises(ValueError, match="bandwidth must be zero or more"):
        smoothed_score(data, x, 0.5, EDM(), -0.1)
    with pytest.raises(ValueError, match="more than two dimensions needs draws"):
        smoothed_score(PointMasses(np.eye(3)), jnp.zeros(3), 0.5, EDM(), 0.1)
    with pytest.raises(ValueError, match=r"draws must have shape \(k, 1\)"):
        smoothed_score(data, x, 0.5, EDM(), 0.1, jnp.zeros((4, 2)))
    with pytest.raises(ValueError, match="points must be one or more"):
        empirical_score_covariance(data, x, 0.5, EDM(), 0)
    with pytest.raises(ValueError, match="points must be one or more"):
        effective_points(0, 0.1, 0.5, EDM(), 1)
    with pytest.raises(ValueError, match="must lie between 0 and 1"):
        two_point_end(x, 4.0, 0.6)


def test_without_signal_and_outside_the_domain():
    cluster, x = GaussianMixture([[0.0]], 1.0), jnp.asarray([0.3])
    assert float(empirical_score_covariance(cluster, x, 0.0, FlowMatching(), 10)[0, 0]) == 0
    data = PointMasses(POINTS)
    lost = jax.jit(
        lambda wrong: (
            smoothed_score(data, x, 0.5, EDM(), -wrong),
            empirical_score_covariance(cluster, x, 0.5, EDM(), wrong),
            effective_points(wrong, 0.1, 0.5, EDM(), 1),
            effective_points(10, -wrong, 0.5, EDM(), 1),
        )
    )(0.5)
    assert all(np.isnan(each).all() for each in lost)
