"""Patches in the modes of those that were seen."""

import jax
import numpy as np
import pytest

from sims.data.built_in import natural_image_patches
from sims.data.photograph_modes import patches_in_modes

KEYS = jax.random.split(jax.random.key(0))


def test_coordinates_are_those_of_the_seen_patches_principal_axes():
    found = patches_in_modes(*KEYS, count=200, size=3, modes=4)
    seen, unseen = (natural_image_patches(key, count=200, size=3) for key in KEYS)
    axes = np.linalg.svd(seen - seen.mean(axis=0), full_matrices=False)[2][:4].T
    for ours, patches in ((found.seen, seen), (found.unseen, unseen)):
        np.testing.assert_allclose(np.abs(ours), np.abs((patches - seen.mean(axis=0)) @ axes), atol=1e-10)
    np.testing.assert_allclose(np.cov(found.seen.T, bias=True), np.diag(found.variance), atol=1e-10)


def test_modes_are_a_whole_number():
    with pytest.raises(ValueError, match="modes must be a whole number of 1 or more; got 0"):
        patches_in_modes(*KEYS, count=8, size=3, modes=0)
