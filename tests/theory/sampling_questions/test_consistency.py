"""Sampling maps over data sets: by other integrals, by infinitely many data, and by data sets that are drawn."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from tests.theory.finite_data.sampled_training_sets import SETTINGS
from theory import EDM, OneLayer, Spectrum, generated_variance
from theory.sampling_questions.consistency import (
    OverData,
    sampling_map_over_data,
    square_root_over_data,
    variance_along,
    with_fourth_moments,
)

VARIANCES = np.geomspace(3.0, 0.03, 6)
END = np.array([2.0, np.inf])
MANY = 1e12


@pytest.fixture(scope="module", autouse=True)
def quick_compilation():
    """Compiling is nearly all the time there is."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


def denoiser_of(process, objective=None, initial=0.3):
    return OneLayer(Spectrum.from_variances(VARIANCES), process, initial, 1.0, objective)


def assert_is_first_order(found, denoiser, times):
    """Of very many data: f(λ) and (1 + δ) λλ' f[λ, λ']²/n, with divided differences of f = √(λ̃/s²)."""

    def root(variances):
        own = OneLayer(Spectrum.from_variances(variances), denoiser.process, 0.3, 1.0, denoiser.objective)
        return jnp.sqrt(generated_variance(own, jnp.asarray(times)) / denoiser.process.prior_variance)

    value, slope = (np.asarray(each) for each in jax.jvp(root, (jnp.asarray(VARIANCES),), (jnp.ones(6),)))
    np.testing.assert_allclose(found.mean, value, rtol=1e-8)
    same = np.eye(6, dtype=bool)
    gap = np.where(same, 1.0, VARIANCES[:, None] - VARIANCES)
    divided = np.where(same, slope[:, :, None] * same, (value[:, :, None] - value[:, None]) / gap)
    expected = (1 + same) * np.outer(VARIANCES, VARIANCES) * divided**2 / MANY
    np.testing.assert_allclose(found.variance, expected, rtol=1e-8)


@pytest.mark.slow
def test_by_the_real_axis_and_by_many_data():
    """Contours around zero and integrals over the real axis share the effective ridge alone."""
    denoiser = denoiser_of(EDM(0.05, 1e7))
    for data in (4, 12, 60):
        found, expected = sampling_map_over_data(denoiser, END, data), square_root_over_data(VARIANCES, data, 0.05)
        np.testing.assert_allclose(found.mean[1] * 1e7, expected.mean, rtol=1e-10)
        np.testing.assert_allclose(found.variance[1] * 1e14, expected.variance, rtol=1e-10)
    assert_is_first_order(sampling_map_over_data(denoiser, END, MANY), denoiser, END)


@pytest.mark.slow
def test_another_process_target_and_preconditioning_by_many_data():
    process, objective, _ = SETTINGS["vp"]
    denoiser, times = denoiser_of(process, objective), np.array([0.5, 4.0])
    assert_is_first_order(sampling_map_over_data(denoiser, times, MANY), denoiser, times)


@pytest.mark.parametrize(("data", "level"), [(4, 0.0), (9, 0.0), (9, 0.3)])
def test_square_root_by_other_nodes(data, level):
    """Props. 5.1 and 5.2 as they are printed, u = s tan θ, with a root finder's κ; times 1 + δ."""
    nodes, weights = np.polynomial.legendre.leggauss(300)
    angle, scale = np.pi / 4 * (1 + nodes), 0.3
    u, weights = scale * np.tan(angle), np.pi / 4 * weights * scale / np.cos(angle) ** 2

    def kappa_of(ridge):
        def excess(log_kappa):
            kappa = np.exp(log_kappa)
            return 1 - ridge / kappa - np.sum(VARIANCES / (VARIANCES + kappa)) / data

        return np.exp(scipy.optimize.brentq(excess, np.log(ridge) - 1, np.log(ridge + 10), xtol=1e-15, rtol=1e-14))

    ridge = level**2 + u**2
    kappa = np.array([kappa_of(each) for each in ridge])
    filters = VARIANCES / (VARIANCES + kappa[:, None])
    found = square_root_over_data(VARIANCES, data, level)
    expected = 2 / np.pi * weights @ ((level**2 + u[:, None] ** 2 * filters) / ridge[:, None])
    np.testing.assert_allclose(found.mean, expected, rtol=1e-8)
    density = 2 / np.pi * weights * u**2 / ridge * kappa
    pair = np.outer(density, density) / (data - filters @ filters.T)
    shares = np.sqrt(VARIANCES) / (VARIANCES + kappa[:, None])
    expected = np.einsum("ij,ik,jk,il,jl->kl", pair, shares, shares, shares, shares, optimize=True)
    np.testing.assert_allclose(found.variance, expected * (1 + np.eye(6)), rtol=1e-8)


