"""Perceptrons and their sizes, by hand."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sims.networks.adversaries import adversaries
from sims.networks.autoencoder import autoencoder
from sims.networks.perceptron import parameter_count, perceptron, width_of_count

KEY = jax.random.key(0)


def test_layers_follow_one_another():
    network, x = perceptron((2, 3, 1), key=KEY, dtype=float), np.array([[0.5, -1.0], [2.0, 0.1]])
    hidden = x @ np.asarray(network.weights[0])
    expected = hidden / (1 + np.exp(-hidden)) @ np.asarray(network.weights[1])
    np.testing.assert_allclose(network(jnp.asarray(x)), expected, rtol=1e-12)
    assert network.inputs == 2


def test_parameters_are_counted():
    """Two hidden layers of w: 2 → w → w → 2 has 2w + w + w² + w + 2w + 2 numbers."""
    assert parameter_count(perceptron((2, 5, 5, 2), key=KEY)) == 25 + 6 * 5 + 2
    autoencoders = autoencoder(2, latent=2, width=5, hidden_layers=2, key=KEY)
    assert parameter_count(autoencoders) == (25 + 6 * 5 + 2) + (25 + 8 * 5 + 4) + 1
    assert parameter_count(adversaries(2, latent=2, width=5, hidden_layers=2, key=KEY)) == 2 * 25 + 11 * 5 + 3


@pytest.mark.slow_cases("autoencoder")
@pytest.mark.parametrize("make", [autoencoder, adversaries])
def test_no_width_comes_nearer_to_a_number_of_parameters(make):
    of_width = partial(make, 2, latent=2, hidden_layers=2)
    counts = {w: parameter_count(of_width(width=w, key=KEY)) for w in range(1, 15)}
    for wanted in (40, 150, 321):
        found = width_of_count(lambda width, key: of_width(width=width, key=key), wanted, key=KEY)
        assert abs(counts[found] - wanted) == min(abs(each - wanted) for each in counts.values())


def test_refused():
    with pytest.raises(ValueError, match="two sizes or more"):
        perceptron((2,), key=KEY)
    with pytest.raises(ValueError, match="every size must be a whole number"):
        perceptron((2, 0), key=KEY)
