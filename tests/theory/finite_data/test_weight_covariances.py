"""Means and variances over training sets against sampled training sets and exact finite-P laws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.theory.finite_data.sampled_training_sets import (
    INITIAL,
    MEMBERS,
    SETTINGS,
    VARIANCE,
    assert_within,
    denoiser_of,
    each_setting,
    trained_weights,
    variance_and_error,
)
from theory import (
    OneLayer,
    one_layer_v_kernel,
    weight_mean_over_draws,
    weight_variance_at_ratio,
    weight_variance_of_least_squares,
    weight_variance_of_shared_data,
    weight_variance_over_draws,
)
from theory.definitions.objectives import Objective
from theory.definitions.targets import DenoiserTarget, NoiseTarget
from theory.spectral_law.denoiser import regression_at

TIMES = np.array([0.05, 0.5, np.inf])


@each_setting
def test_variance_and_mean_over_draws(setting):
    draws, level = jnp.asarray(300.0), SETTINGS[setting][2]
    denoiser = denoiser_of(setting)
    variances = weight_variance_over_draws(denoiser, jnp.asarray(TIMES), level, draws).total
    means = weight_mean_over_draws(denoiser, jnp.asarray(TIMES), level, draws)
    gap = np.abs(INITIAL - np.asarray(regression_at(denoiser, jnp.asarray(level)).optimal_gain))
    for tau, expected_variance, expected_mean in zip(TIMES, variances, means, strict=True):
        weights = trained_weights(setting, tau, data=300)
        variance, error = variance_and_error(weights)
        assert_within(variance, expected_variance, error, bias=5 / 300)
        error = np.diagonal(weights.std(axis=0)) / np.sqrt(MEMBERS) + gap / 300 / 4.5
        assert_within(np.diagonal(weights.mean(axis=0)), expected_mean, error)


@each_setting
def test_variance_of_shared_data(setting):
    data, noises, level = 200, 3, SETTINGS[setting][2]
    theory = weight_variance_of_shared_data(
        denoiser_of(setting), jnp.asarray(TIMES), level, data=float(data), noises=float(noises)
    )
    for tau, expected in zip(TIMES, theory, strict=True):
        variance, error = variance_and_error(trained_weights(setting, tau, data=data, noises=noises, seed=1))
        assert_within(variance, expected, error, bias=10 / data)


@each_setting
def test_limits_of_the_variance(setting):
    denoiser, level = denoiser_of(setting), SETTINGS[setting][2]
    tau = jnp.asarray([0.0, 0.3, jnp.inf])
    over_draws = weight_variance_over_draws(denoiser, tau, level, 1e3)
    np.testing.assert_array_equal(over_draws.total[0], 0.0)
    np.testing.assert_array_equal(over_draws.design[2], 0.0)
    # One noise per datum is a set of triples; a limit of many is reached at infinity.
    once, often, always = (
        weight_variance_of_shared_data(denoiser, tau, level, data=1e3, noises=noises)
        for noises in jnp.asarray([1.0, 1e9, jnp.inf])
    )
    np.testing.assert_allclose(once, over_draws.total, rtol=1e-12, atol=1e-18)
    np.testing.assert_allclose(often, always, rtol=1e-6, atol=1e-18)
    # Least squares on many draws, and all functions of d/P on infinitely many.
    exact = weight_variance_of_least_squares(denoiser, level, 1e9)
    np.testing.assert_allclose(exact, over_draws.total[2] * 1e3 / 1e9, rtol=1e-8)
    np.testing.assert_allclose(
        weight_mean_over_draws(denoiser, tau[:2], level, 1e12), _network_gain(denoiser, tau[:2], level), rtol=1e-9
    )


def test_any_ratio_contains_infinitely_many_draws():
    denoiser, level, tau = denoiser_of("vp"), SETTINGS["vp"][2], jnp.asarray([0.0, 0.3, jnp.inf])
    leading, at_ratio = (of(denoiser, tau, level, 1e9) for of in (weight_variance_over_draws, weight_variance_at_ratio))
    np.testing.assert_allclose(at_ratio.targets, leading.targets, rtol=1e-7, atol=1e-20)
    # Zero at τ = ∞; the quadrature leaves 1e-8 of what the variance is before.
    np.testing.assert_allclose(at_ratio.design, leading.design, rtol=1e-7, atol=1e-8 * leading.design.max())


def _network_gain(denoiser, tau, level):
    return jnp.diagonal(denoiser.weights(tau, jnp.full(tau.shape, level)), axis1=-2, axis2=-1)


def test_edm_formulas_as_written():
    """Equations U1 and U2 in NumPy, element by element."""
    sigma, tau, n, m = 0.7, 0.2, 50.0, 4.0
    lam, s = VARIANCE, VARIANCE + sigma**2
    denoiser = denoiser_of("edm")
    k, l = np.meshgrid(range(3), range(3), indexing="ij")  # noqa: E741
    c = 2 * tau
    targets = sigma**2 * lam[k] / s[k] * (1 - np.exp(-c * s[l])) ** 2 / s[l]
    with np.errstate(invalid="ignore"):
        bracket = (np.exp(-c * s[k]) - np.exp(-c * s[l])) / (s[k] - s[l])
    bracket = np.where(k == l, c * np.exp(-c * s[k]), bracket)
    design = (lam[k] / s[k] - INITIAL[k]) ** 2 * bracket**2 * s[k] * s[l] * (1 + (k == l))
    measured = weight_variance_over_draws(denoiser, tau, sigma, n)
    np.testing.assert_allclose(measured.targets, targets / n, rtol=1e-13)
    np.testing.assert_allclose(measured.design, design / n, rtol=1e-12)
    ended = (1 - 1 / m) * sigma**4 * lam[k] * lam[l] * (1 + (k == l)) / s[k] ** 2 + sigma**2 * lam[k] * s[l] / s[k] / m
    shared = weight_variance_of_shared_data(denoiser, jnp.inf, sigma, data=n, noises=m)
    np.testing.assert_allclose(shared, ended / (n * s[l] ** 2), rtol=1e-12)


def test_least_squares_variance_is_exact_at_small_numbers_of_draws():
    draws = 12
    weights = trained_weights("edm", np.inf, data=draws, members=60_000)
    variance, error = variance_and_error(weights)
    assert_within(variance, weight_variance_of_least_squares(denoiser_of("edm"), 0.7, draws), error)


def test_variance_at_a_ratio_of_one_half():
    """d/P = 1/2 and 2: means, both terms, and how far the leading order is off; order 1/P is left out."""
    variance, initial, members = np.geomspace(4.0, 0.1, 20), np.full(20, 0.2), 600
    denoiser = denoiser_of("edm", variance, initial)
    for draws, tau in ((40, 0.3), (40, np.inf), (10, 0.3)):
        at, count = jnp.asarray(tau), jnp.asarray(float(draws))
        weights = trained_weights("edm", tau, data=draws, members=members, variance=variance, initial=initial)
        measured, _ = variance_and_error(weights)
        theory = np.asarray(weight_variance_at_ratio(denoiser, at, 0.7, count).total)
        leading = np.asarray(weight_variance_over_draws(denoiser, at, 0.7, count).total)
        ratio, naive = np.mean(measured / theory), np.mean(measured / leading)
        assert abs(ratio - 1) < 2 / draws + 0.005
        assert abs(naive - 1) > 0.1
        mean = weight_mean_over_draws(denoiser, at, 0.7, count)
        error = np.diagonal(weights.std(axis=0)) / np.sqrt(members) + 0.2 / draws
        assert_within(np.diagonal(weights.mean(axis=0)), mean, error)


@pytest.mark.parametrize("tau", [0.1, 1.0])
def test_v_kernel_is_the_covariance_of_the_score(tau):
    basis = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
    draws, level = 400, 0.7
    kernel = one_layer_v_kernel(denoiser_of("edm", basis=basis), tau, level, draws)
    weights = basis @ trained_weights("edm", tau, data=draws) @ basis.T
    points = np.random.default_rng(4).normal(size=(2, 3))
    scores = [(weights @ x - x) / level**2 for x in points]
    first, second = (each - each.mean(axis=0) for each in scores)
    products = first[:, :, None] * second[:, None, :]
    theory = kernel(jnp.asarray(points[0]), jnp.asarray(points[1]))
    error = products.std(axis=0) / np.sqrt(MEMBERS)
    assert_within(products.mean(axis=0), theory, error + 2 / draws * np.abs(theory).max() / 4.5)


@each_setting
def test_v_kernel_is_a_covariance_and_counts_the_target(setting):
    """Symmetric and positive semi-definite on any points; scores do not depend on how the network is parametrised."""
    draws, level = 100, SETTINGS[setting][2]
    kernel = one_layer_v_kernel(denoiser_of(setting), 0.3, level, draws)
    x = jnp.asarray(np.random.default_rng(5).normal(size=(7, 3)))
    gram = jax.vmap(lambda a: jax.vmap(lambda b: kernel(a, b))(x))(x)
    matrix = np.asarray(gram).transpose(0, 2, 1, 3).reshape(21, 21)
    np.testing.assert_allclose(matrix, matrix.T, rtol=1e-12, atol=1e-15 * matrix.max())
    assert np.linalg.eigvalsh(matrix).min() > -1e-12 * matrix.max()
    spectrum, process = kernel.denoiser.spectrum, SETTINGS[setting][0]
    trained = [OneLayer(spectrum, process, 0.1, 1.0, Objective(target)) for target in (DenoiserTarget(), NoiseTarget())]
    ends = [one_layer_v_kernel(each, jnp.inf, level, draws)(x[0], x[1]) for each in trained]
    np.testing.assert_allclose(*ends, rtol=1e-10)