def test_roots_of_drawn_covariances_and_pairs_of_them():
    """Up to the order 1/n that is left out; naive values miss by .3 in the mean, by 2 on the diagonal without Wick."""
    variances, data, sets = np.arange(1, 25) ** -1.2, 48, 1500
    points = np.random.default_rng(0).normal(size=(sets, data, variances.size)) * np.sqrt(variances)
    eigenvalues, basis = np.linalg.eigh(np.swapaxes(points, 1, 2) @ points / data)
    roots = (basis * np.sqrt(eigenvalues)[:, None]) @ np.swapaxes(basis, 1, 2)
    theory = square_root_over_data(variances, data)
    np.testing.assert_allclose(np.diagonal(roots.mean(axis=0)), theory.mean, rtol=0.015)
    ratio = roots.var(axis=0) / theory.variance
    assert abs(ratio.mean() - 1) < 0.02
    assert abs(np.diagonal(ratio).mean() - 1) < 0.05
    distance = np.mean(np.sum((roots[::2] - roots[1::2]) ** 2, axis=(1, 2)))
    assert abs(distance / theory.squared_distance(1.0) - 1) < 0.05
    agreement = np.sum(roots[::2] * roots[1::2]) / np.sum(roots**2) * 2
    assert abs(agreement - theory.agreement) < 0.003


def test_variance_along_by_gauss_hermite():
    """Var[vᵀ z zᵀ x] of one Gaussian z of two modes."""
    variances, v, x = np.array([2.0, 0.5]), np.array([0.6, -0.8]), np.array([1.1, 0.4])
    nodes, weights = np.polynomial.hermite_e.hermegauss(8)
    weights = np.outer(weights, weights) / (2 * np.pi)
    z = np.stack(np.meshgrid(nodes, nodes, indexing="ij"), axis=-1) * np.sqrt(variances)
    value = (z @ v) * (z @ x)
    expected = np.sum(weights * value**2) - np.sum(weights * value) ** 2
    elements = jnp.asarray(np.outer(variances, variances) * (1 + np.eye(2)))
    np.testing.assert_allclose(variance_along(elements, jnp.asarray(v), jnp.asarray(x)), expected, rtol=1e-12)


def test_fourth_moments_of_a_finite_population():
    points = np.random.default_rng(1).standard_t(5, size=(50, 3)) * [2.0, 1.0, 0.3]
    products = points[:, :, None] * points[:, None]
    eigenvalues = np.mean(points**2, axis=0)
    fourth = np.mean(products**2, axis=0)
    gaussian = np.outer(eigenvalues, eigenvalues) * (1 + np.eye(3))
    found = with_fourth_moments(jnp.asarray(gaussian), jnp.asarray(eigenvalues), jnp.asarray(fourth))
    centred = products - eigenvalues[:, None] * np.eye(3)
    np.testing.assert_allclose(found, np.mean(centred**2, axis=0), rtol=1e-12)
    normal = jnp.asarray(np.outer(eigenvalues, eigenvalues) * (1 + 2 * np.eye(3)))
    np.testing.assert_allclose(with_fourth_moments(gaussian, jnp.asarray(eigenvalues), normal), gaussian, rtol=1e-12)


def test_agreement_of_the_same_and_of_unrelated_samples():
    mean, variance = jnp.asarray([1.0, 2.0]), jnp.ones((2, 2))
    assert OverData(mean, 0 * variance).agreement == 1
    assert OverData(0 * mean, variance).agreement == 0
    assert OverData(mean, variance).agreement == pytest.approx(5 / 9)
    assert OverData(mean, variance).squared_distance(3.0) == pytest.approx(24.0)


def test_single_precision_and_modes_without_data():
    with_zero = np.append(VARIANCES, 0.0)
    double, single = (
        square_root_over_data(with_zero, 9, 0.1),
        square_root_over_data(with_zero.astype(np.float32), 9, 0.1),
    )
    assert single.mean.dtype == single.variance.dtype == np.float32
    for exact, rounded in zip(double, single, strict=True):
        np.testing.assert_allclose(rounded, exact, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(double.mean[-1], 0.1, rtol=1e-12)
    np.testing.assert_array_equal(double.variance[-1], 0.0)


def test_what_is_refused():
    spectrum = Spectrum.from_variances(VARIANCES)
    with pytest.raises(ValueError, match="one initial gain must be given for all modes"):
        sampling_map_over_data(OneLayer(spectrum, EDM(), np.linspace(0, 1, 6), 1.0), 1.0, 9)
    with pytest.raises(ValueError, match="a training time, must be zero or more"):
        sampling_map_over_data(denoiser_of(EDM()), -1.0, 9)
    with pytest.raises(ValueError, match="data must be one or more"):
        sampling_map_over_data(denoiser_of(EDM()), 1.0, 0)
    with pytest.raises(ValueError, match="noise_level must be zero or more"):
        square_root_over_data(VARIANCES, 9, -0.1)
    assert np.isnan(jax.jit(lambda level: square_root_over_data(VARIANCES, 9, level).mean)(-0.1)).all()
    with pytest.raises(ValueError, match="noise_level must be one number"):
        square_root_over_data(VARIANCES, 9, np.ones(2))
    with pytest.raises(ValueError, match="some eigenvalue must be positive"):
        square_root_over_data(np.zeros(3), 9)
    with pytest.raises(ValueError, match="number of samples must be positive"):
        square_root_over_data(VARIANCES, 0)
