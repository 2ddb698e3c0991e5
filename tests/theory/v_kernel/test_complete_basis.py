"""Complete bases: their limit, and eigenfunctions of kernels."""

import jax.numpy as jnp
import numpy as np
import pytest

from tests.oracles.v_kernels import CORNER, CUTOFF, VP, places, scales
from theory import PointMasses
from theory.v_kernel.complete_basis import complete_basis_limit
from theory.v_kernel.eigenfunctions import nystrom_features
from theory.v_kernel.lattices import lattice_population


def test_complete_basis_limit_has_the_density_of_training_inputs():
    z = places(np.random.default_rng(8), CORNER, 6)
    x, time = map(np.asarray, z)
    alpha, sigma = scales(time)
    modes = np.exp(-np.sum((x[:, None] - alpha[:, None, None] * CORNER) ** 2, axis=-1) / (2 * sigma[:, None] ** 2))
    density = modes.mean(axis=1) / (2 * np.pi * sigma**2) / (1 - CUTOFF)
    diffusion = 0.1 + 19.9 * time
    curvature = np.asarray(PointMasses(CORNER).proxy_covariance(*z, VP))
    expected = (diffusion**2 / (300 * density))[:, None, None] * curvature
    np.testing.assert_allclose(complete_basis_limit(PointMasses(CORNER), VP, 300, z), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("draws", [0, -3.0, np.nan, np.asarray(0.0), jnp.asarray(-1)])
def test_a_limit_without_draws_is_refused(draws):
    with pytest.raises(ValueError, match="draws must be one or more"):
        complete_basis_limit(PointMasses(CORNER), VP, draws, places(np.random.default_rng(8), CORNER, 2))


def test_eigenfunctions_of_a_kernel_are_orthonormal_on_their_points():
    population = lattice_population(PointMasses(CORNER), VP, 128)

    def kernel(left, right):
        distance = jnp.sum((left[0][:, None] - right[0][None]) ** 2, axis=-1) + (left[1][:, None] - right[1][None]) ** 2
        return jnp.exp(-distance)

    points = population.x, population.time
    features = nystrom_features(kernel, points, population.mass, relative_cutoff=1e-6)
    phi = np.asarray(features(*points))
    gram = phi.T @ (phi * np.asarray(population.mass)[:, None])
    np.testing.assert_allclose(gram, np.eye(features.number), atol=1e-8)
    np.testing.assert_allclose((phi * np.asarray(features.values)) @ phi.T, kernel(points, points), atol=1e-3)
    with pytest.raises(ValueError, match="must have 2 coordinates"):
        features(jnp.zeros((4, 1)), jnp.full(4, 0.5))
    with pytest.raises(ValueError, match="must be symmetric"):
        nystrom_features(lambda left, right: left[0] @ right[0].T + left[1][:, None], points, population.mass)
    with pytest.raises(ValueError, match="must have a positive eigenvalue"):
        nystrom_features(lambda left, right: -kernel(left, right), points, population.mass)
