"""Steps of both players, against gradients written out by hand for linear players."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from sims.networks.adversaries import Adversaries, adversaries
from sims.networks.perceptron import perceptron
from sims.training.adversarial import AdversarialTraining, discriminator_loss, minimax, non_saturating
from sims.training.state import advance

D, LATENT, BATCH = 2, 3, 6
KEYS = jax.random.split(jax.random.key(0), 4)
REAL = jax.random.normal(KEYS[0], (BATCH, D)) + 1.0
NOISE = jax.random.normal(KEYS[1], (BATCH, LATENT))


def linear():
    return Adversaries(perceptron((LATENT, D), key=KEYS[2], dtype=float), perceptron((D, 1), key=KEYS[3], dtype=float))


def logistic(logits):
    return 1 / (1 + np.exp(-logits))


def by_hand(network, slope):
    """Gradients of x' = zA + a, logit = xw + c, where `slope` is d(generator's loss)/d(logit)."""
    a_matrix, a_offset = (np.asarray(each[0]) for each in (network.generator.weights, network.generator.biases))
    w, c = np.asarray(network.discriminator.weights[0]), np.asarray(network.discriminator.biases[0])
    real, latent = np.asarray(REAL), np.asarray(NOISE)
    fake = latent @ a_matrix + a_offset
    on_real, on_fake = logistic(real @ w + c) - 1, logistic(fake @ w + c)
    pull = slope(on_fake) * w.T  # of every sample, d loss/d x'
    return {
        "A": latent.T @ pull / BATCH,
        "a": pull.mean(axis=0),
        "w": (real.T @ on_real + fake.T @ on_fake) / BATCH,
        "c": (on_real + on_fake).mean(axis=0),
    }


SLOPES = {"minimax": (minimax, lambda s: -s), "non-saturating": (non_saturating, lambda s: s - 1)}


@pytest.mark.parametrize(("loss", "slope"), SLOPES.values(), ids=SLOPES)
def test_gradients_are_those_written_out(loss, slope):
    network, training = linear(), AdversarialTraining(REAL, optax.sgd(0.1), BATCH, loss)
    found, right = training.gradient_at(network, REAL, NOISE), by_hand(network, slope)
    np.testing.assert_allclose(found.generator.weights[0], right["A"], rtol=1e-10)
    np.testing.assert_allclose(found.generator.biases[0], right["a"], rtol=1e-10)
    np.testing.assert_allclose(found.discriminator.weights[0], right["w"], rtol=1e-10)
    np.testing.assert_allclose(found.discriminator.biases[0], right["c"], rtol=1e-10)


def test_a_step_moves_both_from_where_they_were():
    """Data that are one point, and latents that are known from the key."""
    training = AdversarialTraining(REAL[:1], optax.sgd(0.1), BATCH)
    state = training.init(linear(), KEYS[0])
    batch_key = jax.random.split(KEYS[0])[1]
    latent = jax.random.normal(jax.random.split(batch_key)[1], (BATCH, LATENT))
    gradient = training.gradient_at(linear(), jnp.broadcast_to(REAL[:1], (BATCH, D)), latent)
    after = training.step(state).parameters
    expected = jax.tree.map(lambda old, by: old - 0.1 * by, linear(), gradient)
    for found, right in zip(jax.tree.leaves(after), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-12)


def test_losses_by_enumeration():
    real, fake = jnp.asarray([0.3, -1.0]), jnp.asarray([2.0, -0.5])
    np.testing.assert_allclose(minimax(fake), np.mean(np.log(1 - logistic(np.asarray(fake)))), rtol=1e-12)
    np.testing.assert_allclose(non_saturating(fake), -np.mean(np.log(logistic(np.asarray(fake)))), rtol=1e-12)
    expected = -np.mean(np.log(logistic(np.asarray(real)))) - np.mean(np.log(1 - logistic(np.asarray(fake))))
    np.testing.assert_allclose(discriminator_loss(real, fake), expected, rtol=1e-12)


def test_a_generator_finds_the_mean_of_its_data():
    data = 3.0 + 0.5 * jax.random.normal(KEYS[0], (2048, 1))
    network = adversaries(1, latent=1, width=8, hidden_layers=1, key=KEYS[1], dtype=float)
    training = AdversarialTraining(data, optax.adam(3e-3, b1=0.5), 64)
    state = advance(training, training.init(network, KEYS[2]), 1500)
    samples = state.parameters.generator(jax.random.normal(KEYS[3], (2048, 1)))
    assert abs(float(samples.mean()) - 3.0) < 0.7


def test_refused():
    with pytest.raises(ValueError, match="training data must be rows"):
        AdversarialTraining(REAL[0], optax.sgd(0.1), 4)
    with pytest.raises(ValueError, match="the key of random batches"):
        AdversarialTraining(REAL, optax.sgd(0.1), 4).init(linear())
