"""DDIM of linear denoisers as products of matrices."""

import jax.numpy as jnp
import numpy as np
import pytest

from sims.sampling.linear_ddim import ddim_map


def test_the_map_is_a_product_of_steps():
    maps, levels = np.random.default_rng(0).normal(size=(3, 2, 2)), np.array([5.0, 2.0, 0.5, 0.0])
    expected = np.eye(2)
    for matrix, level, later in zip(maps, levels[:-1], levels[1:], strict=True):
        kept = later / level
        expected = (kept * np.eye(2) + (1 - kept) * matrix) @ expected
    np.testing.assert_allclose(ddim_map(jnp.asarray(maps), jnp.asarray(levels)), expected, rtol=1e-12)
    with pytest.raises(ValueError, match="maps must be one for every level but the last; got 2 for 4"):
        ddim_map(jnp.asarray(maps[:2]), jnp.asarray(levels))
