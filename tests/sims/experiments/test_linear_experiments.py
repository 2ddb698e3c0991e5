"""Training sets and measurements of the experiments with linear networks, against expectations and explicit maps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sims.experiments.linear import (
    gaussian_training_sets,
    generated_mode_variances,
    generated_moments,
    mode_gains,
    training_sets_from_samples,
)
from sims.measurements.estimates import mean_over
from sims.sampling.linear_flow import FlowCoefficients, denoising_flow
from sims.training.pairs import PairCoefficients
from theory import Spectrum

KEY = jax.random.key(0)
LEVELS = np.array([0.1, 1.0, 3.0])
VARIANCE = np.array([3.0, 0.5, 0.1, 0.02])
BASIS = np.linalg.qr(np.random.default_rng(3).normal(size=(4, 4)))[0]
COEFFICIENTS = np.array([[1.0, 0.8, 0.2], [0.1, 1.0, 3.0], [1.0, -0.5, 1.0], [0.0, 0.7, -1.0], [1.0, 2.0, 0.3]])


def dtypes(networks):
    return {leaf.dtype.name for leaf in jax.tree.leaves(networks)}


@pytest.mark.parametrize("basis", [None, BASIS], ids=["diagonal", "rotated"])
def test_training_sets_have_the_spectrum_and_the_levels(basis):
    """Every entry of the moments within 4.5 standard errors of its expectation; seeds and levels in their places."""
    spectrum = Spectrum(jnp.zeros(4), jnp.asarray(VARIANCE), None if basis is None else jnp.asarray(basis))
    moments = gaussian_training_sets(spectrum, jnp.asarray(LEVELS), seeds=30, samples=500, key=KEY)
    rotation = np.eye(4) if basis is None else basis
    covariance = (rotation * VARIANCE) @ rotation.T
    expected = {
        "target": np.full(3, VARIANCE.sum()),
        "cross": np.broadcast_to(covariance, (3, 4, 4)),
        "noisy": covariance + LEVELS[:, None, None] ** 2 * np.eye(4),
    }
    assert dtypes(moments) == {"float32"}
    for name, value in expected.items():
        estimate = mean_over(getattr(moments, name))
        assert (np.abs(estimate.value - value) < 4.5 * estimate.stderr).all()


def test_training_sets_have_the_mean_of_their_spectrum():
    spectrum = Spectrum(jnp.asarray([1.0, -2.0, 0.0, 0.5]), jnp.asarray(VARIANCE), jnp.asarray(BASIS))
    pairs = PairCoefficients(*map(jnp.asarray, COEFFICIENTS))
    moments = gaussian_training_sets(spectrum, pairs, seeds=30, samples=500, key=KEY)
    for name, factor in (("target_mean", COEFFICIENTS[2]), ("noisy_mean", COEFFICIENTS[0])):
        estimate = mean_over(getattr(moments, name))
        assert (np.abs(estimate.value - np.outer(factor, spectrum.mean)) < 4.5 * estimate.stderr).all()


def test_training_sets_of_given_samples_have_fresh_noise():
    """Every sample with noise of its own: moments within 4.5 standard errors of their expectation over the noise.

    Their scatter over seeds is that of n·m independent draws of noise.
    """
    clean, repeats = np.random.default_rng(2).normal(size=(25, 3)) + [1.0, 0.0, -0.5], 8
    pairs = PairCoefficients(*map(jnp.asarray, COEFFICIENTS))
    moments = training_sets_from_samples(jnp.asarray(clean), pairs, seeds=400, noise_repeats=repeats, key=KEY)
    alpha, sigma, signal, noise, _ = COEFFICIENTS[:, :, None, None]
    second, mean = clean.T @ clean / 25, clean.mean(axis=0)
    expected = {
        "noisy": alpha**2 * second + sigma**2 * np.eye(3),
        "cross": alpha * signal * second + sigma * noise * np.eye(3),
        "target_mean": signal[..., 0] * mean,
        "noisy_mean": alpha[..., 0] * mean,
    }
    assert dtypes(moments) == {"float64"}
    np.testing.assert_array_equal(moments.weight, np.tile(COEFFICIENTS[4], (400, 1)))
    for name, value in expected.items():
        estimate = mean_over(getattr(moments, name))
        # Where y is the data alone, its mean has no scatter.
        assert (np.abs(estimate.value - value) < 4.5 * estimate.stderr + 1e-12).all()
    scatter = np.var(np.asarray(moments.noisy_mean), axis=0, ddof=1) / (COEFFICIENTS[1] ** 2 / (25 * repeats))[:, None]
    assert np.abs(scatter - 1).max() < 4.5 * np.sqrt(2 / 399)


@pytest.mark.parametrize("basis", [None, BASIS], ids=["diagonal", "rotated"])
def test_mode_gains_are_the_diagonal_in_the_basis(basis):
    maps = np.random.default_rng(0).normal(size=(2, 3, 4, 4))
    rotation = np.eye(4) if basis is None else basis
    expected = np.einsum("...kk->...k", rotation.T @ maps @ rotation)
    gains = mode_gains(jnp.asarray(maps), None if basis is None else jnp.asarray(basis))
    np.testing.assert_allclose(gains, expected, rtol=1e-12, atol=1e-13)


# --- Generated samples: 2 seeds, 2 snapshots, networks of 4 levels ---

TIMES = np.array([0.1, 0.3, 0.6, 1.0])
STATE, OUTPUT = np.array([0.2, -0.4, 0.1, 0.0]), np.array([1.0, 0.5, -1.0, 0.7])
MAPS = np.random.default_rng(4).normal(size=(2, 2, 4, 4, 4))
OFFSETS = np.random.default_rng(5).normal(size=(2, 2, 4, 4))


def affine_map(maps, offsets):
    """Matrix and shift of Heun's steps of dx/dt = r x + g (W x + b), by the images of zero and of the unit vectors."""
    columns = []
    for start in (np.zeros(4), *np.eye(4)):
        x = start
        for i, h in enumerate(np.diff(TIMES)):
            first = STATE[i] * x + OUTPUT[i] * (maps[i] @ x + offsets[i])
            ahead = x + h * first
            second = STATE[i + 1] * ahead + OUTPUT[i + 1] * (maps[i + 1] @ ahead + offsets[i + 1])
            x = x + h / 2 * (first + second)
        columns.append(x)
    return np.stack(columns[1:], axis=1) - columns[0][:, None], columns[0]


