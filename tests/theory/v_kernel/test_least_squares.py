"""V-kernels of least squares against ensembles fitted in NumPy, influences and exact limits."""

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
    draw,
    few_points,
    in_standard_errors,
    influence_covariance,
    output_scale,
    pairs,
    places,
    regressed,
    ridge_fits,
    scales,
    small_features,
    training_law,
    weight_covariance,
)
from theory import EDM, LinearVKernel, PointMasses
from theory.definitions.targets import DenoiserTarget, NoiseTarget
from theory.definitions.weights import AbstractSmoothWeight, UniformWeight
from theory.v_kernel.kernels import kernel_matrix
from theory.v_kernel.population import Population


def ridge_ensemble(features, points, target, *, models, count, ridge, seed):
    """W of independent ridge fits, (models, D, F)."""
    clean, noise, time, x = draw(np.random.default_rng(seed), points, models * count)
    return ridge_fits(features, x, time, *regressed(target, clean, noise, time), models, ridge)


@pytest.mark.slow_cases("denoiser")
@pytest.mark.parametrize(
    ("points", "target", "models", "count", "ridge"),
    [
        # The denoiser's weight α²/σ² reaches 200: corrections of higher order in 1/P are larger.
        (TRIPLE, DenoiserTarget(), 200, 4000, 0.1),
        pytest.param(CORNER, DenoiserTarget(), 200, 2000, 0.1, marks=pytest.mark.slow),
        (TRIPLE, NoiseTarget(), 400, 800, 0.01),
    ],
    ids=["denoiser", "denoiser-2d", "noise"],
)
def test_linear_kernel_is_the_covariance_of_an_ensemble_of_ridge_fits(points, target, models, count, ridge):
    """Scores at 12 places, mean and covariance, within Monte Carlo error and the 1/P of the theory."""
    features = small_features(points.shape[1])
    weights = ridge_ensemble(features, points, target, models=models, count=count, ridge=ridge, seed=2)
    kernel = LinearVKernel(PointMasses(points), VP, features, count, ridge, target=target)
    z = places(np.random.default_rng(3), points, 12)
    error, ratio = in_standard_errors(kernel, features, weights, z, target)
    assert np.sqrt(np.mean(error**2)) < 1.5
    assert abs(ratio - 1) < 2 * np.sqrt(2 / models)
    alpha, sigma = scales(np.asarray(z[1]))
    known = -np.asarray(z[0]) / sigma[:, None] ** 2 if isinstance(target, DenoiserTarget) else 0.0
    scale = output_scale(target, np.asarray(z[1]))[:, None]
    scores = known + np.einsum("mif,nf->mni", weights, np.asarray(features(*z)) * scale)
    # The mean is right to 1/P, one model's spread to 1/√P: in standard errors of many models the difference shows.
    bias = (scores.mean(axis=0) - kernel.mean_score(z)) / scores.std(axis=0)
    assert np.sqrt(np.mean(bias**2)) < 0.15


@pytest.mark.slow_cases("2d")
@pytest.mark.parametrize("points", [TRIPLE, CORNER], ids=["1d", "2d"])
def test_linear_kernel_for_many_draws_is_the_covariance_of_influences(points):
    features, population, draws = small_features(points.shape[1]), few_points(points), 1e14
    kernel = LinearVKernel(PointMasses(points), VP, features, draws, 0.3, population=population)
    law = training_law(population, features, points)
    identity = np.eye(features.number)
    expected = influence_covariance(lambda s, b: np.linalg.solve(s + 0.3 * identity, b.T).T, law)
    np.testing.assert_allclose(draws * weight_covariance(kernel), expected, atol=1e-9 * np.abs(expected).max())


def coin(dimension):
    """Data and a process so noisy that x tells nothing of x_0 = ±e_1: C_y = e_1 e_1ᵀ everywhere."""
    points = np.zeros((2, dimension))
    points[:, 0] = [1.0, -1.0]
    return PointMasses(points), EDM(0.999e6, 1e6)


