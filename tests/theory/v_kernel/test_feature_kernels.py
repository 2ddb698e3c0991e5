"""What all V-kernels of features do, whatever trained them."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

from tests.oracles.v_kernels import (
    CORNER,
    TRIPLE,
    VP,
    coarse_population,
    pairs,
    places,
    small_features,
    weight_covariance,
)
from theory import GaussianFeatures, LazyVKernel, LinearVKernel, PointMasses
from theory.definitions.targets import NoiseTarget, ScoreTarget
from theory.v_kernel.kernels import AbstractVKernel, kernel_matrix


def a_kernel(name, points):
    data, features, (family, order) = PointMasses(points), small_features(points.shape[1]), name.split("-")
    options = {"order": order, "population": coarse_population(points)}
    if family == "linear":
        return LinearVKernel(data, VP, features, 100, 0.1, **options)
    return LazyVKernel(data, VP, features, 100, 0.3, **options)


@pytest.mark.slow_cases("linear-leading-points0")
@pytest.mark.parametrize(
    ("name", "points"),
    [
        ("linear-leading", CORNER),
        ("linear-corrected", CORNER),
        ("linear-deterministic_equivalent", CORNER),
        ("linear-local_equivalent", CORNER),
        ("lazy-fixed_design", CORNER),
        ("lazy-first_order", CORNER),
        ("lazy-corrected", CORNER),
        pytest.param("linear-local_equivalent", TRIPLE, marks=pytest.mark.slow),
    ],
)
def test_kernel_is_positive_symmetric_and_the_same_in_every_form(name, points):
    kernel, z = a_kernel(name, points), places(np.random.default_rng(0), points, 30)
    matrix = np.asarray(kernel_matrix(kernel, z))
    dimension = points.shape[1]
    assert matrix.shape == (30, dimension, 30, dimension)
    np.testing.assert_allclose(matrix, matrix.transpose(2, 3, 0, 1), rtol=1e-12, atol=1e-14)
    eigenvalues = np.linalg.eigvalsh(matrix.reshape(30 * dimension, -1))
    assert eigenvalues.min() > -1e-13 * eigenvalues.max()
    assert eigenvalues.max() > 0
    everywhere = np.asarray(kernel(*pairs(z)))
    np.testing.assert_allclose(everywhere.swapaxes(1, 2), matrix, rtol=1e-9, atol=1e-12 * matrix.max())
    diffusion = 0.1 + 19.9 * np.asarray(z[1])
    covariance = (
        np.asarray(kernel.score_covariance(*pairs(z))) * np.multiply.outer(diffusion, diffusion)[..., None, None]
    )
    np.testing.assert_allclose(everywhere, covariance, rtol=1e-10, atol=1e-13 * matrix.max())
    one = kernel((z[0][3], z[1][3]), (z[0][5], z[1][5]))
    assert one.shape == (dimension, dimension)
    np.testing.assert_allclose(one, matrix[3, :, 5], rtol=1e-9, atol=1e-12 * matrix.max())
    np.testing.assert_allclose(
        kernel((z[0][3], z[1][3]), z), matrix[3].swapaxes(0, 1), rtol=1e-9, atol=1e-12 * matrix.max()
    )


@pytest.mark.parametrize("name", ["linear-local_equivalent", "lazy-first_order"])
def test_drawn_weights_have_the_mean_and_covariance_of_the_kernel(name):
    kernel = a_kernel(name, CORNER)
    weights = np.asarray(kernel.draw_weights(jax.random.key(0), 4000))
    again = kernel.draw_weights(jax.random.key(0), 4000)
    np.testing.assert_array_equal(weights, again)
    assert weights.shape == (4000, 2, kernel.features.number)
    flat = weights.reshape(4000, -1)
    predicted = weight_covariance(kernel)
    spread = np.sqrt(np.diag(predicted))
    stderr = np.sqrt((np.outer(spread, spread) ** 2 + predicted**2) / 4000)
    seen = spread > 1e-9 * spread.max()
    error = ((np.cov(flat.T) - predicted) / np.where(stderr > 0, stderr, 1))[np.ix_(seen, seen)]
    assert np.sqrt(np.mean(error**2)) < 1.4
    mean_error = ((flat.mean(axis=0) - np.ravel(kernel.mean_weights)) / (spread / np.sqrt(4000)))[seen]
    assert np.abs(mean_error).max() < 5


def test_a_kernel_known_only_by_its_call_has_a_matrix():
    class White(AbstractVKernel):
        def __call__(self, z, z_prime):
            same = jnp.all(z[0] == z_prime[0], axis=-1) & (z[1] == z_prime[1])
            return same[..., None, None] * jnp.eye(z[0].shape[-1]).reshape((1,) * same.ndim + (2, 2))

    z = places(np.random.default_rng(0), CORNER, 4)
    np.testing.assert_array_equal(kernel_matrix(White(), z).reshape(8, 8), np.eye(8))


def test_one_point_mass_leaves_no_variance_at_leading_order():
    """C = 0 for M = 1 (Vastola 2025, App. J); the misfit still varies."""
    data, z = PointMasses(TRIPLE[:1]), places(np.random.default_rng(0), TRIPLE, 4)
    features, population = small_features(1), coarse_population(TRIPLE[:1])
    for order, least, most in (("leading", 0.0, 1e-20), ("deterministic_equivalent", 1e-6, np.inf)):
        kernel = LinearVKernel(data, VP, features, 100, order=order, population=population)
        assert least <= np.abs(kernel(*pairs(z))).max() <= most


@pytest.mark.slow
def test_noise_and_score_targets_with_features_that_make_them_one_model():
    """A score -Wφ/σ by noise prediction with φ is a score Wψ with ψ = -φ/σ (App. I): one loss, one ridge, one V."""

    class Divided(eqx.Module):
        features: GaussianFeatures

        @property
        def number(self) -> int:
            return self.features.number

        def __call__(self, x: Array, time: Array) -> Array:
            return -self.features(x, time) / VP.noise_scale(jnp.broadcast_to(time, x.shape[:-1]))[..., None]

    data, features, z = PointMasses(CORNER), small_features(2), places(np.random.default_rng(0), CORNER, 5)
    options = {"draws": 200, "ridge": 0.01, "population": coarse_population(CORNER)}
    options["order"] = "deterministic_equivalent"
    noise = LinearVKernel(data, VP, features, target=NoiseTarget(), **options)
    score = LinearVKernel(data, VP, Divided(features), target=ScoreTarget(), **options)
    np.testing.assert_allclose(noise(*pairs(z)), score(*pairs(z)), rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(noise.mean_score(z), score.mean_score(z), rtol=1e-8, atol=1e-9)
