"""Ensembles over training sets: moments against expectations, descent and jackknife against loops."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sims.experiments.training_sets import (
    descend,
    loss_on_fresh_data,
    noise_averaged_training_sets,
    pooled_variance_ratio,
    shared_data_training_sets,
    variance_over_members,
)
from sims.measurements.estimates import mean_over
from sims.training.descent import Clock
from sims.training.pairs import SecondMoments
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


def test_descent_is_that_of_the_quadratic_loss_in_mode_coordinates():
    moments = shared_data_training_sets(SPECTRUM, LEVELS, members=3, data=30, noises=2, key=KEY)
    maps = descend(SPECTRUM, moments, CLOCK, initial_gain=0.2)
    assert maps.shape == (3, 2, 2, 3, 3)
    for member in range(3):
        for level in range(2):
            weight, done = 0.2 * np.eye(3), 0
            cross, noisy = (np.asarray(each[member, level]) for each in (moments.cross, moments.noisy))
            for stage, count in enumerate(CLOCK.steps):
                for _ in range(int(count)):
                    weight = weight - 2 * 0.1 * (weight @ noisy - cross)
                    done += 1
                np.testing.assert_allclose(maps[member, stage, level], BASIS.T @ weight @ BASIS, atol=2e-6)


def test_loss_on_fresh_data_is_an_expectation():
    generator, weight, sigma = np.random.default_rng(1), np.random.default_rng(2).normal(size=(3, 3)) / 2, 0.7
    clean = generator.normal(size=(200_000, 3)) * np.sqrt(VARIANCE)
    losses = np.sum((clean - (clean + sigma * generator.normal(size=clean.shape)) @ weight.T) ** 2, axis=1)
    value = float(loss_on_fresh_data(jnp.asarray(weight), SPECTRUM, sigma))
    assert abs(losses.mean() - value) < 4.5 * losses.std() / np.sqrt(len(losses))


def test_variance_and_its_jackknife_error():
    """Against leaving members out one by one, and the error against the spread of many ensembles."""
    weights = np.random.default_rng(4).normal(size=(20, 2, 3, 3)) * np.arange(1.0, 4.0)
    left_out = np.stack([np.var(np.delete(weights, i, axis=0), axis=0, ddof=1) for i in range(20)])
    estimate = variance_over_members(weights)
    np.testing.assert_allclose(estimate.value, weights.var(axis=0, ddof=1), rtol=1e-12)
    jackknife = np.sqrt(19 / 20 * np.sum((left_out - left_out.mean(axis=0)) ** 2, axis=0))
    np.testing.assert_allclose(estimate.stderr, jackknife, rtol=1e-10)

    predicted = np.broadcast_to(np.arange(1.0, 4.0) ** 2, (2, 3, 3))
    pooled = pooled_variance_ratio(weights, predicted)
    np.testing.assert_allclose(pooled.value, np.mean(estimate.value / predicted, axis=(1, 2)), rtol=1e-12)
    ensembles = np.random.default_rng(5).normal(size=(300, 20, 3, 3))
    ratios = [pooled_variance_ratio(each, np.ones((3, 3))) for each in ensembles]
    spread, claimed = np.std([r.value for r in ratios]), np.sqrt(np.mean([r.stderr**2 for r in ratios]))
    np.testing.assert_allclose(claimed, spread, rtol=0.15)
    with pytest.raises(ValueError, match="three members"):
        variance_over_members(weights[:2])


def test_ensembles_are_reproducible_and_members_differ():
    first, again = (shared_data_training_sets(SPECTRUM, LEVELS, members=2, data=5, noises=2, key=KEY) for _ in range(2))
    assert isinstance(first, SecondMoments)
    np.testing.assert_array_equal(first.cross, again.cross)
    assert (np.asarray(first.cross[0]) != np.asarray(first.cross[1])).any()
