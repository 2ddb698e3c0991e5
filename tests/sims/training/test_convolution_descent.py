"""Many gradient steps of a filter at once, against single steps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sims.networks.convolution import convolution_denoiser
from sims.training.convolution_descent import train_one_filter
from sims.training.descent import Clock, common_clock, train_full_batch
from sims.training.linear_losses import ShiftMoments, shift_moments
from sims.training.pairs import PairCoefficients
from sims.training.training_sets import training_sets_from_samples

GRID, LEVELS = (4, 3), np.array([0.1, 1.0, 10.0])


def moments_of(samples: int) -> ShiftMoments:
    pairs = PairCoefficients(np.ones(3), LEVELS, np.ones(3), np.zeros(3), np.array([1.0, 0.5, 2.0]))
    mixing = np.eye(12) + 0.4 * np.roll(np.eye(12), 1, axis=1)
    clean = jnp.asarray(np.random.default_rng(0).normal(size=(samples, 12)) @ mixing)
    moments = training_sets_from_samples(clean, pairs, seeds=2, noise_repeats=2, key=jax.random.key(0))
    return shift_moments(jax.tree.map(lambda leaf: leaf.astype(float), moments), GRID)


@pytest.mark.parametrize("widths", [(1, 1), (3, 3), (4, 3)])
@pytest.mark.parametrize("safety", [0.05, 0.9])
def test_many_steps_at_once_are_the_single_steps(widths, safety):
    """Also of steps that overshoot the optimum."""
    moments = moments_of(200)
    clock = common_clock(np.array([1e-3, 1e-2, 0.1]), 24 * (6 + LEVELS**2), smallest_steps=3, safety=safety)
    network = convolution_denoiser(GRID, widths, 0.2, dtype=float)
    trained = train_one_filter(network, moments, clock)
    expected = train_full_batch(network, moments, jnp.asarray(clock.step_sizes), jnp.asarray(clock.steps))
    assert trained.kernel.shape == (2, 3, 3, *widths)
    np.testing.assert_allclose(trained.kernel, expected.kernel, rtol=1e-9, atol=1e-12)


@pytest.mark.slow
def test_millions_of_steps_arrive_at_least_squares_and_precision_is_asked_for():
    moments = moments_of(200)
    clock = Clock(np.full((1, 3), 1e-4) / (1 + LEVELS**2), np.array([10_000_000]), np.full((1, 3), 1.0))
    network = convolution_denoiser(GRID, GRID, 0.2)
    trained = train_one_filter(network, moments, clock).kernel
    longer = train_one_filter(network, moments, clock._replace(steps=np.array([20_000_000]))).kernel
    np.testing.assert_allclose(trained, longer, atol=1e-6)
    jax.config.update("jax_enable_x64", False)
    try:
        with pytest.raises(ValueError, match="double precision"):
            train_one_filter(network, moments, clock)
    finally:
        jax.config.update("jax_enable_x64", True)
