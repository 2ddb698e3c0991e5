"""Arguments over legal domains: arrays of single precision and of fixed shapes, extremes included."""

import math

import jax.numpy as jnp
import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from jaxtyping import Array

from theory import Spectrum

Numbers = st.SearchStrategy[np.ndarray]
Shape = int | tuple[int, ...]

MODES = 4


def decades(low: float, high: float, shape: Shape = (), also: tuple[float, ...] = ()) -> Numbers:
    """Positive numbers, uniform in their logarithm, and some other ones."""
    exponents = st.floats(math.log10(low), math.log10(high))
    elements = exponents.map(lambda exponent: np.float32(min(max(10.0**exponent, low), high)))
    if also:
        elements = elements | st.sampled_from([np.float32(number) for number in also])
    return arrays(np.float32, shape, elements=elements, fill=st.nothing())


def between(low: float, high: float, shape: Shape = ()) -> Numbers:
    """Numbers of an interval, ends included."""
    return arrays(np.float32, shape, elements=st.floats(low, high).map(np.float32), fill=st.nothing())


def fractions(shape: Shape, *, closed: bool = True) -> Numbers:
    """Times from 0 to 1, close to either end; both ends themselves only where the range is closed."""
    near_zero = decades(1e-6, 1.0 if closed else 0.5, shape, (0.0,) if closed else ())
    return near_zero | decades(1e-6, 0.5, shape).map(lambda distance: (1 - distance).astype(np.float32))


def variances(low: float = 1e-8, high: float = 1e4, also: tuple[float, ...] = ()) -> Numbers:
    return decades(low, high, MODES, also)


def initial_gains(smallest: float = 1e-6) -> Numbers:
    return decades(smallest, 1.5, MODES, (0.0,))


def training_times(count: int = 3) -> Numbers:
    return decades(1e-6, 1e6, count, (0.0, math.inf))


def noise_levels(count: int = 3) -> Numbers:
    return decades(0.002, 80.0, count)


def _reflection(vector: np.ndarray) -> np.ndarray:
    vector = vector / np.linalg.norm(vector.astype(float))
    return (np.eye(len(vector)) - 2 * np.outer(vector, vector)).astype(np.float32)


def bases(size: int = MODES) -> Numbers:
    """Matrices that are orthogonal to the round-off of single precision."""
    return between(0.1, 1.0, size).map(_reflection)


def spectrum(variance: Array, mean: Array | None = None, basis: Array | None = None) -> Spectrum:
    """Without the checks of `from_variances`: zeros and traced numbers are allowed."""
    return Spectrum(jnp.zeros_like(variance) if mean is None else mean, variance, basis)


def named(name: str, *questions: str) -> tuple[str, ...]:
    """Questions that are asked of a class."""
    return tuple(f"{name}.{question}" for question in questions)
