"""Divided differences against many digits."""

import jax.numpy as jnp
import mpmath
import numpy as np
import pytest

from theory.numerics.matrix_functions import divided_differences


@pytest.mark.parametrize("rate", [1e-3, 1.0, 1e4, 1e12])
def test_divided_differences_of_close_and_far_arguments(rate):
    """Both branches, and both sides of the switch between them, against 60 digits."""
    x = np.concatenate([[0.0, 1e-16, 3e-16], *(c * (1 + np.array([0, 1e-15, 1e-9, 1e-3, 0.3])) for c in (1e-6, 1, 30))])

    def exact(f, slope):
        result = np.empty((x.size, x.size))
        with mpmath.workdps(60):
            for i, j in np.ndindex(result.shape):
                left, right = map(mpmath.mpf, (x[i], x[j]))
                result[i, j] = slope(left) if x[i] == x[j] else (f(left) - f(right)) / (left - right)
        return result

    floor = mpmath.mpf(4e-6)
    decay = exact(lambda v: mpmath.exp(-rate * v), lambda v: -rate * mpmath.exp(-rate * v))
    logarithm = exact(lambda v: mpmath.log(v + floor), lambda v: 1 / (v + floor))
    actual = divided_differences(lambda v: jnp.stack([jnp.exp(-rate * v), jnp.log(v + 4e-6)]), jnp.asarray(x))
    np.testing.assert_allclose(actual[0], decay, rtol=1e-11, atol=1e-11 * rate * np.exp(-rate * 1e-6))
    np.testing.assert_allclose(actual[1], logarithm, rtol=2e-11)
