"""The linear system of weights and bias: its eigenvalues, its exponential where one mode is shifted, derivatives."""

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.linalg
from hypothesis import given

from tests import cases
from tests.theory.spectral_law.test_one_layer_with_bias import rotation
from theory.spectral_law.parametrisations.one_layer_with_bias import bias_and_mode, relaxation_rates, symmetric_decay

MATRICES = st.tuples(
    hnp.arrays(float, 4, elements=st.sampled_from([1e-4, 0.3, 0.3, 1.0, 1.0, 7.0])),
    hnp.arrays(float, 4, elements=st.sampled_from([0.0, 0.0, 1e-6, 0.4, -1.0, 3.0])),
)


def system(inputs, mean):
    extended = np.append(mean, 1.0)
    return np.diag(np.append(inputs, 0.0)) + np.outer(extended, extended)


@pytest.mark.slow
@given(MATRICES)
@cases.property_test
def test_rates_are_the_eigenvalues_of_the_system(pair):
    expected = np.linalg.eigvalsh(system(*pair))
    rates = relaxation_rates(*map(jnp.asarray, pair))
    np.testing.assert_allclose(rates, expected, rtol=1e-12, atol=1e-14 * expected[-1])
    np.testing.assert_allclose(np.prod(rates), np.prod(pair[0]), rtol=1e-9)


@pytest.mark.parametrize(
    ("variance", "mean"), [(0.5, 2.0), (1.0, 0.0), (3.0, 0.0), (1.0, 1e-9), (1e-4, 5.0), (0.0, 1.0)]
)
def test_bias_and_one_mode_equal_the_matrix_exponential(variance, mean):
    for time in (0.0, 1e-3, 0.3, 4.0):
        expected = scipy.linalg.expm(-2 * time * system([variance], [mean]))
        np.testing.assert_allclose(bias_and_mode(variance, mean, time), expected, rtol=0, atol=1e-14)


DEGENERATE = {
    "identity": np.eye(4),
    "two pairs": np.diag([1.0, 1.0, 0.3, 0.3]),
    "nearly": np.diag([1.0, 1.0 + 1e-9, 0.3, 2.0]),
    "zero": np.zeros((4, 4)),
    "distinct": np.diag([3.0, 1.0, 0.3, 0.01]),
}


@pytest.mark.parametrize("name", DEGENERATE)
def test_derivatives_of_the_decay_equal_frechet_derivatives(name):
    basis = rotation(4, 5)
    matrix = basis @ DEGENERATE[name] @ basis.T
    direction = np.random.default_rng(2).normal(size=(4, 4))
    direction = direction + direction.T
    for time in (0.0, 0.1, 2.0, 30.0):
        value, by_matrix = jax.jvp(
            lambda m, t=time: symmetric_decay(m, jnp.asarray(t)), (jnp.asarray(matrix),), (jnp.asarray(direction),)
        )
        expected, frechet = scipy.linalg.expm_frechet(-time * matrix, -time * direction)
        np.testing.assert_allclose(value, expected, rtol=0, atol=1e-13)
        np.testing.assert_allclose(by_matrix, frechet, rtol=0, atol=1e-12)
        by_time = jax.jacfwd(symmetric_decay, 1)(jnp.asarray(matrix), jnp.asarray(time))
        np.testing.assert_allclose(by_time, -matrix @ expected, rtol=0, atol=1e-12)
        # Reverse mode is the transpose: <G, dD[E]> = <grad, E>.
        cotangent = np.arange(16.0).reshape(4, 4)
        _, pull_back = jax.vjp(lambda m, t=time: symmetric_decay(m, jnp.asarray(t)), jnp.asarray(matrix))
        gradient = pull_back(jnp.asarray(cotangent))[0]
        np.testing.assert_allclose(np.sum(gradient * direction), np.sum(cotangent * frechet), rtol=1e-10, atol=1e-11)
