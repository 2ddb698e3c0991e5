"""What arguments must be, in one sentence each: ValueError before anything is computed.

Inside a compiled function arrays are traced and have no values to check; `checked_jit` looks at them before. Arguments
that an outer transformation (`jax.jit`, `jax.vmap`, `jax.grad`) traces are not checked.
"""

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Float

from theory.definitions.arrays import Answer, Question, jit


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


def check_count(name: str, count: ArrayLike) -> None:
    """Raises ValueError unless every count is one or more."""
    if not isinstance(count, Tracer) and not np.all(np.asarray(count) >= 1):
        raise ValueError(f"{name} must be one or more; got {count}")


def check_not_negative(name: str, value: ArrayLike) -> None:
    """Raises ValueError for a negative value or NaN."""
    if not isinstance(value, Tracer) and not np.all(np.asarray(value) >= 0):
        raise ValueError(f"{name} must be zero or more; got {value}")


def check_times(times: Float[Array, " times"]) -> None:
    """Raises ValueError unless `times` is a strictly monotone sequence of two or more, finite and not negative."""
    if np.ndim(times) != 1 or np.shape(times)[0] < 2:
        raise ValueError(f"times must be a sequence of two or more; got shape {np.shape(times)}")
    if isinstance(times, Tracer):
        return
    values = np.asarray(times)
    if not np.all(np.isfinite(values) & (values >= 0)):
        raise ValueError(
            f"times must be finite and zero or more; got some from {values[0]} to {values[-1]} that are not"
        )
    steps = np.diff(values)
    if not (np.all(steps < 0) or np.all(steps > 0)):
        raise ValueError("times must be strictly monotone, in the direction of sampling")


def check_coordinates(x: Float[Array, "*batch dim"], dimension: int) -> None:
    """Raises ValueError unless positions have `dimension` coordinates, of traced arrays too."""
    if x.shape[-1:] != (dimension,):
        raise ValueError(f"positions must have {dimension} coordinates; got shape {x.shape}")


def check_positive(name: str, value: float | Array) -> None:
    """Raises ValueError unless the value is one positive and finite number."""
    if not isinstance(value, Tracer) and not 0 < float(value) < float("inf"):
        raise ValueError(f"{name} must be positive and finite; got {value}")


def check_whole(name: str, number: float, least: int = 1) -> None:
    """Raises ValueError unless `number` is one whole number of `least` or more, such as 3 or 3.0."""
    value = np.asarray(number)
    if value.ndim or value.dtype.kind not in "iuf" or not least <= value < np.inf or value != np.floor(value):
        raise ValueError(f"{name} must be a whole number of {least} or more; got {number}")
