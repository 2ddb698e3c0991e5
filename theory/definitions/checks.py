"""What arguments must be, in one sentence each: ValueError before anything is computed.

Inside a compiled function arrays are traced and have no values to check; `checked_jit` looks at them before. Arguments
that an outer transformation (`jax.jit`, `jax.vmap`, `jax.grad`) traces have no values at any time: outside their domain
they become NaN (`nan_unless`), and so does what is computed from them.
"""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Float

from theory.definitions.arrays import Answer, Question, Scalar, is_real, is_traced, jit


def checked_jit(
    *together: Callable[[Mapping[str, Any]], None], **checks: Callable[[str, Any], None]
) -> Callable[[Callable[Question, Answer]], Callable[Question, Answer]]:
    """`jit` for functions whose arguments are checked at every call: those named alone, by name and value, and others
    `together`, by a mapping of names to values."""

    def compile_checked(question: Callable[Question, Answer]) -> Callable[Question, Answer]:
        signature, compiled = inspect.signature(question), jit(question)

        @functools.wraps(question)
        def checked(*args: Question.args, **kwargs: Question.kwargs) -> Answer:
            arguments = signature.bind(*args, **kwargs).arguments
            for name, check in checks.items():
                check(name, arguments[name])
            for check in together:
                check(arguments)
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


def check_integer(name: str, value: Any) -> None:
    """Raises TypeError for an integer that is traced where a shape or a formula hangs on it."""
    if isinstance(value, Tracer):
        raise TypeError(
            f"{name} must be a Python integer, since shapes or formulas hang on it; a transformation traces this one "
            f"(give it to jax.jit by static_argnames, or bind it before with functools.partial)"
        )


def check_count(name: str, count: ArrayLike) -> None:
    """Raises ValueError unless `count` is one real number of one or more.

    Of draws in a formula, which need not be whole: it is analytic in their number. `whole` is for those that are.
    """
    check_one_number(name, count)
    if isinstance(count, Tracer):
        return
    known = np.asarray(count)
    if known.dtype.kind not in "iuf" or not known >= 1:
        raise ValueError(f"{name} must be one or more; got {count}")


def check_finite_count(name: str, count: ArrayLike) -> None:
    """Raises ValueError as `check_count`, and for infinity, of which the formula has no limit that it could take."""
    check_count(name, count)
    if not isinstance(count, Tracer) and np.isinf(count):
        raise ValueError(f"{name} must be finite; got {count}")


def check_one_number(name: str, value: ArrayLike) -> None:
    """Raises ValueError for several, of traced arrays too."""
    if np.shape(value) != ():
        raise ValueError(f"{name} must be one number; got shape {np.shape(value)}")


def check_real(name: str, value: ArrayLike) -> None:
    """Raises ValueError for complex numbers, of traced arrays too, and for text."""
    if not is_real(value):
        raise ValueError(f"{name} must be real numbers; got {value!r}")


def check_not_negative(name: str, value: ArrayLike) -> None:
    """Raises ValueError for a negative value, NaN, and what is no real number."""
    if isinstance(value, Tracer):
        return
    known = np.asarray(value)
    if known.dtype.kind not in "biuf" or not np.all(known >= 0):
        raise ValueError(f"{name} must be zero or more; got {value}")


def check_positive(name: str, value: ArrayLike) -> None:
    """Raises ValueError for what is not positive or not finite, and for what is no real number."""
    if is_traced(value):
        return
    known = np.asarray(value)
    if known.dtype.kind not in "biuf" or not np.all(np.isfinite(known) & (known > 0)):
        raise ValueError(f"{name} must be positive and finite; got {value}")


def check_variance(name: str, value: ArrayLike) -> None:
    """Raises ValueError as `check_not_negative`, and for infinite ones."""
    check_not_negative(name, value)
    if not is_traced(value) and not np.all(np.isfinite(value)):
        raise ValueError(f"{name} must be finite; got {value}")


def check_between_zero_and_one(name: str, value: ArrayLike) -> None:
    """Raises ValueError unless every number lies in the open interval (0, 1), and for what is no real number."""
    if isinstance(value, Tracer):
        return
    known = np.asarray(value)
    if known.dtype.kind not in "iuf" or not np.all((known > 0) & (known < 1)):
        raise ValueError(f"{name} must lie between 0 and 1; got {value}")


