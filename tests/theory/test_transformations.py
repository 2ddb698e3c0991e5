"""Every public name under `jax.jit`, `vmap`, `grad` and `jacfwd`: as the plain call, or a sentence of ours."""

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


@pytest.mark.parametrize("name", CASES)
def test_a_question_is_transformed(name):
    def question(x):
        return numbers(CASES[name](x))

    plain = np.asarray(question(AT))
    scale = np.maximum(np.abs(plain), 1e-8 * np.abs(plain).max())
    assert np.isfinite(plain).all()
    np.testing.assert_array_less(np.abs(jax.jit(question)(AT) - plain), 1e-7 * scale + 1e-12)
    batch = jax.vmap(question)(jnp.asarray([0.3, AT]))
    assert np.isfinite(batch).all()
    np.testing.assert_array_less(np.abs(batch[1] - plain), 1e-7 * scale + 1e-12)
    forward = np.asarray(jax.jit(jax.jacfwd(question))(AT))
    weight = np.random.default_rng(0).normal(size=plain.shape)
    backward = jax.jit(jax.grad(lambda x: question(x) @ weight))(AT)
    difference = (question(AT + STEP) - question(AT - STEP)) / (2 * STEP)
    error = np.abs(forward - difference)
    np.testing.assert_array_less(error, 1e-5 * np.maximum(np.abs(difference), np.abs(plain)) + 1e-7)
    np.testing.assert_allclose(backward, forward @ weight, rtol=1e-6, atol=1e-8 * np.abs(forward).max() + 1e-12)
