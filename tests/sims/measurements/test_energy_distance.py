"""The energy distance, against sums over pairs and what two normal laws have."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import erf

from sims.measurements.energy_distance import energy_distance


def test_sums_over_different_pairs():
    random = np.random.default_rng(0)
    x, y = random.normal(size=(4, 3)), random.normal(size=(5, 3))

    def mean(a, b, same):
        pairs = [(i, j) for i in range(len(a)) for j in range(len(b)) if not (same and i == j)]
        return np.mean([np.linalg.norm(a[i] - b[j]) for i, j in pairs])

    expected = 2 * mean(x, y, False) - mean(x, x, True) - mean(y, y, True)
    np.testing.assert_allclose(energy_distance(jnp.asarray(x), jnp.asarray(y)), expected, rtol=1e-12)


def test_two_normal_laws_and_no_floor():
    """|N(m, 2)| has the mean 2e^(-m²/4)/√π + m erf(m/2)."""

    def found(shift):
        keys = jax.random.split(jax.random.key(0), 200)

        def one(key):
            x, y = jax.random.normal(key, (2, 100, 1))
            return energy_distance(x, y + shift)

        values = np.asarray(jax.jit(jax.vmap(one))(keys))
        return values.mean(), values.std() / len(keys) ** 0.5

    for shift in (0.0, 1.0):
        expected = 2 * (2 * np.exp(-(shift**2) / 4) / np.sqrt(np.pi) + shift * erf(shift / 2)) - 4 / np.sqrt(np.pi)
        value, error = found(shift)
        assert abs(value - expected) < 4 * error < 0.05


def test_whole_numbers_and_derivatives():
    same = jnp.asarray([[0], [200]], jnp.uint8)
    assert float(energy_distance(same, same)) == -200
    slope = jax.grad(lambda x: energy_distance(x, jnp.ones((3, 2))))(jnp.asarray([[0.0, 1.0], [2.0, 3.0]]))
    expected = (
        2 * np.array([[-1.0, 0.0], [1 / 5**0.5, 2 / 5**0.5]]) / 2 - np.array([[-1.0, -1.0], [1.0, 1.0]]) / 8**0.5 * 2
    )
    np.testing.assert_allclose(slope, expected, rtol=1e-12)


@pytest.mark.parametrize("other", [np.zeros((4, 2)), np.zeros((1, 3)), np.zeros(3)])
def test_other_dimensions_and_single_points_are_refused(other):
    with pytest.raises(ValueError, match="two points or more, of one dimension"):
        energy_distance(jnp.zeros((5, 3)), jnp.asarray(other))


def test_any_unit_and_half_precision_over_many_points():
    """Squares of lengths of 1e-25 and 1e25 are no single numbers, and 300·299 is no half one."""
    x, y = (jnp.asarray(each, jnp.float32) for each in np.random.default_rng(0).normal(size=(2, 300, 3)))
    expected = energy_distance(x, y)
    for exponent in (-80, 80, 125):
        assert energy_distance(x * 2.0**exponent, y * 2.0**exponent) == expected * 2.0**exponent
    np.testing.assert_allclose(energy_distance(x.astype(jnp.float16), y.astype(jnp.float16)), expected, atol=1e-4)
    assert np.isnan(energy_distance(x.at[0, 0].set(jnp.nan), y))
