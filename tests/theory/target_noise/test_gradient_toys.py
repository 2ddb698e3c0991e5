"""Noise of the gradients of one mean, against gradients that automatic differentiation takes of sampled losses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theory.target_noise.gradient_toys import (
    bilinear_game_distance,
    denoising_signal,
    denoising_variance,
    latent_signal,
    likelihood_signal,
    pathwise_variance,
    score_function_variance,
)

D, S2, COUNT = 4, 1.5, 400_000
DELTA = jnp.asarray([0.6, -0.3, 0.2, 0.5])  # data are about zero
SQUARED = float(jnp.sum(DELTA**2))
KEYS = jax.random.split(jax.random.key(0), 3)
X0 = jnp.sqrt(S2) * jax.random.normal(KEYS[0], (COUNT, D))
EPSILON = jax.random.normal(KEYS[1], (COUNT, D))


def found(loss):
    """|E g|², its standard error, and tr Cov g of the gradients of loss(μ, x_0, ε) at μ = δ."""
    gradients = jax.vmap(jax.grad(loss), (None, 0, 0))(DELTA, X0, EPSILON)
    mean, variance = jnp.mean(gradients, axis=0), float(jnp.sum(jnp.var(gradients, axis=0)))
    error = 2 * float(jnp.sqrt(jnp.sum(mean**2) * jnp.max(jnp.var(gradients, axis=0)) / COUNT)) + variance / COUNT
    return float(jnp.sum(mean**2)), error, variance


def assert_signal(loss, expected, variance=None):
    squared, error, total = found(loss)
    assert abs(squared / total - expected) < 5 * error / total
    assert 5 * error / total < 0.2 * expected
    if variance is not None:
        np.testing.assert_allclose(total, variance, rtol=0.02)


def test_likelihood():
    assert_signal(lambda mu, x, _: jnp.sum((x - mu) ** 2) / (2 * S2), likelihood_signal(SQUARED, S2, D), D / S2)


@pytest.mark.parametrize("level", [0.5, 1.0, 3.0])
def test_denoising_as_a_score_and_as_a_denoiser(level):
    total = S2 + level**2

    def of_score(mu, x0, epsilon):
        return jnp.sum(((mu - x0 - level * epsilon) / total + epsilon / level) ** 2) / 2

    def of_denoiser(mu, x0, epsilon):
        x = x0 + level * epsilon
        return 0.7 * jnp.sum((x + level**2 * (mu - x) / total - x0) ** 2) / 2

    expected = denoising_signal(SQUARED, S2, D, level)
    assert_signal(of_score, expected, D * S2 / (level**2 * total**3))
    assert_signal(of_denoiser, expected, denoising_variance(S2, D, level, 0.7))


def test_latent():
    """Its loss is -ln N(z; μ, τ²) at a z of the posterior at the present mean, which no gradient goes through."""
    latent = 0.6

    def loss(mu, x, epsilon):
        now = jax.lax.stop_gradient(mu)
        z = now + latent / S2 * (x - now) + jnp.sqrt(latent * (S2 - latent) / S2) * epsilon
        return jnp.sum((z - mu) ** 2) / (2 * latent)

    assert_signal(loss, latent_signal(SQUARED, S2, D, latent), D / latent)


@pytest.mark.parametrize("baseline", [0.0, 0.7])
def test_two_estimators_of_one_gradient(baseline):
    sigma = 0.8
    pathwise = found(lambda mu, _, epsilon: jnp.sum((mu + sigma * epsilon) ** 2) / 2)

    def by_score(mu, _, epsilon):
        z = jax.lax.stop_gradient(mu) + sigma * epsilon
        return -(jnp.sum(z**2) / 2 - baseline) * jnp.sum((z - mu) ** 2) / (2 * sigma**2)

    score = found(by_score)
    assert abs(pathwise[0] - score[0]) < 5 * (pathwise[1] + score[1])
    np.testing.assert_allclose(pathwise[2], pathwise_variance(sigma**2, D), rtol=0.02)
    np.testing.assert_allclose(score[2], score_function_variance(SQUARED, sigma**2, D, baseline), rtol=0.04)


def test_the_best_baseline_is_where_the_derivative_vanishes():
    best = (SQUARED + 0.64 * (D + 2)) / 2
    slope = jax.grad(lambda b: score_function_variance(SQUARED, 0.64, D, b))(best)
    np.testing.assert_allclose(slope, 0.0, atol=1e-10)


def test_a_game_of_two_linear_players():
    """Against the recursion of its second moments, and against games that were played."""
    rate, steps, batch, games = 0.2, 30, 8, 4000
    squared = 1.0
    for _ in range(steps):  # E r² → (1 + η²) E r² + η² times the variance of both means
        squared = (1 + rate**2) * squared + rate**2 * 2 * S2 * D / batch
    known = {"steps": steps, "rate": rate, "batch_size": batch}
    np.testing.assert_allclose(bilinear_game_distance(1.0, S2, D, **known), squared, rtol=1e-12)

    def step(players, key):
        theta, psi = players
        noise = jax.random.normal(key, (2, games, batch, D))
        real, fake = (np.sqrt(S2) * part.mean(axis=1) for part in noise)
        return (theta + rate * psi, psi + rate * (real - theta - fake)), None

    start = jnp.zeros((games, D)).at[:, 0].set(1.0), jnp.zeros((games, D))
    (theta, psi), _ = jax.lax.scan(step, start, jax.random.split(KEYS[2], steps))
    played = jnp.sum(theta**2 + psi**2, axis=1)
    assert abs(played.mean() - squared) < 5 * played.std() / games**0.5 < 0.1 * squared


def test_numbers_that_were_measured_before():
    """d = 10, |δ| = ½, s = 1, σ = .3; the game with η = .05, B = 64, 400 steps."""
    np.testing.assert_allclose(likelihood_signal(0.25, 1.0, 10), 0.025)
    levels = np.array([0.1, 1.0, 10.0])
    np.testing.assert_allclose(denoising_signal(0.25, 1.0, 10, levels), [2.475e-4, 0.0125, 0.02475], 1e-3)
    np.testing.assert_allclose(latent_signal(0.25, 1.0, 10, 0.64), 0.016)
    np.testing.assert_allclose(score_function_variance(0.25, 0.09, 10), 57.3, rtol=1e-3)
    game = bilinear_game_distance(0.25, 1.0, 10, steps=400, rate=0.05, batch_size=64)
    np.testing.assert_allclose(game, 1.21, rtol=5e-3)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: likelihood_signal(-1.0, 1.0, 2), "squared_error must be zero or more"),
        (lambda: likelihood_signal(1.0, 0.0, 2), "variance must be positive"),
        (lambda: likelihood_signal(1.0, 1.0, 0), "dimension must be a whole number"),
        (lambda: denoising_signal(1.0, 1.0, 2, -1.0), "level must be zero or more"),
        (lambda: latent_signal(1.0, 1.0, 2, 2.0), "the latent variance must be at most 1"),
        (
            lambda: bilinear_game_distance(1.0, 1.0, 2, steps=1, rate=0.1, batch_size=0),
            "batch_size must be a whole number",
        ),
    ],
)
def test_refused(ask, words):
    with pytest.raises(ValueError, match=words):
        ask()


def test_at_any_noise_level_and_any_rate():
    assert float(denoising_signal(1.0, 1.0, 1, jnp.inf)) == 1
    assert float(denoising_variance(1.0, 1, 1e200)) == 1
    slope = jax.grad(lambda level: denoising_signal(1.0, 1.0, 1, level))
    np.testing.assert_allclose([slope(0.0), slope(0.5), slope(1e200)], [0.0, 2 * 0.5 / 1.25**2, 0.0], atol=1e-15)
    np.testing.assert_allclose(
        bilinear_game_distance(0.0, 1.0, 1, steps=10, rate=1e-9, batch_size=1), 2e-17, rtol=1e-12
    )


def test_what_is_traced_outside_the_domain_is_nan():
    asked = [
        lambda x: likelihood_signal(x, 1.0, 2),
        lambda x: denoising_signal(1.0, 1.0, 2, x),
        lambda x: denoising_variance(1.0, 2, x),
        lambda x: score_function_variance(x, 1.0, 2),
        lambda x: bilinear_game_distance(x, 1.0, 1, steps=1, rate=0.1, batch_size=1),
    ]
    assert np.isnan(jax.jit(lambda x: [ask(x) for ask in asked])(-1.5)).all()
