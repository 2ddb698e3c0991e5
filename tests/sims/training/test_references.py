"""Targets that are averaged over references: their mean is the exact denoiser's, and shared ones cost less only."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from sims.networks.mlp_unet import mlp_unet
from sims.networks.preconditioned import PreconditionedNetwork
from sims.training.edm import EDMTraining
from sims.training.references import References, average, average_of_shared
from sims.training.state import advance

RANDOM = np.random.default_rng(4)
POINTS = RANDOM.normal(size=(5, 2))
BATCH = 8


def test_products_of_matrices_are_sums_of_squares():
    noisy, members = RANDOM.normal(size=(7, 3)), 100 + RANDOM.normal(size=(11, 3))
    alpha, sigma = RANDOM.uniform(0.5, 1.0, (7, 1)), RANDOM.uniform(0.2, 2.0, (7, 1))
    noisy = noisy + 100 * alpha
    found = average_of_shared(*map(jnp.asarray, (noisy, members, alpha, sigma)))
    own = jnp.broadcast_to(jnp.asarray(members), (7, 11, 3))
    np.testing.assert_allclose(
        found, average(jnp.asarray(noisy), own, jnp.asarray(alpha), jnp.asarray(sigma)), rtol=1e-10
    )
    weight = np.exp(-np.sum((noisy[:, None] - alpha[..., None] * members) ** 2, axis=-1) / (2 * sigma**2))
    np.testing.assert_allclose(found, weight @ members / weight.sum(axis=1, keepdims=True), rtol=1e-8)


@pytest.mark.parametrize("shared", [False, True])
def test_the_mean_target_given_the_noisy_point_is_the_exact_denoiser(shared):
    x, sigma, references = np.array([0.2, -0.1]), 0.9, References(BATCH + 3, shared)
    posterior = np.exp(-np.sum((x - POINTS) ** 2, axis=1) / (2 * sigma**2))
    posterior /= posterior.sum()
    points, noisy, levels = jnp.asarray(POINTS), jnp.tile(x, (BATCH, 1)), jnp.full(BATCH, sigma)

    def mean_target(key):
        """Of the first of a batch, whose others are as likely as data, not as its x_0."""
        own_key, batch_key, other_key = jax.random.split(key, 3)
        clean = points[jax.random.randint(batch_key, (BATCH,), 0, 5)]
        clean = clean.at[0].set(points[jax.random.categorical(own_key, jnp.log(posterior))])
        return references.targets(clean, noisy, levels, points, key=other_key)[0]

    found = np.asarray(jax.jit(jax.vmap(mean_target))(jax.random.split(jax.random.key(0), 40000)))
    error = found.std(axis=0) / np.sqrt(len(found))
    np.testing.assert_array_less(np.abs(found.mean(axis=0) - posterior @ POINTS), 5 * error)
    # Less scatter than without references, and more than none.
    alone = posterior @ np.sum((POINTS - posterior @ POINTS) ** 2, axis=1)
    assert 0.01 * alone < np.sum(found.var(axis=0)) < 0.4 * alone


@pytest.mark.parametrize("references", [References(1), References(1, shared=True)])
def test_one_reference_is_denoising_score_matching(references):
    training = EDMTraining(POINTS, optax.adam(1e-2), BATCH, references=references)
    batch = training.draw(jax.random.key(1))
    np.testing.assert_array_equal(batch.target, batch.clean)


@pytest.mark.slow
@pytest.mark.parametrize("references", [References(4), References(BATCH, shared=True)])
def test_networks_train_on_averages(references):
    training = EDMTraining(POINTS.astype(np.float32), optax.adam(1e-2), BATCH, references=references)
    batch = training.draw(jax.random.key(1))
    assert np.max(np.linalg.norm(batch.target - batch.clean, axis=1)) > 0.1
    network = PreconditionedNetwork(mlp_unet(2, layers=2, width=8, embedding=4, key=jax.random.key(2)))
    error = network(batch.clean + batch.levels[:, None] * batch.noise, batch.levels) - batch.target
    weight = training.weight(network.process, batch.levels)
    np.testing.assert_allclose(
        training.loss(network, batch), np.mean(np.asarray(weight) * np.sum(np.square(error), axis=1)), rtol=1e-5
    )
    state = advance(training, training.init(network, jax.random.key(3)), 3)
    assert int(state.step) == 3


def test_refused():
    with pytest.raises(ValueError, match="number of references must be a whole number"):
        References(0)
    with pytest.raises(ValueError, match="at least as many as a batch, 8, which is among them; got 4"):
        EDMTraining(POINTS, optax.adam(1e-2), BATCH, references=References(4, shared=True))
