"""Three estimators of one gradient, against the exact gradient of a linear autoencoder and finite differences."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.flatten_util import ravel_pytree

from sims.networks.autoencoder import Autoencoder, autoencoder
from sims.networks.perceptron import perceptron
from sims.training.elbo import ELBOTraining, reparametrised, score_function, score_function_with_baseline
from sims.training.state import advance

D, LATENT, BATCH = 3, 2, 5
KEYS = jax.random.split(jax.random.key(0), 5)
X = jax.random.normal(KEYS[0], (BATCH, D))
ESTIMATORS = {"reparametrised": reparametrised, "score": score_function, "baseline": score_function_with_baseline}
each_estimator = pytest.mark.parametrize("estimator", ESTIMATORS.values(), ids=ESTIMATORS)


def linear():
    encoder = perceptron((D, 2 * LATENT), key=KEYS[1], dtype=float)
    decoder = perceptron((LATENT, D), key=KEYS[2], dtype=float)
    scale = eqx.tree_at(lambda at: at.weights, encoder, (0.4 * encoder.weights[0],))
    return Autoencoder(scale, decoder, jnp.asarray(0.2))


def exact(network):
    """The mean of -ELBO, with the latent integrated by hand: |x - g(m)|² + tr WᵀW e^2ℓ over 2e^2s, and KL."""
    mean, log_deviation = network.posterior(X)
    weight = network.decoder.weights[0]
    squared = jnp.sum((X - network.decoder(mean)) ** 2, axis=1)
    squared = squared + jnp.exp(2 * log_deviation) @ jnp.sum(weight**2, axis=1)
    spread = network.log_spread
    likelihood = squared / (2 * jnp.exp(2 * spread)) + D * (spread + jnp.log(2 * jnp.pi) / 2)
    kl = jnp.sum((mean**2 + jnp.exp(2 * log_deviation)) / 2 - log_deviation - 0.5, axis=1)
    return jnp.mean(likelihood + kl)


def gradients(estimator, count):
    """(count, parameters), each with fresh latents for the same data."""

    def one(key):
        noise = jax.random.normal(key, (BATCH, LATENT))
        return ravel_pytree(eqx.filter_grad(estimator)(linear(), X, noise))[0]

    return np.asarray(jax.jit(jax.vmap(one))(jax.random.split(KEYS[3], count)))


@each_estimator
def test_gradients_have_the_mean_of_the_exact_one(estimator):
    found, right = gradients(estimator, 100_000), ravel_pytree(eqx.filter_grad(exact)(linear()))[0]
    error = found.std(axis=0) / len(found) ** 0.5 + 1e-12
    assert np.all(np.abs(found.mean(axis=0) - right) < 5 * error)
    # Far from zero, so that a missing term would show.
    assert np.linalg.norm(right) > 20 * np.linalg.norm(error)


@pytest.mark.slow
def test_reparametrisation_has_the_least_noise_and_a_baseline_helps():
    noise = {name: gradients(each, 20_000).var(axis=0).sum() for name, each in ESTIMATORS.items()}
    assert 2 * noise["reparametrised"] < noise["baseline"] < 0.7 * noise["score"]


@each_estimator
def test_the_value_is_that_of_the_bound_at_the_latents(estimator):
    noise = jax.random.normal(KEYS[4], (BATCH, LATENT))
    np.testing.assert_allclose(estimator(linear(), X, noise), reparametrised(linear(), X, noise), rtol=1e-12)
    noises = jax.random.normal(KEYS[4], (20_000, BATCH, LATENT))
    values = jax.jit(jax.vmap(lambda noise: estimator(linear(), X, noise)))(noises)
    assert abs(values.mean() - exact(linear())) < 5 * values.std() / len(values) ** 0.5 < 0.05


def test_the_reparametrised_gradient_is_that_of_finite_differences():
    network = autoencoder(D, latent=LATENT, width=4, hidden_layers=1, key=KEYS[1], dtype=float)
    noise = jax.random.normal(KEYS[4], (BATCH, LATENT))
    numbers, rebuild = ravel_pytree(network)
    found = ravel_pytree(eqx.filter_grad(reparametrised)(network, X, noise))[0]
    steps = 1e-6 * np.eye(numbers.size)
    value = jax.jit(jax.vmap(lambda row: reparametrised(rebuild(row), X, noise)))
    right = (value(numbers[None] + steps) - value(numbers[None] - steps)) / 2e-6
    np.testing.assert_allclose(found, right, atol=1e-7)


@pytest.mark.slow
def test_training_lowers_the_bound_and_learns_the_variance():
    """Of data N(0, 4): with e^s and the decoder free, -ELBO falls to the entropy ln(2√(2πe))."""
    data = 2 * jax.random.normal(KEYS[0], (4096, 1))
    network = autoencoder(1, latent=1, width=8, hidden_layers=1, key=KEYS[1], dtype=float)
    training = ELBOTraining(data, optax.adam(1e-2), 128)
    state = advance(training, training.init(network, KEYS[2]), 800)
    bound = reparametrised(state.parameters, data, jax.random.normal(KEYS[3], data.shape))
    assert abs(bound - np.log(2 * np.sqrt(2 * np.pi * np.e))) < 0.05
    assert int(state.step) == 800


def test_refused():
    with pytest.raises(ValueError, match="batch_size must be a whole number of 2 or more"):
        ELBOTraining(X, optax.sgd(0.1), 1)
    with pytest.raises(ValueError, match="training data must be rows"):
        ELBOTraining(X[0], optax.sgd(0.1), 4)
    with pytest.raises(ValueError, match="the key of random batches"):
        ELBOTraining(X, optax.sgd(0.1), 4).init(linear())
