"""Networks that are linear at every noise level: interpolation between nodes, and convolution, in plain NumPy."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sims.networks.filter_by_level import FilterByLevel, filter_by_level
from sims.networks.linear_by_level import LinearByLevel, linear_by_level, shares_of_nodes

RANDOM = np.random.default_rng(5)
LOW, HIGH, NODES = math.log(0.01), math.log(10.0), 4
LOG_SIGMA = np.array([-9.0, LOW, -3.1, 0.3, 2.0, 7.0])  # two of them beyond the nodes
BETWEEN = np.clip((LOG_SIGMA - LOW) / (HIGH - LOW) * (NODES - 1), 0, NODES - 1)


def interpolated(values):
    """Of (nodes, ...), at every level: NumPy's own interpolation, entry by entry."""
    flat = values.reshape(NODES, -1)
    columns = [np.interp(BETWEEN, np.arange(NODES), column) for column in flat.T]
    return np.stack(columns, axis=1).reshape(-1, *values.shape[1:])


def test_shares_interpolate_linearly_in_the_logarithm_of_the_noise_level():
    shares = np.asarray(shares_of_nodes(jnp.asarray(LOG_SIGMA / 4), NODES, LOW, HIGH))
    np.testing.assert_allclose(shares, interpolated(np.eye(NODES)), atol=1e-14)


@pytest.mark.parametrize("layers", [1, 2])
def test_linear_network_applies_the_matrices_of_its_level(layers):
    factors = RANDOM.normal(size=(layers, NODES, 3, 3))
    x = RANDOM.normal(size=(LOG_SIGMA.size, 3))
    network = LinearByLevel(tuple(jnp.asarray(each) for each in factors), LOW, HIGH)
    expected = x
    for each in factors:
        expected = np.einsum("nij,nj->ni", interpolated(each), expected)
    np.testing.assert_allclose(network(jnp.asarray(x), jnp.asarray(LOG_SIGMA / 4)), expected, atol=1e-13)
    one = network(jnp.asarray(x), jnp.asarray(LOG_SIGMA[3:4] / 4))
    np.testing.assert_allclose(one[3], expected[3], atol=1e-13)


@pytest.mark.parametrize("colours", [1, 2])
def test_convolution_applies_the_filter_of_its_level(colours):
    height, width, taps = 4, 5, 3
    filters = RANDOM.normal(size=(NODES, taps, taps, colours, colours))
    x = RANDOM.normal(size=(LOG_SIGMA.size, height, width, colours))
    network = FilterByLevel(jnp.asarray(filters), (height, width, colours), LOW, HIGH)
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    expected = np.zeros_like(x)
    for row, column in np.ndindex(height, width):
        seen = padded[:, row : row + taps, column : column + taps]
        expected[:, row, column] = np.einsum("nabi,nabio->no", seen, interpolated(filters))
    flat = x.reshape(LOG_SIGMA.size, -1)
    found = network(jnp.asarray(flat), jnp.asarray(LOG_SIGMA / 4))
    np.testing.assert_allclose(found, expected.reshape(flat.shape), atol=1e-13)
    one = network(jnp.asarray(flat), jnp.asarray(LOG_SIGMA[2:3] / 4))
    np.testing.assert_allclose(one[2], found[2], atol=1e-13)


def test_untrained_networks():
    """One layer and a filter give nothing; several layers give Q times a rotation of the input."""
    x, levels = jnp.asarray(RANDOM.normal(size=(2, 4)), jnp.float32), jnp.zeros(1)
    key = jax.random.key(0)
    assert not np.any(linear_by_level(4, nodes=3, key=key)(x, levels))
    assert not np.any(filter_by_level((2, 2, 1), taps=3, nodes=3)(x, levels))
    deep = linear_by_level(4, nodes=3, key=key, layers=3, initial_gain=0.05)(x, levels)
    np.testing.assert_allclose(jnp.linalg.norm(deep, axis=1), 0.05 * jnp.linalg.norm(x, axis=1), rtol=1e-5)


def test_what_they_refuse():
    with pytest.raises(ValueError, match="taps must be odd"):
        filter_by_level((4, 4, 1), taps=2, nodes=3)
    for build in (
        lambda **ends: filter_by_level((4, 4, 1), taps=3, nodes=3, **ends),
        lambda **ends: linear_by_level(4, nodes=3, key=jax.random.key(0), **ends),
    ):
        with pytest.raises(ValueError, match="0 < sigma_min < sigma_max"):
            build(sigma_min=1.0, sigma_max=0.5)
    with pytest.raises(ValueError, match="nodes"):
        filter_by_level((4, 4, 1), taps=3, nodes=1)