@pytest.mark.parametrize("basis", [None, BASIS], ids=["diagonal", "rotated"])
@pytest.mark.parametrize("biased", [False, True])
def test_generated_moments_are_those_of_the_networks_own_map(basis, biased):
    """Every entry of mean and covariance within 4.5 standard errors of a normal sample's, for every set of networks."""
    samples, scale, rotation = 4000, 1.7, np.eye(4) if basis is None else basis
    flow = FlowCoefficients(*map(jnp.asarray, (TIMES, STATE, OUTPUT, scale)))
    moments = generated_moments(
        jnp.asarray(MAPS),
        jnp.asarray(OFFSETS) if biased else None,
        flow,
        None if basis is None else jnp.asarray(basis),
        samples=samples,
        key=KEY,
    )
    assert moments.mean.shape == (2, 2, 4)
    for at in np.ndindex(2, 2):
        matrix, shift = affine_map(MAPS[at], OFFSETS[at] if biased else np.zeros((4, 4)))
        covariance = scale**2 * rotation.T @ matrix @ matrix.T @ rotation
        spread = np.diag(covariance)
        error = np.sqrt(spread / samples)
        assert (np.abs(moments.mean[at] - rotation.T @ shift) < 4.5 * error).all()
        error = np.sqrt((np.outer(spread, spread) + covariance**2) / samples)
        assert (np.abs(moments.covariance[at] - covariance) < 4.5 * error).all()
        np.testing.assert_array_equal(moments.variance[at], np.diag(moments.covariance[at]))


def test_generated_variances_agree_between_their_two_entrances():
    """Noise levels of denoisers, the same as coefficients of the flow, and the covariance's diagonal."""
    levels = jnp.asarray([5.0, 2.0, 0.7, 0.1])
    maps = jnp.asarray(0.3 * MAPS)
    options = {"samples": 50, "key": KEY}
    by_levels = generated_mode_variances(maps, levels, jnp.asarray(BASIS), **options)
    by_flow = generated_mode_variances(maps, denoising_flow(levels), jnp.asarray(BASIS), **options)
    np.testing.assert_allclose(by_levels, by_flow, rtol=1e-11)
    moments = generated_moments(maps, None, denoising_flow(levels), jnp.asarray(BASIS), **options)
    np.testing.assert_allclose(by_levels, moments.variance, rtol=1e-11)
    assert len(np.unique(by_levels)) == by_levels.size  # every set of networks its own noise
