"""Networks trained together on data of their own, against each trained alone."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from sims.networks.nonlinear import mlp_denoiser
from sims.training.edm import EDMTraining
from sims.training.own_data import OwnData, repeated
from sims.training.state import advance
from theory import EDM


def network(key):
    return mlp_denoiser(EDM(), 2, width=3, hidden_layers=1, key=key)


def test_members_are_trained_as_they_would_be_alone():
    data = jax.random.normal(jax.random.key(0), (2, 4, 2), jnp.float32)
    keys, network_keys = jax.random.split(jax.random.key(1)), jax.random.split(jax.random.key(2))
    training = EDMTraining(data[0], optax.adam(1e-2), 8)
    together = OwnData(training, data)
    state = together.init(eqx.filter_vmap(network)(network_keys), keys)
    state = advance(together, state, 5)
    for member in range(2):
        alone = EDMTraining(data[member], training.optimiser, 8)
        single = advance(alone, alone.init(network(network_keys[member]), keys[member]), 5)
        for found, expected in zip(
            jax.tree.leaves(eqx.filter(state.parameters, eqx.is_inexact_array)),
            jax.tree.leaves(eqx.filter(single.parameters, eqx.is_inexact_array)),
            strict=True,
        ):
            np.testing.assert_allclose(found[member], expected, rtol=2e-5, atol=1e-6)


def test_points_are_repeated_equally_often():
    points = jnp.arange(6.0).reshape(3, 2)
    rows = np.asarray(repeated(points, 9))
    assert rows.shape == (9, 2)
    assert all(np.sum((rows == point).all(axis=1)) == 3 for point in np.asarray(points))
    with pytest.raises(ValueError, match="must divide 8; got 3"):
        repeated(points, 8)
