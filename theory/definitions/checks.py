"""What arguments must be, in one sentence each: ValueError before anything is computed.

Inside a compiled function arrays are traced and have no values to check; `checked_jit` looks at them before. Arguments
that an outer transformation (`jax.jit`, `jax.vmap`, `jax.grad`) traces have no values at any time: outside their domain
they become NaN (`nan_unless`), and so does what is computed from them.
"""

import functools
import inspect
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Float

from theory.definitions.arrays import Answer, Question, Scalar, is_traced, jit


def checked_jit(
    **checks: Callable[[str, Any], None],
) -> Callable[[Callable[Question, Answer]], Callable[Question, Answer]]:
    """`jit` for functions whose arguments of these names are checked, by name and value, at every call."""

    def compile_checked(question: Callable[Question, Answer]) -> Callable[Question, Answer]:
        signature, compiled = inspect.signature(question), jit(question)

        @functools.wraps(question)
        def checked(*args: Question.args, **kwargs: Question.kwargs) -> Answer:
            arguments = signature.bind(*args, **kwargs).arguments
            for name, check in checks.items():
                check(name, arguments[name])
            return compiled(*args, **kwargs)

        return checked

    return compile_checked


def nan_unless(inside: ArrayLike, value: ArrayLike) -> Array:
    """`value` where it lies `inside` its domain, else NaN: what a traced argument can say in place of an error."""
    return jnp.where(inside, value, jnp.nan)


def checked_numbers(requirement: str, inside: Any, **numbers: Scalar) -> tuple[Scalar, ...]:
    """The numbers themselves. Raises ValueError unless they are `inside` their domain; traced ones become NaN there."""
    if is_traced(inside):
        return tuple(nan_unless(inside, number) for number in numbers.values())
    if not inside:
        raise ValueError(f"{requirement}; got {', '.join(f'{name}={number}' for name, number in numbers.items())}")
    return tuple(numbers.values())


def integer(name: str, value: Any) -> int:
    """The value as an integer. Raises TypeError for one that is traced, where shapes or formulas hang on it."""
    if isinstance(value, Tracer):
        raise TypeError(
            f"{name} must be a plain integer, since shapes and formulas hang on it; got one that JAX traces "
            f"(name it in static_argnames of jax.jit, or bind it with functools.partial before)"
        )
    return int(value)


def check_count(name: str, count: ArrayLike) -> None:
    """Raises ValueError unless every count is one or more."""
    if not isinstance(count, Tracer) and not np.all(np.asarray(count) >= 1):
        raise ValueError(f"{name} must be one or more; got {count}")


def check_not_negative(name: str, value: ArrayLike) -> None:
    """Raises ValueError for a negative value or NaN."""
    if not isinstance(value, Tracer) and not np.all(np.asarray(value) >= 0):
        raise ValueError(f"{name} must be zero or more; got {value}")


def check_times(times: Float[Array, " times"]) -> None:
    """Raises ValueError unless `times` is a strictly monotone sequence of two or more."""
    if np.ndim(times) != 1 or np.shape(times)[0] < 2:
        raise ValueError(f"times must be a sequence of two or more; got shape {np.shape(times)}")
    if isinstance(times, Tracer):
        return
    steps = np.diff(np.asarray(times))
    if not (np.all(steps < 0) or np.all(steps > 0)):
        raise ValueError("times must be strictly monotone, in the direction of sampling")


def check_coordinates(x: Float[Array, "*batch dim"], dimension: int) -> None:
    """Raises ValueError unless positions have `dimension` coordinates, of traced arrays too."""
    if x.shape[-1:] != (dimension,):
        raise ValueError(f"positions must have {dimension} coordinates; got shape {x.shape}")


def positive(name: str, value: ArrayLike) -> ArrayLike:
    """The value itself. Raises ValueError unless it is one positive and finite number; NaN if traced."""
    if isinstance(value, Tracer):
        return nan_unless((value > 0) & jnp.isfinite(value), value)
    if not 0 < float(value) < float("inf"):
        raise ValueError(f"{name} must be positive and finite; got {value}")
    return value
