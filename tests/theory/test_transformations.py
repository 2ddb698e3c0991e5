"""Every public name under `jax.jit`, `jax.vmap`, `jax.vjp` and `jax.jvp`, held against the plain call."""

import inspect

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import theory
from tests.theory.transformation_cases import ABSTRACT, CASES, RESULTS

AT = jnp.asarray(0.45)
STEP = 1e-5


def test_the_table_has_every_public_name():
    assert {*CASES, *ABSTRACT, *RESULTS} == set(theory.__all__)
    assert all(inspect.isabstract(getattr(theory, name)) for name in ABSTRACT)


def numbers(answer):
    """All floating-point numbers of an answer, as one vector."""
    leaves = [jnp.asarray(leaf) for leaf in jax.tree.leaves(eqx.filter(answer, eqx.is_array_like))]
    return jnp.concatenate([leaf.ravel().astype(float) for leaf in leaves])


@pytest.mark.slow  # compiles every name in four ways: minutes
@pytest.mark.parametrize("name", CASES)
def test_a_question_is_transformed(name):
    def question(x):
        return numbers(CASES[name](x))

    plain = np.asarray(question(AT))
    assert np.isfinite(plain).all()
    weight = jnp.asarray(np.random.default_rng(0).normal(size=plain.shape))

    # Forward derivatives with the batch and backward ones with the value: two programs in place of four, but not one,
    # since XLA takes longer for both in one than for each.
    @jax.jit
    def forwards(x):
        places = x + STEP * jnp.asarray([-1.0, 0.0, 1.0])
        return jax.vmap(lambda place: jax.jvp(question, (place,), (jnp.ones_like(place),)))(places)

    @jax.jit
    def backwards(x):
        value, pull_back = jax.vjp(question, x)
        return value, *pull_back(weight)

    (batch, slopes), (compiled, backward) = jax.tree.map(np.asarray, (forwards(AT), backwards(AT)))
    (before, batched, after), forward = batch, slopes[1]
    allowed = 1e-7 * np.maximum(np.abs(plain), 1e-8 * np.abs(plain).max()) + 1e-12
    np.testing.assert_array_less(np.abs(compiled - plain), allowed)
    np.testing.assert_array_less(np.abs(batched - plain), allowed)
    difference = (after - before) / (2 * STEP)
    allowed = 1e-5 * np.maximum(np.abs(difference), np.abs(plain)) + 1e-7
    np.testing.assert_array_less(np.abs(forward - difference), allowed)
    np.testing.assert_allclose(backward, forward @ weight, rtol=1e-6, atol=1e-8 * np.abs(forward).max() + 1e-12)
