"""Training sets: their moments against expectations over data and noise."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sims.measurements.estimates import mean_over
from sims.training.descent import Clock
from sims.training.pairs import PairCoefficients, SecondMoments
from sims.training.training_sets import (
    gaussian_training_sets,
    noise_averaged_training_sets,
    shared_data_training_sets,
    training_sets_from_samples,
)
from theory import Spectrum

KEY = jax.random.key(0)
VARIANCE = np.array([2.0, 0.5, 0.1])
BASIS = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
SPECTRUM = Spectrum(jnp.zeros(3), jnp.asarray(VARIANCE), jnp.asarray(BASIS))
LEVELS = jnp.asarray([0.3, 1.0])
CLOCK = Clock(np.full((2, 2), 0.1), np.array([3, 5]), np.array([[0.3, 0.3], [0.8, 0.8]]))


@pytest.mark.parametrize("noises", [1, 5])
def test_shared_data_have_their_moments_and_share_them(noises):
    """Means of the moments, and the variance of E x_0 x_0ᵀ, which more noises per datum leave alone."""
    data, members = 40, 400
    moments = shared_data_training_sets(SPECTRUM, LEVELS, members=members, data=data, noises=noises, key=KEY)
    covariance = (BASIS * VARIANCE) @ BASIS.T
    assert moments.noisy.shape == (members, 2, 3, 3)
    for name, expected in (
        ("cross", np.broadcast_to(covariance, (2, 3, 3))),
        ("noisy", covariance + np.asarray(LEVELS)[:, None, None] ** 2 * np.eye(3)),
    ):
        estimate = mean_over(getattr(moments, name))
        assert (np.abs(estimate.value - expected) < 4.5 * estimate.stderr).all()
    # target = tr of the sample covariance of the clean data: variance 2 Σ λ²/n for any m.
    target = np.asarray(moments.target[:, 0], dtype=float)
    np.testing.assert_allclose(target.var(), 2 * np.sum(VARIANCE**2) / data, rtol=4.5 * np.sqrt(2 / members))
    # cross - target's part is the noise's: variance σ² Σ_k λ_k/nm on the diagonal.
    trace = np.trace(np.asarray(moments.cross[:, 0], dtype=float), axis1=1, axis2=2) - target
    expected = float(LEVELS[0]) ** 2 * VARIANCE.sum() / (data * noises)
    np.testing.assert_allclose(trace.var(), expected, rtol=4.5 * np.sqrt(2 / members))


def test_noise_averaged_sets_are_the_sample_covariance():
    moments = noise_averaged_training_sets(SPECTRUM, LEVELS, members=5, data=7, key=KEY)
    cross, noisy = np.asarray(moments.cross), np.asarray(moments.noisy)
    np.testing.assert_allclose(cross[:, 0], cross[:, 1], rtol=1e-6)
    np.testing.assert_allclose(noisy - cross, np.asarray(LEVELS)[:, None, None] ** 2 * np.eye(3) + 0 * cross, atol=1e-6)
    np.testing.assert_allclose(np.trace(cross[:, 0], axis1=1, axis2=2), moments.target[:, 0], rtol=1e-5)
    many = noise_averaged_training_sets(SPECTRUM, LEVELS, members=2, data=200_000, key=KEY)
    np.testing.assert_allclose(many.cross[0, 0], (BASIS * VARIANCE) @ BASIS.T, atol=0.05)


def test_ensembles_are_reproducible_and_members_differ():
    first, again = (shared_data_training_sets(SPECTRUM, LEVELS, members=2, data=5, noises=2, key=KEY) for _ in range(2))
    assert isinstance(first, SecondMoments)
    np.testing.assert_array_equal(first.cross, again.cross)
    assert (np.asarray(first.cross[0]) != np.asarray(first.cross[1])).any()


FOUR_VARIANCES = np.array([3.0, 0.5, 0.1, 0.02])
ROTATION = np.linalg.qr(np.random.default_rng(3).normal(size=(4, 4)))[0]
THREE_LEVELS = np.array([0.1, 1.0, 3.0])
COEFFICIENTS = np.array([[1.0, 0.8, 0.2], [0.1, 1.0, 3.0], [1.0, -0.5, 1.0], [0.0, 0.7, -1.0], [1.0, 2.0, 0.3]])


def dtypes(networks):
    return {leaf.dtype.name for leaf in jax.tree.leaves(networks)}


@pytest.mark.parametrize("basis", [None, ROTATION], ids=["diagonal", "rotated"])
def test_training_sets_have_the_spectrum_and_the_levels(basis):
    """Every entry of the moments within 4.5 standard errors of its expectation; seeds and levels in their places."""
    spectrum = Spectrum(jnp.zeros(4), jnp.asarray(FOUR_VARIANCES), None if basis is None else jnp.asarray(basis))
    moments = gaussian_training_sets(spectrum, jnp.asarray(THREE_LEVELS), seeds=30, samples=500, key=KEY)
    rotation = np.eye(4) if basis is None else basis
    covariance = (rotation * FOUR_VARIANCES) @ rotation.T
    expected = {
        "target": np.full(3, FOUR_VARIANCES.sum()),
        "cross": np.broadcast_to(covariance, (3, 4, 4)),
        "noisy": covariance + THREE_LEVELS[:, None, None] ** 2 * np.eye(4),
    }
    assert dtypes(moments) == {"float32"}
    for name, value in expected.items():
        estimate = mean_over(getattr(moments, name))
        assert (np.abs(estimate.value - value) < 4.5 * estimate.stderr).all()


def test_training_sets_have_the_mean_of_their_spectrum():
    spectrum = Spectrum(jnp.asarray([1.0, -2.0, 0.0, 0.5]), jnp.asarray(FOUR_VARIANCES), jnp.asarray(ROTATION))
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