class Linear(eqx.Module):
    """φ = x/σ: features that are Gaussian over the population of `coin`, of unit covariance."""

    dimension: int

    @property
    def number(self) -> int:
        return self.dimension

    def __call__(self, x: Array, time: Array) -> Array:
        return x / time[..., None]


@pytest.mark.slow_cases("140", "28")
@pytest.mark.parametrize("draws", [28, 140, 1400])
def test_orders_for_gaussian_features_and_constant_variance(draws):
    """Exactly leading order times P/(P - F - 1), by the inverse Wishart distribution; 1/(1 - F/P) leaves out the 1."""
    number = 14
    data, process = coin(number)
    population = exact_gaussian_population(number, process)
    options = {"draws": draws, "ridge": 0.0, "weight": UniformWeight(), "population": population}
    z = jnp.asarray(np.random.default_rng(0).normal(size=(3, number)) * 1e6), jnp.full(3, 1e6)
    phi = np.asarray(z[0] / 1e6)
    first = np.zeros((number, number))
    first[0, 0] = 1.0
    exact = np.einsum("nm,ij->nmij", phi @ phi.T / (draws - number - 1), first) / 1e24
    for order, divisor in {
        "leading": draws,
        "corrected": draws - number,
        "deterministic_equivalent": draws - number,
        "local_equivalent": draws - number,
    }.items():
        kernel = LinearVKernel(data, process, Linear(number), order=order, **options)
        factor = (draws - number - 1) / divisor
        np.testing.assert_allclose(kernel.score_covariance(*pairs(z)), exact * factor, rtol=1e-4, atol=1e-31)


def exact_gaussian_population(dimension, process):
    """±√D σ e_i: the second moments of N(0, σ²I) exactly."""
    axes = np.sqrt(dimension) * np.eye(dimension) * 1e6
    x = np.concatenate([axes, -axes])
    return Population(jnp.asarray(x), jnp.full(len(x), process.start_time), jnp.full(len(x), 1 / len(x)))


@pytest.mark.parametrize("order", ["deterministic_equivalent", "local_equivalent"])
@pytest.mark.parametrize("draws", [7, 14, 56])
def test_equivalents_at_any_ratio(draws, order):
    """Ridge fits of pure noise to Gaussian features for F/P = 2, 1 and 1/4, within 3 standard errors and 1/P."""
    number, ridge, models = 14, 0.3, 20_000
    data, process = coin(number)
    options = {"weight": UniformWeight(), "population": exact_gaussian_population(number, process)}
    kernel = LinearVKernel(data, process, Linear(number), draws, ridge, order=order, **options)
    rng = np.random.default_rng(0)
    phi, y = rng.normal(size=(models, draws, number)), rng.choice([-1.0, 1.0], size=(models, draws))
    normal = np.swapaxes(phi, 1, 2) @ phi / draws + ridge * np.eye(number)
    weights = np.linalg.solve(normal, np.einsum("mpf,mp->mf", phi, y)[..., None] / draws)[..., 0]
    factor = np.asarray(kernel.weight_factor[0])
    predicted = np.trace(factor @ factor.T)
    square = np.sum(weights**2, axis=1)
    assert abs(square.mean() / predicted - 1) < 3 * square.std() / np.sqrt(models) / predicted + 0.6 / draws


class Table(eqx.Module):
    """φ(x) = row x of a table, for x = 0, 1, 2 …"""

    table: Array

    @property
    def number(self) -> int:
        return self.table.shape[1]

    def __call__(self, x: Array, time: Array) -> Array:
        return self.table[x[..., 0].astype(int)]


class TwoWeights(AbstractSmoothWeight):
    """0.1 before the given time and 10 after."""

    time: float

    def __call__(self, process, time):
        return jnp.where(time < self.time, 0.1, 10.0)

    def noise_power(self):
        return None


