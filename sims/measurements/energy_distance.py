"""How far samples are from data, in any number of dimensions, without a floor."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def energy_distance(x: Float[Array, "n dim"], y: Float[Array, "m dim"]) -> Float[Array, ""]:
    """2E|x - y| - E|x - x'| - E|y - y'|, zero only for equal laws (Székely & Rizzo 2013); in the unit of x.

    Means over different points, so that it has no bias and may come out below zero. Needs two points or more of each;
    NaN where a point is no number.
    """
    return 2 * jnp.mean(_lengths(x, y)) - _among(x) - _among(y)


def _lengths(x: Float[Array, "n dim"], y: Float[Array, "m dim"]) -> Float[Array, "n m"]:
    # Coordinate by coordinate: |x|² + |y|² - 2x·y would lose the short lengths.
    squared = sum((x[:, None, axis] - y[None, :, axis]) ** 2 for axis in range(x.shape[1]))
    return jnp.sqrt(squared)


def _among(x: Float[Array, "n dim"]) -> Float[Array, ""]:
    count = x.shape[0]
    return jnp.sum(_lengths(x, x)) / (count * (count - 1))
