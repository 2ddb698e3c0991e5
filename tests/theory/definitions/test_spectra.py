"""Spectra against NumPy: sample covariances, stationary data, bases; what is refused."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests import cases
from theory import Spectrum
from theory.definitions.spectra import fourier_basis, patch_covariance, shift_average, stationary_autocovariance


def covariance(spectrum):
    return np.asarray(spectrum.matrix(spectrum.variance))


@given(hnp.arrays(float, (6, 3), elements=st.floats(-10, 10, width=32)))
@cases.property_test
def test_spectrum_of_samples_is_that_of_the_biased_covariance(x):
    x = x + np.arange(18).reshape(6, 3) ** 2  # never constant
    spectrum = Spectrum.from_samples(x)
    expected = np.cov(x, rowvar=False, bias=True)
    np.testing.assert_allclose(covariance(spectrum), expected, rtol=0, atol=1e-12 * np.abs(expected).max())
    np.testing.assert_allclose(spectrum.mean, x.mean(axis=0), rtol=1e-13)
    assert np.all(np.diff(spectrum.variance) <= 0)
    np.testing.assert_allclose(spectrum.basis.T @ spectrum.basis, np.eye(3), atol=1e-13)


def test_fewer_samples_than_dimensions_leave_modes_without_data():
    x = np.random.default_rng(0).normal(size=(3, 5))
    spectrum = Spectrum.from_samples(x)
    assert np.all(spectrum.variance >= 0)
    np.testing.assert_allclose(spectrum.variance[2:], 0, atol=1e-14)
    np.testing.assert_allclose(covariance(spectrum), np.cov(x, rowvar=False, bias=True), atol=1e-13)


def test_samples_keep_their_precision_and_integers_become_floats():
    x = np.random.default_rng(0).normal(size=(9, 2))
    assert Spectrum.from_samples(x.astype(np.float32)).variance.dtype == np.float32
    assert Spectrum.from_samples(jnp.asarray(x)).variance.dtype == np.float64
    np.testing.assert_allclose(Spectrum.from_samples([[0], [2]]).variance, [1.0])


def test_modes_and_positions_are_inverse_and_uncorrelated():
    x = np.random.default_rng(0).normal(size=(40, 3)) @ np.array([[2.0, 1, 0], [0, 1, 0.5], [0, 0, 0.1]]) + 7
    spectrum = Spectrum.from_samples(x)
    modes = spectrum.to_modes(jnp.asarray(x))
    np.testing.assert_allclose(modes.T @ modes / 40, np.diag(spectrum.variance), atol=1e-12)
    np.testing.assert_allclose(spectrum.from_modes(modes), x, rtol=1e-12)
    plain = Spectrum(jnp.asarray([1.0, 2.0]), jnp.asarray([3.0, 0.5]))
    np.testing.assert_array_equal(plain.to_modes(jnp.asarray([1.5, 2.0])), [0.5, 0.0])
    np.testing.assert_array_equal(plain.from_modes(jnp.asarray([0.5, 0.0])), [1.5, 2.0])


def test_matrix_acts_on_modes_with_and_without_a_basis():
    spectrum, _ = cases.rotated_spectrum([3.0, 1.0, 0.2])
    diagonal = np.array([[1.0, 2.0, 3.0], [0.0, -1.0, 5.0]])
    for row, matrix in zip(diagonal, spectrum.matrix(jnp.asarray(diagonal)), strict=True):
        np.testing.assert_allclose(matrix, cases.matrix(spectrum.basis, row), atol=1e-14)
        plain = Spectrum.from_variances([3.0, 1.0, 0.2]).matrix(jnp.asarray(row))
        np.testing.assert_array_equal(plain, np.diag(row))


def test_families_of_spectra():
    np.testing.assert_allclose(Spectrum.power_law(4, 1.5, 2.0).variance, 2 / np.array([1, 2, 3, 4]) ** 1.5, rtol=1e-14)
    quantiles = scipy.stats.lognorm(s=0.7, scale=3.0).ppf([0.9, 0.7, 0.5, 0.3, 0.1])
    np.testing.assert_allclose(Spectrum.log_normal(5, 3.0, 0.7).variance, quantiles, rtol=1e-12)
    given = Spectrum.from_variances([1, 3, 2])
    np.testing.assert_array_equal(given.variance, [1.0, 3.0, 2.0])
    assert given.basis is None
    assert given.dimension == 3
    assert not given.mean.any()


# --- Stationary data on a ring ---


@pytest.mark.parametrize("size", [7, 8])
def test_fourier_basis_diagonalises_every_circulant_covariance(size):
    rng = np.random.default_rng(size)
    power = rng.uniform(0.1, 2, size)
    power = (power + power[-np.arange(size)]) / 2
    autocovariance = np.fft.ifft(power).real
    spectrum = Spectrum.from_autocovariance(autocovariance)
    np.testing.assert_allclose(spectrum.variance, np.fft.fft(autocovariance).real, atol=1e-14)
    np.testing.assert_allclose(covariance(spectrum), scipy.linalg.circulant(autocovariance), atol=1e-14)
    np.testing.assert_allclose(spectrum.basis.T @ spectrum.basis, np.eye(size), atol=1e-14)


def test_fourier_modes_are_cosines_then_sines():
    basis, j = fourier_basis(8), np.arange(8)
    np.testing.assert_allclose(basis[:, 3], 0.5 * np.cos(2 * np.pi * 3 * j / 8), atol=1e-15)
    np.testing.assert_allclose(basis[:, 5], 0.5 * np.sin(2 * np.pi * 3 * j / 8), atol=1e-15)
    np.testing.assert_allclose(basis[:, 4], np.cos(np.pi * j) / np.sqrt(8), atol=1e-15)


def test_autocovariance_and_patches_equal_explicit_averages():
    x = np.random.default_rng(0).normal(size=(5, 7)) + 3
    centred = x - x.mean()
    expected = [np.mean(centred * np.roll(centred, -lag, axis=1)) for lag in range(7)]
    autocovariance = stationary_autocovariance(x)
    np.testing.assert_allclose(autocovariance, expected, atol=1e-13)
    patches = np.stack([np.roll(centred, -shift, axis=1)[:, :3] for shift in range(7)]).reshape(-1, 3)
    np.testing.assert_allclose(patch_covariance(autocovariance, 3), patches.T @ patches / len(patches), atol=1e-13)


def test_patch_covariance_up_to_the_whole_ring():
    autocovariance = np.array([2.0, 1.0, 0.3, 0.3, 1.0])
    np.testing.assert_allclose(patch_covariance(autocovariance, 5), scipy.linalg.toeplitz(autocovariance))
    np.testing.assert_allclose(patch_covariance(autocovariance, 1), [[2.0]])


# --- Stationary data on a torus ---


def torus_covariance(autocovariance):
    """Entry (i, i + o) is r(o), pixels in row order."""
    height, width = autocovariance.shape
    return np.stack([np.roll(autocovariance, (i, j), (0, 1)).ravel() for i in range(height) for j in range(width)])


@pytest.mark.parametrize("shape", [(3, 4), (4, 4), (5, 3), (1, 6), (6, 1)])
def test_fourier_basis_diagonalises_every_covariance_on_a_torus(shape):
    x = np.random.default_rng(0).normal(size=(6, *shape))
    autocovariance = np.asarray(stationary_autocovariance(x))
    spectrum = Spectrum.from_autocovariance(autocovariance)
    np.testing.assert_allclose(spectrum.variance, np.fft.fft2(autocovariance).real.ravel(), rtol=0, atol=1e-13)
    np.testing.assert_allclose(covariance(spectrum), torus_covariance(autocovariance), rtol=0, atol=1e-13)
    np.testing.assert_allclose(spectrum.basis.T @ spectrum.basis, np.eye(np.prod(shape)), atol=1e-14)


def test_torus_modes_are_in_row_order_and_a_torus_of_one_row_is_a_ring():
    basis, (i, j) = fourier_basis((4, 5)), np.indices((4, 5)).reshape(2, 20)
    phase = 2 * np.pi * (i / 4 + 2 * j / 5)
    np.testing.assert_allclose(basis[:, 1 * 5 + 2], np.sqrt(2 / 20) * np.cos(phase), atol=1e-15)
    np.testing.assert_allclose(basis[:, 3 * 5 + 3], np.sqrt(2 / 20) * np.sin(phase), atol=1e-15)
    np.testing.assert_array_equal(fourier_basis((1, 7)), fourier_basis(7))
    np.testing.assert_array_equal(fourier_basis((7, 1)), fourier_basis(7))


def test_autocovariance_and_patches_of_images_equal_explicit_averages():
    x = np.random.default_rng(0).normal(size=(5, 4, 6)) + 3
    centred = x - x.mean()
    shifts = list(np.ndindex(4, 6))
    expected = [np.mean(centred * np.roll(centred, (-i, -j), axis=(1, 2))) for i, j in shifts]
    autocovariance = stationary_autocovariance(x)
    np.testing.assert_allclose(autocovariance, np.reshape(expected, (4, 6)), atol=1e-13)
    patches = np.concatenate([np.roll(centred, shift, axis=(1, 2))[:, :3, :2].reshape(5, 6) for shift in shifts])
    actual = patch_covariance(autocovariance, (3, 2))
    np.testing.assert_allclose(actual, patches.T @ patches / len(patches), atol=1e-13)


@pytest.mark.parametrize("shape", [(6,), (3, 4)])
def test_shift_average_equals_the_covariance_of_all_shifts(shape):
    x = np.random.default_rng(0).normal(size=(40, *shape)) * np.arange(1, 1 + shape[-1])
    shifts, axes = list(np.ndindex(*shape)), tuple(range(1, 1 + len(shape)))
    augmented = np.concatenate([np.roll(x, shift, axes) for shift in shifts]).reshape(-1, np.prod(shape))
    flat = x.reshape(40, -1)
    averaged = shift_average(flat.T @ flat / 40, shape)
    assert averaged.shape == shape
    as_matrix = covariance(Spectrum.from_autocovariance(averaged))
    np.testing.assert_allclose(as_matrix, augmented.T @ augmented / len(augmented), rtol=0, atol=1e-12)


def test_basis_of_a_colour_image_in_bounded_memory():
    """3072 modes; the phase is exact modulo a turn even for the largest product of position and frequency."""
    basis = np.asarray(fourier_basis(3072))
    assert basis.nbytes == 8 * 3072**2
    np.testing.assert_allclose(basis[3071, 3071], np.sqrt(2 / 3072) * np.sin(2 * np.pi * -1 / 3072), rtol=1e-12)


# --- What is refused ---


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Spectrum(jnp.zeros(2), jnp.ones(3)), r"one shape \(d,\)"),
        (lambda: Spectrum(jnp.zeros((2, 1)), jnp.ones((2, 1))), r"one shape \(d,\)"),
        (lambda: Spectrum(jnp.zeros(2), jnp.ones(2), jnp.eye(3)), "a square matrix of 2 modes"),
        (lambda: Spectrum(jnp.zeros(2), jnp.ones(2), jnp.full((2, 2), jnp.nan)), "basis must be finite"),
        (lambda: Spectrum.power_law(2.5, 1.0), "dimension of a spectrum must be a whole number of 1 or more; got 2.5"),
        (lambda: Spectrum(jnp.zeros(2), jnp.asarray([1.0, -1.0])), "variances finite and not negative"),
        (lambda: Spectrum(jnp.zeros(2), jnp.asarray([1.0, jnp.nan])), "finite|NaN"),
        (lambda: Spectrum.from_variances([]), "non-empty vector"),
        (lambda: Spectrum.from_variances([[1.0]]), "non-empty vector"),
        (lambda: Spectrum.from_variances([1.0, 0.0]), "a smallest of 0.0"),
        (lambda: Spectrum.from_variances([1.0, np.nan]), "finite and positive"),
        (lambda: Spectrum.from_samples(np.ones(3)), "n >= 2; got shape"),
        (lambda: Spectrum.from_samples(np.ones((1, 3))), "n >= 2; got shape"),
        (lambda: Spectrum.from_samples([[1.0, np.nan], [0.0, np.inf]]), "got 2 values that are not"),
        (lambda: Spectrum.from_samples(np.ones((4, 2))), "samples must vary"),
        (lambda: Spectrum.from_samples(np.full((10, 2), 0.1)), "samples must vary"),
        (lambda: Spectrum.power_law(0, 1.0), "dimension of a spectrum must be a whole number of 1 or more; got 0"),
        (lambda: Spectrum.log_normal(0), "dimension of a spectrum must be a whole number of 1 or more; got 0"),
        (lambda: Spectrum.from_autocovariance(np.ones((1, 2, 2))), "must be a vector or a matrix"),
        (lambda: Spectrum.from_autocovariance([1.0, 0.5, 0.2]), r"r\(j\) = r\(-j\)"),
        (lambda: Spectrum.from_autocovariance([[1.0, 0.5], [0.2, 0.1], [0.3, 0.1]]), r"r\(j\) = r\(-j\)"),
        (lambda: Spectrum.from_autocovariance([0.1, 0.9, 0.9]), "spectrum of an autocovariance must be zero or more"),
        (lambda: stationary_autocovariance(np.ones(4)), r"shape \(n, N\)"),
        (lambda: shift_average(np.ones((4, 4)), (2, 3)), r"must be \(6, 6\); got \(4, 4\)"),
        (lambda: patch_covariance([1.0, 0.5], 0), "patch width must be a whole number of 1 or more; got 0"),
        (lambda: patch_covariance([1.0, 0.5], 3), "between 1 and 2; got 3"),
        (lambda: patch_covariance(np.ones((3, 2)), 3), "between 1 and 2; got 3"),
        (lambda: patch_covariance(np.ones((3, 2)), (1, 1, 1)), "must be one per axis"),
    ],
)
def test_arguments_that_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()
