"""What measurements take a denoiser for, and how they ask one that is too large for all points at once."""

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from theory.definitions.arrays import floating
from theory.definitions.checks import whole_arguments

# D(x, t): the denoised data at many points and one process time; a module of arrays or a function.
Denoiser = Callable[[Float[Array, "n d"], Float[Array, ""]], Float[Array, "n d"]]


@whole_arguments("block")
def denoised(denoiser: Denoiser, points: Float[ArrayLike, "n d"], time: ArrayLike, block: int) -> np.ndarray:
    """D at all points, `block` of them at a time. Raises ValueError for a block below one, and for no rows."""
    points = checked_points(points)
    time = jnp.asarray(time, points.dtype)
    parts = [_denoised(denoiser, points[first : first + block], time) for first in range(0, len(points), block)]
    return np.concatenate([np.asarray(part) for part in parts])


def checked_points(points: Float[ArrayLike, "n d"]) -> Float[Array, "n d"]:
    """The points as floating-point numbers. Raises ValueError unless they are one or more rows."""
    points = floating(points)
    if points.ndim != 2 or 0 in points.shape:
        raise ValueError(f"points must be rows of numbers, (n, d); got shape {points.shape}")
    return points


@eqx.filter_jit
def _denoised(denoiser: Denoiser, points: Array, time: Array) -> Array:
    return denoiser(points, time)