def check_training_time(name: str, time: ArrayLike) -> None:
    """Raises ValueError for training times below zero, NaN or complex; infinity is the end of training."""
    check_not_negative(f"{name}, a training time,", time)


def check_finite(answer: Array, otherwise: str) -> None:
    """Raises ValueError with the sentence `otherwise` for an answer that is not finite; a traced one is not checked."""
    if not isinstance(answer, Tracer) and not np.isfinite(answer).all():
        raise ValueError(otherwise)


def check_double_precision(question: str, array: Array) -> None:
    """Raises ValueError for single precision, of traced arrays too."""
    if array.dtype != np.float64:
        raise ValueError(
            f"{question} needs 64-bit numbers, jax.config.update('jax_enable_x64', True) before any array is made; "
            f"got {array.dtype}"
        )


_MOST_LOST = 5e-3  # of the smallest second moment, to round-off


def resolved(question: str, largest: Array, smallest: Array) -> Array:
    """1 where single precision tells moments of the size `smallest` from the round-off of the `largest`, else NaN.

    Eigenvalues of their matrix are wrong by that round-off. Where it is 5e-3 of the smallest at most, what is learned
    and generated was right to 1e-3 for all data tried. Double precision is always trusted. Raises ValueError in place
    of NaN where there are values to see.
    """
    if largest.dtype == np.float64:
        return jnp.ones((), largest.dtype)
    lost = jnp.finfo(largest.dtype).eps * largest
    trusted = lost <= _MOST_LOST * smallest
    if not isinstance(trusted, Tracer) and not trusted:
        raise ValueError(
            f"{question} with second moments from {smallest:.1g} to {largest:.1g} needs 64-bit numbers, "
            f"jax.config.update('jax_enable_x64', True) before any array is made; got {largest.dtype}"
        )
    return nan_unless(trusted, 1.0).astype(largest.dtype)


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


def positive(name: str, value: Scalar) -> Scalar:
    """The value itself. Raises ValueError unless it is one positive and finite number; NaN if a traced one is not."""
    _check_one_real(name, value)
    if isinstance(value, Tracer):
        return nan_unless((value > 0) & jnp.isfinite(value), value)
    if not 0 < float(value) < float("inf"):
        raise ValueError(f"{name} must be positive and finite; got {value}")
    return value


def finite(name: str, value: Scalar) -> Scalar:
    """The value itself. Raises ValueError unless it is one finite real number; NaN if a traced one is not."""
    _check_one_real(name, value)
    if isinstance(value, Tracer):
        return nan_unless(jnp.isfinite(value), value)
    if not np.isfinite(float(value)):
        raise ValueError(f"{name} must be finite; got {value}")
    return value


def _check_one_real(name: str, value: Any) -> None:
    check_one_number(name, value)
    if not is_real(value):
        raise ValueError(f"{name} must be a real number; got {value!r}")


def check_whole(name: str, number: Any, least: int = 1) -> None:
    """Raises ValueError unless `number` is one whole number of `least` or more, 3 or 3.0 say; TypeError if traced."""
    check_integer(name, number)
    value = np.asarray(number)
    if value.ndim:
        raise ValueError(f"{name} must be a whole number of {least} or more; got shape {value.shape}")
    if value.dtype.kind not in "iuf" or not least <= value < np.inf or value != np.floor(value):
        raise ValueError(f"{name} must be a whole number of {least} or more; got {number}")


def whole(name: str, number: Any, least: int = 1) -> int:
    """The number as a Python integer, as shapes need it; raises as `check_whole`."""
    check_whole(name, number, least)
    return int(number)


def whole_arguments(*names: str, **least: int) -> Callable[[Callable[Question, Answer]], Callable[Question, Answer]]:
    """For functions of which these arguments are whole numbers, of one or more or of what `least` says (`levels=2`).

    They arrive as Python integers; the function raises as `check_whole`.
    """
    smallest = dict.fromkeys(names, 1) | least

    def with_integers(function: Callable[Question, Answer]) -> Callable[Question, Answer]:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def checked(*args: Question.args, **kwargs: Question.kwargs) -> Answer:
            bound = signature.bind(*args, **kwargs)
            for name, lowest in smallest.items():
                if name in bound.arguments:
                    bound.arguments[name] = whole(name, bound.arguments[name], lowest)
            return function(*bound.args, **bound.kwargs)

        return checked

    return with_integers
