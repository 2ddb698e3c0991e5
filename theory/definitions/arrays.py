"""How functions read their arguments: shapes of times, and numbers that become floating-point arrays."""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

Question = ParamSpec("Question")
Answer = TypeVar("Answer")

Time = Float[Array, "*batch"]


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
    """`eqx.filter_jit`, to which a Python float is an array too, alone or in a tuple.

    As part of the program, every value would be compiled anew, and XLA on the CPU turns a constant NaN into whatever is
    in memory. Floats inside modules stay as they are.
    """
    compiled = eqx.filter_jit(question)

    @functools.wraps(question)
    def call(*args: Question.args, **kwargs: Question.kwargs) -> Answer:
        args, kwargs = jax.tree.map(_array_of_float, (args, kwargs), is_leaf=_is_module)
        return compiled(*args, **kwargs)

    return call


def _is_module(node: Any) -> bool:
    return isinstance(node, eqx.Module)


def _array_of_float(leaf: Any) -> Any:
    return jnp.asarray(leaf) if isinstance(leaf, float) else leaf
