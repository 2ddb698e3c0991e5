"""Fixed points against linear algebra and root finding, and their derivatives in both modes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from theory.numerics.fixed_points import fixed_point

RNG = np.random.default_rng(0)
MAP = RNG.normal(size=(6, 6)) / 6  # spectral radius well below one
OFFSET = RNG.normal(size=6)


def linear(matrix, offset):
    return fixed_point(lambda x: matrix @ x + offset, jnp.zeros(6))


def test_of_a_linear_map():
    exact = np.linalg.solve(np.eye(6) - MAP, OFFSET)
    np.testing.assert_allclose(linear(jnp.asarray(MAP), jnp.asarray(OFFSET)), exact, atol=1e-4)


@pytest.mark.parametrize("jacobian", [jax.jacfwd, jax.jacrev])
def test_derivatives_of_a_linear_map(jacobian):
    """dx/db = (1 - A)⁻¹, however well x is known, and dx_i/dA_jk = (1 - A)⁻¹_ij x_k, which needs x."""
    inverse = np.linalg.inv(np.eye(6) - MAP)
    of_matrix, of_offset = jacobian(linear, argnums=(0, 1))(jnp.asarray(MAP), jnp.asarray(OFFSET))
    np.testing.assert_allclose(of_offset, inverse, atol=1e-6)
    np.testing.assert_allclose(of_matrix, inverse[:, :, None] * (inverse @ OFFSET)[None, None], atol=1e-4)


def test_second_derivatives_of_a_curved_map():
    """x = cos(ax) has x' = -x s/(1 + a s), s = sin(ax), and x'' by SciPy's finite differences of that."""

    def root(a):
        return scipy.optimize.brentq(lambda x: x - np.cos(a * x), 0, 2, xtol=1e-15)

    def slope(a):
        x = root(a)
        return -x * np.sin(a * x) / (1 + a * np.sin(a * x))

    def value(a):
        return fixed_point(lambda x: jnp.cos(a * x), jnp.ones(1))[0]

    values, slopes = jax.jit(jax.vmap(jax.value_and_grad(value)))(jnp.asarray([0.3, 0.7]))
    np.testing.assert_allclose(values, [root(0.3), root(0.7)], rtol=0, atol=1e-5)
    np.testing.assert_allclose(slopes, [slope(0.3), slope(0.7)], rtol=0, atol=1e-5)
    assert abs(jax.jit(jax.grad(jax.grad(value)))(0.7) - (slope(0.7 + 1e-5) - slope(0.7 - 1e-5)) / 2e-5) < 1e-4


def test_what_does_not_matter_has_the_derivative_zero():
    """An exact start, and a parameter that moves nothing: residuals of exactly zero divide nothing."""

    def value(a):
        return jnp.sum(fixed_point(lambda x: 0.5 * x + 0.0 * a, jnp.zeros(3)))

    assert jax.jit(jax.value_and_grad(value))(2.0) == (0.0, 0.0)
    assert jax.jit(jax.jacfwd(value))(2.0) == 0.0


def test_derivatives_by_another_form_of_the_same_function():
    def value(a, tangent_step):
        def step(x):
            return jax.lax.stop_gradient(x / 2 + a)

        return fixed_point(step, jnp.zeros(1), tangent_step=tangent_step)[0]

    assert jax.grad(value)(4.0, None) == 0.0
    assert abs(jax.grad(lambda a: value(a, lambda x: x / 2 + a))(4.0) - 2) < 1e-6


def test_what_does_not_converge_is_not_a_number():
    assert np.isnan(jax.jit(lambda start: fixed_point(jnp.exp, start))(jnp.zeros(2))).all()
