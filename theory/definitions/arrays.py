"""How definitions read their arguments: shapes of times, and integers that become floating-point numbers."""

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

Time = Float[Array, "*batch"]


def floating(x: ArrayLike) -> Array:
    """`x` as a floating-point array; integers take the default precision."""
    x = jnp.asarray(x)
    return x if jnp.issubdtype(x.dtype, jnp.floating) else x.astype(float)
