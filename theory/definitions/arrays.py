"""How functions read their arguments: shapes of times, and numbers that become floating-point arrays."""

import functools
import inspect
import itertools
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
    """`eqx.filter_jit`, to which Python numbers are arrays too: floats also inside modules (but see `FormulaChoice`).

    As part of the program, every value would be compiled anew, and XLA on the CPU turns a constant NaN into whatever is
    in memory. Integers are numbers like others (draws, a training time of 1) but for those inside modules, and those of
    arguments that are annotated `int`: shapes hang on them.
    """
    compiled = eqx.filter_jit(question)
    parameters = inspect.signature(question).parameters.values()
    order = [parameter.name for parameter in parameters]
    shapes = {parameter.name for parameter in parameters if parameter.annotation is int}

    def prepared(name: str, argument: Any) -> Any:
        return argument if name in shapes else _numbers_as_arrays(argument)

    @functools.wraps(question)
    def call(*args: Question.args, **kwargs: Question.kwargs) -> Answer:
        named = itertools.zip_longest(order[: len(args)], args, fillvalue="")  # what is too much is refused below
        by_place = [prepared(name, argument) for name, argument in named]
        by_name = {name: prepared(name, argument) for name, argument in kwargs.items()}
        return compiled(*by_place, **by_name)  # pyright: ignore[reportCallIssue]

    return call


def floats_as_arrays(tree: Model) -> Model:
    """The same tree with Python floats as arrays, but for those of a `FormulaChoice`."""
    return jax.tree.map(_array_of_float, tree, is_leaf=lambda node: isinstance(node, FormulaChoice))


def _array_of_float(leaf: Any) -> Any:
    return jnp.asarray(leaf) if isinstance(leaf, float) else leaf


def _numbers_as_arrays(argument: Any) -> Any:
    """The same with integers that are no part of a module as arrays of floats too, 3 as 3.0."""
    return jax.tree.map(_array_of_number, argument, is_leaf=lambda node: isinstance(node, eqx.Module))


def _array_of_number(leaf: Any) -> Any:
    whole = isinstance(leaf, int) and not isinstance(leaf, bool)
    return floats_as_arrays(float(leaf) if whole else leaf)


def scalar(x: ArrayLike) -> Scalar:
    """A parameter as it is kept: an array of JAX's as it is, any other number as a Python float.

    Raises ValueError for more than one number, and for what is no real number.
    """
    if np.shape(x) != ():
        raise ValueError(f"a parameter must be one number; got shape {np.shape(x)}")
    if not is_real(x):
        raise ValueError(f"a parameter must be a real number; got {x!r}")
    return floating(x) if isinstance(x, jax.Array) else float(np.asarray(x))


def is_real(x: ArrayLike) -> bool:
    """Whether numbers are neither complex nor text nor another thing of Python's, by their type."""
    dtype = x.dtype if isinstance(x, jax.Array) else np.asarray(x).dtype
    return any(jnp.issubdtype(dtype, kind) for kind in (jnp.bool_, jnp.integer, jnp.floating))


def is_traced(*trees: Any) -> bool:
    """Whether a transformation (`jax.jit`, `jax.vmap`, `jax.grad`) traces some number, so that it has no value yet."""
    return any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(trees))


def log(x: Scalar) -> Scalar:
    """ln x, of a Python float by NumPy: a number where nothing is traced."""
    return float(np.log(x)) if isinstance(x, float) else jnp.log(x)
