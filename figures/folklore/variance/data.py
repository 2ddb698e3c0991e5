"""The data that all families share: a ring of eight clusters, or digits in their leading principal components."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from sims.data.built_in import digits

_MODES, _WIDTH = 8, 0.15
_COMPONENTS = 8
DIMENSIONS = {"ring": 2, "digits": _COMPONENTS}
_NEAR, _SHARE = 4.0, 0.25  # widths of a mode, and of its fair share of samples


class Points(NamedTuple):
    """Training points and held-out ones, of unit variance per coordinate on average."""

    train: Float[Array, "m dim"]
    test: Float[Array, "n dim"]


def training_points(name: str, count: int, test_count: int, key: PRNGKeyArray) -> Points:
    """ "ring": `count` points to train on and `test_count` held out; "digits": all others beside those held out."""
    if name == "ring":
        drawn = _ring(count + test_count, key)
        return Points(drawn[test_count:], drawn[:test_count])
    scores = digits()
    scores = scores - scores.mean(axis=0)
    leading = scores @ np.linalg.svd(scores, full_matrices=False)[2][:_COMPONENTS].T
    leading = jnp.asarray(leading / np.sqrt(leading.var(axis=0).mean()), jnp.float32)
    leading = jax.random.permutation(key, leading)
    return Points(leading[test_count:], leading[:test_count])


def ring_modes() -> Float[np.ndarray, "modes 2"]:
    """Centres of the ring's clusters."""
    angles = 2 * np.pi * np.arange(_MODES) / _MODES
    return np.sqrt(2 * (1 - _WIDTH**2)) * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def modes_covered(samples: Float[Array, "n 2"]) -> Float[Array, ""]:
    """The share of the ring's clusters that have a quarter of their fair share of samples within four widths."""
    away = jnp.linalg.norm(samples[:, None] - jnp.asarray(ring_modes(), samples.dtype)[None], axis=-1)
    shares = jnp.mean(away < _NEAR * _WIDTH, axis=0)
    return jnp.mean(shares > _SHARE / _MODES)


def _ring(count: int, key: PRNGKeyArray) -> Float[Array, "n 2"]:
    mode_key, place_key = jax.random.split(key)
    centres = jnp.asarray(ring_modes(), jnp.float32)[jax.random.randint(mode_key, (count,), 0, _MODES)]
    return centres + _WIDTH * jax.random.normal(place_key, centres.shape, jnp.float32)
