"""Random numbers for the parts of a figure that are computed with NumPy."""

import jax
import numpy as np
from jaxtyping import PRNGKeyArray


def numpy_generator(key: PRNGKeyArray) -> np.random.Generator:
    """A generator seeded by a JAX key, so that the figure's key stays its only source of randomness."""
    return np.random.default_rng([int(word) for word in jax.random.key_data(key)])
