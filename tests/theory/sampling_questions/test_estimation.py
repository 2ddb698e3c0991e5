"""Errors of densities against quadrature over the line and the plane, over χ², and against sets that are drawn."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
import scipy.stats

from tests import cases
from theory import EDM, OneLayer, OneLayerWithBias, Spectrum
from theory.sampling_questions.estimation import (
    best_noise_level,
    error_exponent,
    gaussian_error,
    kernel_error,
    trained_error,
)

LINE, PLANE = np.array([1.0]), np.array([1.0, 0.25])
TIMES = np.array([0.5, 4.0])


@pytest.fixture(scope="module", autouse=True)
def quick_compilation():
    """Compiling is nearly all the time there is."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


def normal(x, variance):
    return np.exp(-(x**2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)


X = np.linspace(-16.0, 16.0, 2001)  # the trapezoidal rule is exact for Gaussians as narrow as .1


def integral(*factors):
    """∫ Π_k f_k(x_k) dx of values on `X`."""
    return np.prod([np.sum(each) * (X[1] - X[0]) for each in factors])


@pytest.mark.parametrize("variances", [LINE, PLANE])
@pytest.mark.parametrize(("data", "level"), [(1, 0.5), (100, 0.2), (7, 3.0)])
def test_kernel_error_by_quadrature(variances, data, level):
    kernel, mean = ([normal(X, v) for v in each] for each in (0 * variances + level**2, variances + level**2))
    density = [normal(X, v) for v in variances]

    def overlap(first, second):
        return integral(*(a * b for a, b in zip(first, second, strict=True)))

    power = overlap(density, density)
    bias = (overlap(mean, mean) - 2 * overlap(mean, density) + power) / power
    variance = (overlap(kernel, kernel) - overlap(mean, mean)) / data / power
    found = kernel_error(variances, data, level)
    np.testing.assert_allclose(found.variance, variance, rtol=1e-10)
    np.testing.assert_allclose(found.bias, bias, rtol=1e-8)
    np.testing.assert_allclose(found.total, variance + bias, rtol=1e-8)


def printed_error(data, level):
    """Of N(0, 1), times ∫p² = 1/2√π."""
    bias = 1 / np.sqrt(1 + level**2) - 2 * np.sqrt(2) / np.sqrt(2 + level**2) + 1
    return (1 / (data * level) - 1 / (data * np.sqrt(1 + level**2)) + bias) / (2 * np.sqrt(np.pi))


def test_small_levels_keep_their_digits():
    """The printed form loses the squared bias, Bσ⁴, to round-off; of 100 drawn points it was .0100 once at σ = .2."""
    np.testing.assert_allclose(
        kernel_error(LINE, 50, 0.4).total / (2 * np.sqrt(np.pi)), printed_error(50, 0.4), rtol=1e-12
    )
    for variances in (LINE, PLANE):
        curvature = (np.sum(1 / variances) ** 2 + 2 * np.sum(variances**-2)) / 16
        np.testing.assert_allclose(kernel_error(variances, 1, 1e-5).bias, curvature * 1e-20, rtol=1e-8)


@pytest.mark.parametrize("variances", [LINE, PLANE])
def test_best_level_is_where_the_slope_vanishes(variances):
    def slope(log_level, data):
        """Of the printed product form, by hand; as many digits as a root needs at moderate n."""
        square = np.exp(2 * log_level)
        kernel, mean = np.prod(np.sqrt(variances / square)), np.prod((1 + square / variances) ** -0.5)
        half = np.prod((1 + square / (2 * variances)) ** -0.5)
        of_mean = -mean * np.sum(square / (variances + square))
        of_half = -half * np.sum(square / (2 * variances + square))
        return (-len(variances) * kernel - of_mean) / data + of_mean - 2 * of_half

    for data in (10, 1000):
        expected = np.exp(scipy.optimize.brentq(slope, np.log(1e-2), np.log(3.0), args=(data,), xtol=1e-14))
        np.testing.assert_allclose(best_noise_level(variances, data), expected, rtol=1e-8)
    size, many = len(variances), 1e16
    curvature = (np.sum(1 / variances) ** 2 + 2 * np.sum(variances**-2)) / 16
    silverman = (size * np.sqrt(np.prod(variances)) / (4 * curvature * many)) ** (1 / (size + 4))
    np.testing.assert_allclose(best_noise_level(variances, many), silverman, rtol=1e-4)
    np.testing.assert_allclose(error_exponent(variances, many), 4 / (size + 4), rtol=3e-4)
    errors = [float(kernel_error(variances, n, best_noise_level(variances, n)).total) for n in (99.0, 101.0)]
    between = -np.log(errors[1] / errors[0]) / np.log(101 / 99)
    np.testing.assert_allclose(error_exponent(variances, 100.0), between, rtol=1e-4)


def test_gaussian_error_by_quadrature_and_near_equality():
    generated = np.array([1.7, 0.1])
    own, other = ([normal(X, v) for v in each] for each in (PLANE, generated))

    def overlap(first, second):
        return integral(*(a * b for a, b in zip(first, second, strict=True)))

    expected = (overlap(other, other) - 2 * overlap(other, own)) / overlap(own, own) + 1
    np.testing.assert_allclose(gaussian_error(jnp.asarray(PLANE), jnp.asarray(generated)), expected, rtol=1e-10)
    close = gaussian_error(jnp.asarray(LINE), jnp.asarray(LINE) * (1 + 1e-9))
    np.testing.assert_allclose(close, 3 / 16 * 1e-18, rtol=1e-6)


BY_NAME = {case.id: case.values[0] for case in (*cases.ALL, *cases.LAYERED)}
SLOW = (
    "symmetric_two_layer-edm-DenoiserTarget",
    "two_layer-edm-DenoiserTarget",
)


@pytest.mark.slow_cases(*SLOW)
@pytest.mark.parametrize("name", ["one_layer-edm-DenoiserTarget", *SLOW])
def test_trained_error_by_quantiles_of_chi_squared(name):
    """One network of as many modes as there are nodes, in place of one for every node."""
    nodes, weights = np.polynomial.legendre.leggauss(200)
    data = 12
    low, high = scipy.stats.chi2.ppf([1e-14, 0.5], data)[0], scipy.stats.chi2.isf(1e-14, data)
    edges = np.log([low, high])
    places = edges[0] + (edges[1] - edges[0]) * (1 + nodes) / 2
    sampled = np.exp(places)
    density = weights * (edges[1] - edges[0]) / 2 * sampled * scipy.stats.chi2.pdf(sampled, data)
    own, cross = np.ones(TIMES.size), np.ones(TIMES.size)
    generated = BY_NAME[name].denoiser(cases.spectrum(np.outer(PLANE, sampled).ravel() / data), 0.1)
    found = np.asarray(generated.generated_variance(jnp.asarray(TIMES))).reshape(TIMES.size, 2, -1)
    for mode, variance in enumerate(PLANE):
        own = own * (np.sqrt(variance / found[:, mode]) @ density)
        cross = cross * (np.sqrt(2 * variance / (variance + found[:, mode])) @ density)
    error = trained_error(BY_NAME[name].denoiser(cases.spectrum(PLANE), 0.1), TIMES, data)
    np.testing.assert_allclose(error, own - 2 * cross + 1, rtol=1e-8)


def test_trained_error_of_full_matrices():
    """d(d + 2)/8n at the end of training, of which the matrix's modes alone are 3d/8n."""
    data = 1e6
    denoiser = OneLayer(Spectrum.from_variances(PLANE), EDM(1e-7, 1e7), 0.0, 1.0)
    modes = float(trained_error(denoiser, np.inf, data))
    np.testing.assert_allclose(modes, 3 * 2 / (8 * data), rtol=1e-5)
    points = np.random.default_rng(0).normal(size=(4000, 200, 2)) * np.sqrt(PLANE)
    sampled = np.swapaxes(points, 1, 2) @ points / 200
    population, det = np.prod(PLANE), np.linalg.det
    error = np.sqrt(population / det(sampled)) - 2 * np.sqrt(4 * population / det(sampled + np.diag(PLANE))) + 1
    stderr = error.std() / np.sqrt(len(error))
    assert abs(error.mean() - (modes * data + 0.25) / 200) < 4 * stderr + 0.05 / 200


def test_single_precision():
    single = PLANE.astype(np.float32)
    for which in ("variance", "bias"):
        exact, rounded = (getattr(kernel_error(each, 100, 0.2), which) for each in (PLANE, single))
        assert rounded.dtype == np.float32
        np.testing.assert_allclose(rounded, exact, rtol=1e-4)
    np.testing.assert_allclose(best_noise_level(single, 100), best_noise_level(PLANE, 100), rtol=1e-3)


def test_what_is_refused():
    for question in (best_noise_level, error_exponent):
        with pytest.raises(ValueError, match="eigenvalues must be a sequence of positive and finite"):
            question(np.array([1.0, 0.0]), 10)
        with pytest.raises(ValueError, match="data must be one or more"):
            question(LINE, 0)
    with pytest.raises(ValueError, match="noise_level must be positive"):
        kernel_error(LINE, 10, 0.0)
    layer = OneLayer(Spectrum.from_variances(PLANE), EDM(), 0.1, 1.0)
    with pytest.raises(ValueError, match="data must be three or more"):
        trained_error(layer, 1.0, 2)
    with pytest.raises(ValueError, match="a training time, must be zero or more"):
        trained_error(layer, -1.0, 9)
    with pytest.raises(ValueError, match="modes must not mix"):
        trained_error(OneLayerWithBias(Spectrum.from_variances(PLANE), EDM(), 0.1, 1.0), 1.0, 9)
