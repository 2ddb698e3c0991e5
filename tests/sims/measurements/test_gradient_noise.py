"""Gradient noise against numbers that are known exactly: a mean that is learned in four ways."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sims.measurements.gradient_noise import SquaredNorms, gradient_noise, squared_norms

DIMENSION, SPREAD = 10, 1.0
AWAY = jnp.full(DIMENSION, 0.5 / np.sqrt(DIMENSION))  # the error of the mean, |δ| = ½; data are about zero


def likelihood(key, size):
    """∇_μ of -ln N(x; μ, s²)."""
    x = SPREAD * jax.random.normal(key, (size, DIMENSION))
    return (AWAY - x.mean(axis=0)) / SPREAD**2


def denoising(sigma):
    """∇_μ of ½|s_μ(x) - u|², s_μ(x) = (μ - x)/(s² + σ²), u = -ε/σ."""

    def gradient(key, size):
        own, noise = jax.random.split(key)
        epsilon = jax.random.normal(noise, (size, DIMENSION))
        x = SPREAD * jax.random.normal(own, (size, DIMENSION)) + sigma * epsilon
        total = SPREAD**2 + sigma**2
        return jnp.mean((AWAY[None] - x) / total + epsilon / sigma, axis=0) / total

    return gradient


def reparametrised(key, size):
    """∇_μ of ½|z - a|² with z = μ + σε, |μ - a|² = ¼."""
    return AWAY + 0.3 * jnp.mean(jax.random.normal(key, (size, DIMENSION)), axis=0)


def score_function(key, size):
    """The same by ½|z - a|² ∇_μ ln N(z; μ, σ²)."""
    epsilon = jax.random.normal(key, (size, DIMENSION))
    loss = jnp.sum((AWAY[None] + 0.3 * epsilon) ** 2, axis=1) / 2
    return jnp.mean(loss[:, None] * epsilon, axis=0) / 0.3


# |E g|²/tr Cov(g), formulas I: |δ|²/ds² = .025 of likelihood, σ²/(s² + σ²) times that of denoising; tr Cov of the rest.
RATIOS = {
    "likelihood": (likelihood, 0.025),
    "denoising, .5": (denoising(0.5), 0.025 * 0.25 / 1.25),
    "denoising, 1": (denoising(1.0), 0.0125),
    "denoising, 10": (denoising(10.0), 0.025 * 100 / 101),
}


@pytest.mark.parametrize(("gradient", "expected"), RATIOS.values(), ids=RATIOS)
def test_signal_over_variance_is_known(gradient, expected):
    norms = squared_norms(gradient, small=64, batches=16, repetitions=100, key=jax.random.key(0))
    found = gradient_noise(norms)
    assert abs(found.ratio.value * expected - 1) < 5 * found.ratio.stderr * expected
    assert found.ratio.stderr * expected < 0.12


def test_variance_by_reparametrisation_and_by_the_score_function():
    squared, d, variance = 0.25, DIMENSION, 0.09
    known = (d * squared**2 + 4 * variance * squared * (d + 2)) / (4 * variance)
    known += (variance**2 * d * (d + 2) * (d + 4) + 2 * squared * variance * d * (d + 2)) / (4 * variance) - squared
    for gradient, expected in ((reparametrised, d * variance), (score_function, known)):
        found = gradient_noise(squared_norms(gradient, small=16, batches=8, repetitions=400, key=jax.random.key(1)))
        assert abs(found.variance.value - expected) < 5 * found.variance.stderr < 0.2 * expected
        assert abs(found.signal.value - squared) < 5 * found.signal.stderr


@pytest.mark.parametrize("unit", [1.0, 1e-22])
def test_small_noise_of_a_large_gradient_in_single_precision(unit):
    """tr Cov is 1e-12 of |g|²: less than single precision tells of squares, and with the small unit they are zero."""

    def gradient(key, size):
        noise = jax.random.normal(key, (size, 1000), jnp.float32).mean(axis=0)
        return jnp.float32(unit) * (1 + jnp.float32(1e-6) * noise)

    found = gradient_noise(squared_norms(gradient, small=2, batches=8, repetitions=50, key=jax.random.key(3)))
    np.testing.assert_allclose(found.variance.value, 1e-9 * unit**2, rtol=0.02)
    np.testing.assert_allclose(found.signal.value, 1000 * unit**2, rtol=1e-5)


def test_solved_for_both():
    norms = SquaredNorms(np.array([3.0, 3.0]), np.array([2.25, 2.25]), (1, 4))
    found = gradient_noise(norms)
    np.testing.assert_allclose([found.variance.value, found.signal.value, found.ratio.value], [1.0, 2.0, 0.5])


def test_what_an_optimiser_makes_of_it():
    plain, halved = (
        squared_norms(likelihood, small=4, batches=2, repetitions=3, key=jax.random.key(2), scale=scale)
        for scale in (None, jnp.full(DIMENSION, 0.5))
    )
    np.testing.assert_allclose(halved.small, plain.small / 4, rtol=1e-6)


def test_refused():
    with pytest.raises(ValueError, match="batches must be two or more"):
        squared_norms(likelihood, small=4, batches=1, repetitions=3, key=jax.random.key(0))
    with pytest.raises(ValueError, match="small must be a whole number"):
        squared_norms(likelihood, small=0, batches=2, repetitions=3, key=jax.random.key(0))
