"""How functions read their arguments: shapes of times, and numbers that become floating-point arrays."""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Float

Question = ParamSpec("Question")
Answer = TypeVar("Answer")
Model = TypeVar("Model")

Time = Float[Array, "*batch"]

# A parameter of a process: a number as it was given, an array once a compiled function or a transformation has it.
Scalar = float | Float[Array, ""]


class FormulaChoice(eqx.Module):
    """A module whose Python floats choose between formulas, and are therefore part of the program: w = σ^-2a, say.

    Given as an array, such a number is a variable, and what holds for every value of it is computed.
    """


def floating(x: ArrayLike) -> Array:
    """`x` as a floating-point array; integers take the default precision. Raises ValueError for complex numbers."""
    x = jnp.asarray(_real(x))
    return x if jnp.issubdtype(x.dtype, jnp.floating) else x.astype(float)


def default_floating(x: ArrayLike) -> Array:
    """`x` in the default precision. Raises ValueError for complex numbers, whose imaginary parts would be lost."""
    return jnp.asarray(_real(x), dtype=float)


def _real(x: ArrayLike) -> ArrayLike:
    if jnp.iscomplexobj(x):
        raise ValueError("numbers must be real; got complex ones")
    return x


def jit(question: Callable[Question, Answer]) -> Callable[Question, Answer]:
    """`eqx.filter_jit`, to which a Python float is an array too, also inside modules (but see `FormulaChoice`).

    As part of the program, every value would be compiled anew, and XLA on the CPU turns a constant NaN into whatever is
    in memory.
    """
    compiled = eqx.filter_jit(question)

    @functools.wraps(question)
    def call(*args: Question.args, **kwargs: Question.kwargs) -> Answer:
        args, kwargs = floats_as_arrays((args, kwargs))
        return compiled(*args, **kwargs)

    return call


def floats_as_arrays(tree: Model) -> Model:
    """The same tree with Python floats as arrays, but for those of a `FormulaChoice`."""
    return jax.tree.map(_array_of_float, tree, is_leaf=lambda node: isinstance(node, FormulaChoice))


def _array_of_float(leaf: Any) -> Any:
    return jnp.asarray(leaf) if isinstance(leaf, float) else leaf


def scalar(x: ArrayLike) -> Scalar:
    """A parameter as it is kept: an array of JAX's as it is, any other number as a Python float.

    Raises ValueError for more than one number.
    """
    if np.shape(x) != ():
        raise ValueError(f"a parameter must be one number; got shape {np.shape(x)}")
    return floating(x) if isinstance(x, jax.Array) else float(np.asarray(x))


def is_traced(*trees: Any) -> bool:
    """Whether a transformation (`jax.jit`, `jax.vmap`, `jax.grad`) traces some number, so that it has no value yet."""
    return any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(trees))


def log(x: Scalar) -> Scalar:
    """ln x, of a Python float by NumPy: a number where nothing is traced."""
    return float(np.log(x)) if isinstance(x, float) else jnp.log(x)
