"""Learning curves at finite data against sampled covariances, and their limits."""

import jax.numpy as jnp
import numpy as np
import pytest

from tests.theory.finite_data.sampled_training_sets import VARIANCE, assert_within, denoiser_of
from theory import (
    EDM,
    OneLayer,
    Spectrum,
    effective_ridge,
    expected_gain_over_data,
    expected_generated_variance_over_data,
    expected_loss_over_data,
    gain_variance_over_data,
    generated_variance,
    weight_variance_of_shared_data,
)
from theory.finite_data.deterministic_equivalent import degrees_of_freedom


def sampled_covariances(variance, data, draws, seed=0):
    """Eigenvalues and eigenvectors of sample covariances with known mean."""
    x = np.random.default_rng(seed).normal(size=(draws, data, len(variance))) * np.sqrt(variance)
    eigenvalues, basis = np.linalg.eigh(np.swapaxes(x, 1, 2) @ x / data)
    return np.maximum(eigenvalues, 0.0), basis


@pytest.mark.slow
@pytest.mark.parametrize(("data", "tau"), [(32, 0.2), (32, 20.0), (32, np.inf), (120, 2.0)])
def test_finite_data_curves_against_sampled_covariances(data, tau):
    """Means, variances and losses of 200 sampled data sets in 40 dimensions; the mean leaves out order 1/n."""
    variance, sigma, initial, sets = 10 / np.arange(1.0, 41), 0.5, 0.1, 200
    denoiser = OneLayer(Spectrum.from_variances(variance), EDM(0.01, 50.0), initial, learning_rate=1.0)
    eigenvalues, basis = sampled_covariances(variance, data, sets)
    kept = np.exp(-2 * min(tau, 1e9) * (eigenvalues + sigma**2))
    gain = eigenvalues / (eigenvalues + sigma**2) * (1 - kept) + initial * kept
    maps = (basis * gain[:, None]) @ np.swapaxes(basis, 1, 2)
    mean, error = np.diagonal(maps.mean(axis=0)), np.diagonal(maps.std(axis=0)) / np.sqrt(sets)
    at, count = jnp.asarray(tau), jnp.asarray(float(data))
    theory = np.asarray(expected_gain_over_data(denoiser, at, sigma, count))
    naive = np.asarray(denoiser.gain(at, sigma))
    assert_within(mean, theory, error + 0.5 / data / 4.5)
    assert np.abs(mean - theory).max() < 0.2 * np.abs(mean - naive).max()
    spread, theory = maps.var(axis=0, ddof=1), np.asarray(gain_variance_over_data(denoiser, at, sigma, count))
    np.testing.assert_allclose(np.sum(spread), np.sum(theory), rtol=4 / data)
    np.testing.assert_allclose(np.mean(np.diagonal(spread) / np.diagonal(theory)), 1, rtol=4 / data + 0.03)
    inputs = variance + sigma**2
    losses = variance.sum() - 2 * (np.einsum("bkk->bk", maps) @ variance) + np.sum(maps**2 * inputs, axis=(1, 2))
    expected = expected_loss_over_data(denoiser, at, sigma, count)
    assert_within(losses.mean(), expected, losses.std() / np.sqrt(sets), bias=0.5 / data)


@pytest.mark.slow
def test_generated_variance_of_finite_data():
    variance, data, sets = 10 / np.arange(1.0, 26), 20, 200
    denoiser = OneLayer(Spectrum.from_variances(variance), EDM(0.01, 50.0), 0.1, learning_rate=1.0)
    eigenvalues, basis = sampled_covariances(variance, data, sets)
    for tau in jnp.asarray([0.1, 3.0, np.inf]):
        theory = np.asarray(expected_generated_variance_over_data(denoiser, tau, data))
        modes = Spectrum(jnp.zeros(eigenvalues.size), jnp.asarray(eigenvalues.ravel()))
        generated = np.asarray(generated_variance(OneLayer(modes, denoiser.process, 0.1, 1.0), tau))
        each = np.einsum("bkj,bj->bk", basis**2, generated.reshape(eigenvalues.shape))
        assert_within(each.mean(axis=0), theory, each.std(axis=0) / np.sqrt(sets), bias=1 / data)
    # Infinite data: the closed form; the end of training: the sample covariance, whose mean is the population's.
    np.testing.assert_allclose(
        expected_generated_variance_over_data(denoiser, jnp.asarray(3.0), 1e12),
        generated_variance(denoiser, 3.0),
        rtol=1e-7,
    )
    np.testing.assert_allclose(theory, generated_variance(denoiser, np.inf), rtol=1e-2)


@pytest.mark.slow
def test_limits_of_the_finite_data_curves():
    denoiser = denoiser_of("edm", initial=0.1)
    np.testing.assert_allclose(expected_gain_over_data(denoiser, 0.0, 0.7, 5), 0.1, rtol=1e-12)
    np.testing.assert_allclose(gain_variance_over_data(denoiser, 0.0, 0.7, 5), 0.0, atol=1e-25)
    tau = jnp.asarray([0.2, jnp.inf])
    np.testing.assert_allclose(
        expected_gain_over_data(denoiser, tau, 0.7, 1e12), denoiser.gain(tau, 0.7 * jnp.ones(2)), rtol=1e-10
    )
    np.testing.assert_allclose(
        gain_variance_over_data(denoiser, tau, 0.7, 1e9),
        weight_variance_of_shared_data(denoiser, tau, 0.7, data=1e9, noises=jnp.inf),
        rtol=1e-7,
    )
    # The fully trained denoiser at any d/n: Prop. 4.2 with the Wick term, from the effective ridge alone.
    lam, sigma, n = VARIANCE, 0.7, 6
    kappa = effective_ridge(lam, n, sigma**2)
    diamond = lam / (lam + kappa) ** 2
    expected = kappa**2 / (n - degrees_of_freedom(lam, kappa, kappa)) * np.outer(diamond, diamond) * (1 + np.eye(3))
    np.testing.assert_allclose(gain_variance_over_data(denoiser, jnp.inf, sigma, n), expected, rtol=1e-10)
    np.testing.assert_allclose(
        expected_gain_over_data(denoiser, jnp.inf, sigma, n), lam / (lam + np.asarray(kappa)), rtol=1e-11
    )
