"""How far samples are from data, in any number of dimensions, without a floor."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from theory.definitions.arrays import floating, is_traced


def energy_distance(x: Float[Array, "n dim"], y: Float[Array, "m dim"]) -> Float[Array, ""]:
    """2E|x - y| - E|x - x'| - E|y - y'|, zero only for equal laws (Székely & Rizzo 2013); in the unit of x.

    Means over different points, so that it has no bias and may come out below zero. NaN where a point is no number;
    of two points in one place the distance has the derivative 0. Half precision is measured in single. Inside
    `jax.jit`, `jax.vmap` and `jax.grad` squared lengths must be in the range of the precision. Raises ValueError unless
    both are two points or more, of one dimension.
    """
    x, y = _single_or_double(x), _single_or_double(y)
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1] or min(len(x), len(y)) < 2:
        raise ValueError(f"both sets must be two points or more, of one dimension; got shapes {x.shape} and {y.shape}")
    if is_traced(x, y):  # a unit would change how XLA fuses what surrounds it, and so the last digit
        return _from_lengths(x, y)
    unit = _unit(np.asarray(x), np.asarray(y))
    return _from_lengths(x / unit, y / unit) * unit


def _single_or_double(x: Float[Array, "n dim"]) -> Float[Array, "n dim"]:
    x = floating(x)
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def _unit(x: np.ndarray, y: np.ndarray) -> float:
    """A power of two, which rounds nothing, of the size of the largest difference along an axis; one for NaN."""
    both = np.concatenate([x, y]) / 2  # whose differences are finite
    largest = np.max(np.max(both, axis=0) - np.min(both, axis=0), initial=0.0)
    if not np.isfinite(largest):
        return 1.0
    return float(np.ldexp(1.0, max(int(np.frexp(largest)[1]) - 1, np.finfo(both.dtype).minexp)))


def _from_lengths(x: Float[Array, "n dim"], y: Float[Array, "m dim"]) -> Float[Array, ""]:
    return 2 * jnp.mean(_lengths(x, y)) - _among(x) - _among(y)


def _lengths(x: Float[Array, "n dim"], y: Float[Array, "m dim"]) -> Float[Array, "n m"]:
    # Coordinate by coordinate: |x|² + |y|² - 2x·y would lose the short lengths.
    squared = sum((x[:, None, axis] - y[None, :, axis]) ** 2 for axis in range(x.shape[1]))
    apart = squared > 0
    return jnp.where(apart, jnp.sqrt(jnp.where(apart, squared, 1.0)), squared)


def _among(x: Float[Array, "n dim"]) -> Float[Array, ""]:
    count = float(x.shape[0])  # whole numbers of 32 bits end at 46341 points squared
    return jnp.sum(_lengths(x, x)) / (count * (count - 1))