@pytest.mark.slow
def test_local_equivalent_where_few_samples_carry_the_weight():
    """One Gaussian sample in twenty has 100 times the weight: no single ridge κ describes both kinds.

    Fitted to noise of variance 1. The theory is exact for F, P → ∞; what is left at F = 80 is 3 %, 7 % at F = 20.
    """
    number, draws, ridge, share, models = 80, 320, 0.05, 0.05, 300
    data, process = coin(1)
    # √F e_i has the second moments and the length of N(0, I).
    table = jnp.tile(np.sqrt(number) * jnp.eye(number), (2, 1))
    time = jnp.repeat(jnp.asarray([process.end_time, process.start_time]), number)
    mass = jnp.repeat(jnp.asarray([1 - share, share]) / number, number)
    population = Population(jnp.arange(2.0 * number)[:, None], time, mass)
    options = {"weight": TwoWeights((process.start_time + process.end_time) / 2), "population": population}
    rng, square = np.random.default_rng(0), np.empty(models)
    for model in range(models):
        phi, y = rng.normal(size=(draws, number)), rng.choice([-1.0, 1.0], size=draws)
        weight = np.where(rng.random(draws) < share, 10.0, 0.1)
        normal = (phi.T * weight) @ phi / draws + ridge * np.eye(number)
        square[model] = np.sum(np.linalg.solve(normal, phi.T @ (weight * y) / draws) ** 2)
    stderr = square.std() / np.sqrt(models)
    trace = {}
    for order in ("local_equivalent", "deterministic_equivalent"):
        kernel = LinearVKernel(data, process, Table(table), draws, ridge, order=order, **options)
        trace[order] = np.trace(weight_covariance(kernel))
    assert abs(trace["local_equivalent"] / square.mean() - 1) < 3 * stderr / square.mean() + 0.03
    assert trace["deterministic_equivalent"] > 5 * square.mean()


def test_bad_arguments():
    data, features = PointMasses(TRIPLE), small_features(1)
    cases = [
        (lambda: LinearVKernel(data, VP, features, 0), "draws must be one or more; got 0"),
        (lambda: LinearVKernel(data, VP, features, 10, -1.0), "zero or more; got -1.0"),
        (lambda: LinearVKernel(data, VP, features, order="exact"), "order must be one of leading"),
        (
            lambda: LinearVKernel(data, VP, features, 15, order="corrected"),
            "more than the 15 features for this order; got 15",
        ),
        (lambda: LinearVKernel(data, VP, features, 15, 0.0), "more than the 15 features for this order; got 15"),
    ]
    other, options = small_features(2), {"population": coarse_population(TRIPLE)}
    kernel, z = LinearVKernel(data, VP, features, 100, **options), places(np.random.default_rng(0), TRIPLE, 3)
    wide = jnp.ones((3, 2)), z[1]
    cases += [
        (lambda: LinearVKernel(data, VP, features, 10, np.asarray(np.nan)), "zero or more; got nan"),
        (lambda: LinearVKernel(data, VP, other, 100, **options), "must have 2 coordinates"),
        (lambda: LinearVKernel(PointMasses(CORNER), VP, features, 100, population=coarse_population(CORNER)), "have 1"),
        (lambda: kernel(z, wide), "must have 1 coordinates"),
        (lambda: kernel.score_covariance(wide, z), "must have 1 coordinates"),
        (lambda: kernel.mean_score(wide), "must have 1 coordinates"),
        (lambda: kernel_matrix(kernel, wide), "must have 1 coordinates"),
        (lambda: kernel.draw_weights(jax.random.key(0), 0), "models must be a whole number of 1 or more; got 0"),
        (lambda: kernel.draw_weights(jax.random.key(0), models=np.asarray(-1)), "models must be a whole .* got -1"),
    ]
    for build, message in cases:
        with pytest.raises(ValueError, match=message):
            build()
