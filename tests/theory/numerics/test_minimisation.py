"""Minima against closed forms and SciPy's, and their derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
from scipy import optimize

from theory.numerics.minimisation import minimum


def rosenbrock(x):
    """1 at (1, 1); its Hessian is not positive everywhere."""
    return 1 + (1 - x[0]) ** 2 + 5 * (x[1] - x[0] ** 2) ** 2


def test_a_curved_valley_from_both_sides():
    assert np.linalg.eigvalsh(jax.hessian(rosenbrock)(jnp.asarray([0.0, 2.0])))[0] < 0
    starts = jnp.asarray([[-1.5, 2.0], [0.0, 2.0], [3.0, -1.0]])
    found = jax.jit(jax.vmap(lambda start: minimum(rosenbrock, start)))(starts)
    np.testing.assert_allclose(found, np.ones((3, 2)), rtol=1e-10)
    np.testing.assert_allclose(optimize.minimize(rosenbrock, [3.0, -1.0], method="Nelder-Mead").x, 1, atol=1e-3)


def test_derivatives_are_those_of_the_implicit_function():
    """e^{ax} + e^{-bx} has its minimum at ln(b/a)/(a + b); a variable that nothing hangs on stays."""

    def at(a, b):
        def function(x):
            return jnp.exp(a * x[0]) + jnp.exp(-b * x[0]) + 0 * x[1]

        return minimum(function, jnp.asarray([0.3, 7.0]))

    def exact(a, b):
        return jnp.log(b / a) / (a + b)

    np.testing.assert_allclose(at(1.3, 0.4), [exact(1.3, 0.4), 7.0], rtol=1e-12)
    for turn in (jax.jacfwd, jax.jacrev):
        found = turn(at, (0, 1))(1.3, 0.4)
        np.testing.assert_allclose([found[0][0], found[1][0]], jax.grad(exact, (0, 1))(1.3, 0.4), rtol=1e-9)


def test_what_is_not_finite_at_the_start_is_not_a_number():
    assert np.isnan(minimum(lambda x: jnp.sum(jnp.log(x)), jnp.asarray([-1.0]))).all()
