"""What a row of the table of precisions says, and how its error is measured.

A row asks one or more public functions for arguments that Hypothesis draws from their legal domain, in single and in
double precision. Arguments are numbers that single precision has, so that only the functions' own error is left. Where
mpmath can say what is right, it does; elsewhere double precision does.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import mpmath
import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

EXAMPLES = 40  # sets of arguments for every row
_TINY = float(np.finfo(np.float32).tiny)

# The same arguments in every run. Arrays have fixed shapes, so that every row is compiled once per precision.
profile = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@dataclass(frozen=True)
class Measure:
    """What an error is held against, as the page says it: (right answer, arguments) -> its size."""

    label: str
    size: Callable[..., np.ndarray]


def written(size: float) -> str:
    """1e-6 and the like; numbers from a tenth on as they are."""
    return f"{size:g}" if size >= 0.1 else f"{size:.0e}".replace("e-0", "e-")


def at_least(size: float) -> Measure:
    return Measure(f"relative to {written(size)} at least", lambda right, *_: np.maximum(np.abs(right), size))


EACH = Measure("relative", lambda right, *_: np.abs(right))
OVER_ONE = at_least(1.0)
LARGEST = Measure("of the largest number", lambda right, *_: np.max(np.abs(right), initial=0.0))
LARGEST_OVER_ONE = Measure(
    "of the largest number, 1 at least", lambda right, *_: np.maximum(np.max(np.abs(right), initial=0.0), 1.0)
)
OF_MATRIX = Measure("of the matrix's largest", lambda right, *_: np.max(np.abs(right), axis=(-2, -1), keepdims=True))


@dataclass(frozen=True)
class Row:
    """What some public functions answer over a domain, and how accurate that is."""

    questions: tuple[str, ...]  # "name" of a function, "Class.method" otherwise
    domain: str
    arguments: st.SearchStrategy[tuple[np.ndarray, ...]]  # of single precision
    answer: Callable[..., Any]  # called with the arguments as arrays of either precision
    single: float  # largest error promised in float32
    double: float | None = None  # the same in float64 against mpmath, where `exact` is given
    exact: Callable[..., Any] | None = None  # the answer by mpmath, as NumPy arrays
    measure: Measure = EACH
    refuses: bool = False  # whether float32 may be refused instead, by a sentence that names jax_enable_x64
    compiled: bool = True
    alone: bool = False  # what it calls is replaced while it is compiled: its programs and others' must not be mixed

    @functools.cached_property
    def _question(self) -> Callable[..., Any]:
        return eqx.filter_jit(self.answer) if self.compiled else self.answer

    def ask(self, arguments: tuple[np.ndarray, ...], *, double: bool) -> list[np.ndarray]:
        """The answer's arrays in one of the two precisions."""
        with jax.enable_x64(double):
            answer = self._question(*(jnp.asarray(argument, float) for argument in arguments))
            return _arrays(answer)

    def right(self, arguments: tuple[np.ndarray, ...]) -> list[np.ndarray]:
        """The answer by mpmath where it can, else in double precision."""
        return self.ask(arguments, double=True) if self.exact is None else _arrays(self.exact(*arguments))

    def error(self, arguments: tuple[np.ndarray, ...], *, double: bool) -> float | None:
        """The largest error of the answer, None where it is refused as it may be."""
        right = self.right(arguments)
        try:
            answers = self.ask(arguments, double=double)
        except ValueError as error:
            if self.refuses and not double and "jax_enable_x64" in str(error):
                return None
            raise
        return max(_error(self.measure, *pair, arguments) for pair in zip(answers, right, strict=True))


@dataclass(frozen=True)
class Refusal:
    """What some public functions answer in double precision only."""

    questions: tuple[str, ...]
    reason: str
    asked: tuple[Callable[[], Any], ...]  # each of them raises ValueError in float32


def pointwise(function: Callable[..., mpmath.mpf]) -> Callable[..., np.ndarray]:
    """A function of mpmath at every point of arrays that broadcast, in 40 digits."""

    def at(*arguments: np.ndarray) -> np.ndarray:
        points = np.broadcast(*arguments)
        with mpmath.workdps(40):
            values = [float(function(*(mpmath.mpf(float(number)) for number in point))) for point in points]
        return np.reshape(values, points.shape)

    return at


def _arrays(answer: Any) -> list[np.ndarray]:
    leaves = (np.asarray(leaf) for leaf in jax.tree.leaves(eqx.filter(answer, eqx.is_array_like)))
    return [leaf.astype(complex if np.iscomplexobj(leaf) else float) for leaf in leaves]


def _error(measure: Measure, value: np.ndarray, right: np.ndarray, arguments: tuple[np.ndarray, ...]) -> float:
    """|value - right| over the size of the right value; below its smallest number single precision has zero."""
    if value.shape != right.shape:
        raise ValueError(f"shapes must be the same; got {value.shape} and {right.shape}")
    same = value == right
    with np.errstate(invalid="ignore"):
        size = np.broadcast_to(measure.size(np.where(np.isfinite(right), right, 0.0), *arguments), right.shape)
        missed = np.maximum(np.abs(np.where(same, 0.0, value - right)) - _TINY, 0.0)
        error = np.where(missed == 0, 0.0, missed / np.maximum(size, _TINY))
    return float(np.max(np.where(np.isnan(error), np.inf, error), initial=0.0))


def check(row: Row, *, double: bool) -> None:
    """Raises AssertionError where a row's promise is broken, with the arguments for which it is, or all is refused."""
    promised, errors = row.double if double else row.single, []

    @profile
    @given(row.arguments)
    def holds(arguments: tuple[np.ndarray, ...]) -> None:
        error = row.error(arguments, double=double)
        if error is not None:
            errors.append(error)
            assert error <= promised

    if row.alone:
        jax.clear_caches()
    try:
        holds()
    finally:
        if row.alone:
            jax.clear_caches()
    assert errors
