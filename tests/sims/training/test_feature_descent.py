"""Powers of a step are the steps, one after the other; and losses are what the model scores."""

import jax.numpy as jnp
import numpy as np
import pytest

from sims.networks.random_features import feature_averages, population_averages
from sims.training.feature_descent import train_random_features

RANDOM = np.random.default_rng(0)
WEIGHTS, POINTS = RANDOM.normal(size=(6, 3)), RANDOM.normal(size=(4, 3))
ALPHA, SIGMA, STEP = 0.9, 0.43, 0.3
OWN = feature_averages(jnp.asarray(WEIGHTS), jnp.asarray(POINTS), ALPHA, SIGMA)
POPULATION = population_averages(jnp.asarray(WEIGHTS), jnp.ones(3), ALPHA, SIGMA)


def stepped(count):
    """A/√p after so many steps of gradient descent."""
    weight = np.zeros((3, 6))
    for _ in range(count):
        weight = weight - STEP * (weight @ np.asarray(OWN.second) + np.asarray(OWN.cross).T / SIGMA)
    return weight


def test_losses_after_steps_one_by_one():
    steps, losses = train_random_features(OWN, POPULATION, SIGMA, step=STEP, octaves=4)
    np.testing.assert_array_equal(steps, [4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56])
    for count, (train, test) in zip(steps.astype(int), losses, strict=True):
        weight = stepped(count)
        for found, (second, cross, _) in ((train, OWN), (test, POPULATION)):
            fit = SIGMA**2 * np.trace(weight @ np.asarray(second) @ weight.T)
            expected = 1 + (fit + 2 * SIGMA * np.trace(weight @ np.asarray(cross))) / 3
            np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_losses_are_those_of_noisy_points():
    """E|σMf + ξ|²/d, with noise that is drawn, on the points and on fresh data."""
    weight, draws = stepped(20), 100000
    losses = train_random_features(OWN, POPULATION, SIGMA, step=STEP, octaves=3)[1][9]
    noise, clean = RANDOM.normal(size=(2, draws, 3))
    for found, data in zip(losses, (POINTS[RANDOM.integers(4, size=draws)], clean), strict=True):
        features = np.tanh((ALPHA * data + SIGMA * noise) @ WEIGHTS.T / np.sqrt(3))
        squared = np.sum((SIGMA * features @ weight.T + noise) ** 2, axis=1) / 3
        assert abs(squared.mean() - found) < 4.5 * squared.std() / np.sqrt(draws)


def test_refused():
    with pytest.raises(ValueError, match="training has diverged"):
        train_random_features(OWN, POPULATION, SIGMA, step=1e3, octaves=12)
    with pytest.raises(ValueError, match="octaves must be"):
        train_random_features(OWN, POPULATION, SIGMA, step=STEP, octaves=0)
