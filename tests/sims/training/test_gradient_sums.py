"""One step that trains and measures: sums against gradients taken one by one, and members against single networks."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from sims.measurements.network_gradients import mean_gradient, norms_of_sums
from sims.networks.autoencoder import autoencoder
from sims.training.elbo import ELBOTraining
from sims.training.gradient_sums import adam_with_sums, at_learning_rate, sums_over_batches
from sims.training.members import Members
from sims.training.state import advance

SEEDS, BATCHES = 2, 6
DATA = jax.random.normal(jax.random.key(0), (64, 2), jnp.float32)
SINGLE = ELBOTraining(DATA, adam_with_sums(1e-2), 8)
TRAINING = Members(SINGLE)
KEYS = jax.random.split(jax.random.key(1), SEEDS)


def make(key):
    return autoencoder(2, latent=1, width=3, hidden_layers=1, key=key)


def trained(steps=5):
    return advance(TRAINING, TRAINING.init(eqx.filter_vmap(make)(KEYS), KEYS), steps)


def one_by_one(state, member):
    """Gradients (batches, parameters) of the keys that a training's steps take, and Adam's scale."""
    network, second = (
        jax.tree.map(lambda leaf: leaf[member], tree)
        for tree in (state.parameters, state.optimiser[1].inner_state[0].nu)
    )
    found, key = [], KEYS[member]
    for _ in range(BATCHES):
        key, batch_key = jax.random.split(key)
        found.append(ravel_pytree(SINGLE.gradient(network, batch_key))[0])
    return np.stack(found).astype(float), 1 / (np.sqrt(np.asarray(ravel_pytree(second)[0], float)) + 1e-8)


@pytest.mark.slow
def test_sums_are_those_of_gradients_at_the_network():
    state = trained()
    sums = sums_over_batches(TRAINING, state, BATCHES, KEYS)
    norms = norms_of_sums(sums, BATCHES)
    assert norms.shape == (SEEDS, 2, 2)
    for member in range(SEEDS):
        plain, scale = one_by_one(state, member)
        np.testing.assert_allclose(
            np.sort(mean_gradient(sums, BATCHES)[member]), np.sort(plain.mean(axis=0)), atol=1e-5
        )
        for kind, gradients in enumerate((plain, plain * scale)):
            expected = [np.mean(np.sum(gradients**2, axis=1)), np.sum(gradients.mean(axis=0) ** 2)]
            np.testing.assert_allclose(norms[member, kind], expected, rtol=1e-3)


def test_measuring_leaves_the_state_alone():
    state = trained()
    before = [np.asarray(leaf) for leaf in jax.tree.leaves(eqx.filter(state.parameters, eqx.is_array))]
    sums_over_batches(TRAINING, state, BATCHES, KEYS)
    for leaf, old in zip(jax.tree.leaves(eqx.filter(state.parameters, eqx.is_array)), before, strict=True):
        np.testing.assert_array_equal(leaf, old)


def test_members_are_single_networks_and_have_learning_rates_of_their_own():
    rates = jnp.asarray([1e-2, 3e-3], jnp.float32)
    start = TRAINING.init(eqx.filter_vmap(make)(KEYS), KEYS)
    together = advance(TRAINING, at_learning_rate(start, rates), 4)
    for member in range(SEEDS):
        alone = at_learning_rate(SINGLE.init(make(KEYS[member]), KEYS[member]), rates[member])
        alone = advance(SINGLE, alone, 4)
        for found, right in zip(jax.tree.leaves(together.parameters), jax.tree.leaves(alone.parameters), strict=True):
            np.testing.assert_allclose(found[member], right, rtol=1e-4, atol=1e-6)


def test_refused():
    with pytest.raises(ValueError, match="batches must be a whole number"):
        sums_over_batches(TRAINING, trained(1), 0, KEYS)
