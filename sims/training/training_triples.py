"""Noisy training triples (x_0, x, t)."""

from typing import NamedTuple, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from theory.definitions.checks import whole_arguments
from theory.definitions.processes import AbstractProcess

Parameters = TypeVar("Parameters", bound=eqx.Module)


class TrainingTriples(NamedTuple):
    """P training examples: clean data, noisy data and the process time of each."""

    clean: Float[Array, "P dim"]
    noisy: Float[Array, "P dim"]
    time: Float[Array, " P"]


def with_array_parameters(module: Parameters) -> Parameters:
    """The same process or features with every float an array, so that new values do not recompile what they enter."""
    return jax.tree.map(lambda leaf: jnp.asarray(leaf) if isinstance(leaf, float) else leaf, module)


@whole_arguments("count")
def draw_triples(
    points: Float[Array, "m dim"], process: AbstractProcess, count: int, *, key: PRNGKeyArray
) -> TrainingTriples:
    """P independent triples: a uniformly chosen point, a uniform time in [end, start], and Gaussian noise.

    Raises ValueError unless `count` is 1, 2, ….
    """
    # All from one stream, open at -1 so that no noise is infinite: generators of their own for points, times and noise
    # took half of the time in which a fit compiles.
    masses, dimension = points.shape
    lowest = np.nextafter(np.array(-1.0, points.dtype), np.array(0.0, points.dtype))
    symmetric = jax.random.uniform(key, (count, 2 + dimension), points.dtype, minval=lowest, maxval=1.0)
    share = (1 + symmetric) / 2
    clean = points[jnp.floor(masses * share[:, 0]).astype(int)]
    time = process.end_time + (process.start_time - process.end_time) * share[:, 1]
    noise = 2**0.5 * jax.lax.erf_inv(symmetric[:, 2:])
    noisy = process.signal_scale(time)[:, None] * clean + process.noise_scale(time)[:, None] * noise
    return TrainingTriples(clean, noisy, time)
