"""How far samples are from data, in any number of dimensions, without a floor."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.definitions.arrays import floating


def energy_distance(x: Float[Array, "n dim"], y: Float[Array, "m dim"]) -> Float[Array, ""]:
    """2E|x - y| - E|x - x'| - E|y - y'|, zero only for equal laws (Székely & Rizzo 2013); in the unit of x.

    Means over different points, so that it has no bias and may come out below zero. NaN where a point is no number;
    of two points in one place the distance has the derivative 0. Raises ValueError unless both are two points or more,
    of one dimension.
    """
    x, y = floating(x), floating(y)
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1] or min(len(x), len(y)) < 2:
        raise ValueError(f"both sets must be two points or more, of one dimension; got shapes {x.shape} and {y.shape}")
    return 2 * jnp.mean(_lengths(x, y)) - _among(x) - _among(y)


def _lengths(x: Float[Array, "n dim"], y: Float[Array, "m dim"]) -> Float[Array, "n m"]:
    # Coordinate by coordinate: |x|² + |y|² - 2x·y would lose the short lengths.
    squared = sum((x[:, None, axis] - y[None, :, axis]) ** 2 for axis in range(x.shape[1]))
    apart = squared > 0
    return jnp.where(apart, jnp.sqrt(jnp.where(apart, squared, 1.0)), squared)


def _among(x: Float[Array, "n dim"]) -> Float[Array, ""]:
    count = x.shape[0]
    return jnp.sum(_lengths(x, x)) / (count * (count - 1))
