"""The V-kernel of lazy networks, against perturbed gradient flow, ensembles, and the limits where it is exact."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
from jaxtyping import Array

from tests.oracles.v_kernels import (
    BOX,
    CORNER,
    TRIPLE,
    VP,
    coarse_population,
    draw,
    few_points,
    in_standard_errors,
    influence_covariance,
    pairs,
    places,
    scales,
    small_features,
    training_law,
    weight_covariance,
)
from theory import FourierFeatures, LazyVKernel, LinearVKernel, PointMasses
from theory.definitions.targets import DenoiserTarget
from theory.v_kernel.kernels import kernel_matrix
from theory.v_kernel.lattices import lattice_population


def gradient_flow(tau, prior):
    """W(τ) from W = 0 by scipy's matrix exponential of the augmented linear system."""

    def fit(second_moment, cross):
        number = len(prior)
        rate = np.asarray(prior)[:, None] * second_moment
        system = np.zeros((number + len(cross), number + len(cross)), dtype=complex)
        system[:number, :number], system[:number, number:] = -rate, np.asarray(prior)[:, None] * cross.T
        return scipy.linalg.expm(tau * system)[:number, number:].T

    return fit


@pytest.mark.slow_cases("1d-0.03")
@pytest.mark.parametrize("tau", [0.03, 1.0, 20.0])
@pytest.mark.parametrize("points", [TRIPLE, CORNER], ids=["1d", "2d"])
def test_lazy_kernel_is_the_covariance_of_influences_on_gradient_flow(points, tau):
    """To first order in 1/P exactly: variance of y, of the design, and their mean flow, for unequal a_k."""
    features, population = small_features(points.shape[1]), few_points(points)
    prior = np.random.default_rng(5).uniform(0.02, 0.2, features.number)
    kernel = LazyVKernel(PointMasses(points), VP, features, 50.0, tau, prior=prior, population=population)
    law = training_law(population, features, points)
    fit = gradient_flow(tau, prior)
    expected = influence_covariance(fit, law) / 50
    phi, weight, y, probability = law
    weighted = (probability * weight)[:, None] * phi
    np.testing.assert_allclose(kernel.mean_weights, fit(phi.T @ weighted, y.T @ weighted).real, atol=1e-9)
    np.testing.assert_allclose(weight_covariance(kernel), expected, atol=1e-9 * np.abs(expected).max())


@pytest.mark.parametrize("tau", [0.03, 20.0])
def test_fixed_design_is_the_papers_filter_on_both_sides(tau):
    """Eqs. 15, 16: with orthonormal eigenfunctions, V_W = h(l) E[w² C φφᵀ] h(l)/P, by scipy's matrix functions."""
    features, population = small_features(1), few_points()
    prior = np.random.default_rng(5).uniform(0.02, 0.2, features.number)
    options = {"prior": prior, "population": population}
    kernel = LazyVKernel(PointMasses(TRIPLE), VP, features, 50.0, tau, order="fixed_design", **options)
    phi, weight, y, probability = training_law(population, features, TRIPLE)
    phi, weight, y, probability = (a.reshape(-1, 3, *a.shape[1:]) for a in (phi, weight, y, probability))
    mass, phi, weight = probability.sum(axis=1), phi[:, 0], weight[:, 0]
    mean = np.sum(probability[..., None] * y, axis=1) / mass[:, None]
    variance = np.sum(probability * (y - mean[:, None])[..., 0] ** 2, axis=1)
    root = np.sqrt(prior)
    rate = root[:, None] * (phi.T @ (phi * (mass * weight)[:, None])) * root
    augmented = np.block([[-rate, np.eye(len(rate))], [np.zeros_like(rate), np.zeros_like(rate)]])
    response = scipy.linalg.expm(tau * augmented)[: len(rate), len(rate) :]
    transfer = root[:, None] * response * root
    expected = transfer @ (phi.T @ (phi * (variance * weight**2)[:, None])) @ transfer / 50
    np.testing.assert_allclose(weight_covariance(kernel), expected, atol=1e-9 * np.abs(expected).max())


@pytest.mark.slow
def test_lazy_kernel_is_the_covariance_of_an_ensemble_trained_for_a_time():
    """Gradient flow on 400 training sets, the design drawn anew: the paper's own term alone is far too small."""
    features, models, count, tau = small_features(1), 400, 1000, 0.3
    weights = ridge_free_flow(features, models=models, count=count, tau=tau, seed=6)
    z = places(np.random.default_rng(3), TRIPLE, 12)
    ratios = {}
    for order in ("first_order", "corrected", "fixed_design"):
        kernel = LazyVKernel(PointMasses(TRIPLE), VP, features, count, tau, order=order)
        error, ratios[order] = in_standard_errors(kernel, features, weights, z, DenoiserTarget())
        if order != "fixed_design":
            assert np.sqrt(np.mean(error**2)) < 1.5
            assert abs(ratios[order] - 1) < 0.12
    assert ratios["fixed_design"] > 1.5


def ridge_free_flow(features, *, models, count, tau, seed):
    clean, _, time, x = draw(np.random.default_rng(seed), TRIPLE, models * count)
    weight = np.ravel((scales(time)[0] / scales(time)[1]) ** 2).reshape(models, count, 1)
    phi = np.asarray(jax.jit(features)(jnp.asarray(x), jnp.asarray(time))).reshape(models, count, -1)
    normal = np.swapaxes(phi * weight, 1, 2) @ phi / count
    pull = np.swapaxes(phi * weight, 1, 2) @ clean.reshape(models, count, 1) / count
    rates, basis = np.linalg.eigh(normal)
    response = -np.expm1(-tau * rates) / rates
    return np.swapaxes(basis @ (response[..., None] * (np.swapaxes(basis, 1, 2) @ pull)), 1, 2)


@pytest.mark.slow
def test_lazy_kernel_at_the_ends_of_training():
    """τ = 0: nothing is learned. τ = ∞: least squares without ridge."""
    data, features = PointMasses(TRIPLE), small_features(1)
    z = places(np.random.default_rng(0), TRIPLE, 5)
    population = coarse_population(TRIPLE)
    start = LazyVKernel(data, VP, features, 100, 0.0, population=population)
    assert not np.any(start.score_covariance(*pairs(z)))
    assert not np.any(start.mean_weights)
    end = LazyVKernel(data, VP, features, 100, order="corrected", population=population)
    fitted = LinearVKernel(data, VP, features, 100, 0.0, order="deterministic_equivalent", population=population)
    np.testing.assert_allclose(end.mean_weights, fitted.mean_weights, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(
        end.score_covariance(*pairs(z)), fitted.score_covariance(*pairs(z)), rtol=1e-7, atol=1e-10
    )
    paper = LazyVKernel(data, VP, features, 100, order="fixed_design", population=population)
    leading = LinearVKernel(data, VP, features, 100, 0.0, order="leading", population=population)
    np.testing.assert_allclose(paper(*pairs(z)), leading(*pairs(z)), rtol=1e-7, atol=1e-10)


class Indicators(eqx.Module):
    """φ_k(z) = 1 at the k-th of N points and 0 at the others: a complete basis on them."""

    points: Array

    @property
    def number(self) -> int:
        return self.points.shape[0]

    def __call__(self, x: Array, time: Array) -> Array:
        points = self.points.reshape((1,) * (x.ndim - 1) + self.points.shape)
        return jnp.all(x[..., None, :] == points, axis=-1).astype(float)


def test_complete_basis_gives_the_white_kernel_of_equation_17_corrected():
    """V(z_n; z_m) = δ_nm D C(z_n) D/(P p_n): diagonal, with a factor that depends on the place."""
    population, data = few_points(), PointMasses(TRIPLE)
    z = population.x, population.time
    kernel = LazyVKernel(data, VP, Indicators(population.x), 200, population=population, order="fixed_design")
    diffusion = np.asarray(VP.diffusion_coefficient(population.time))
    curvature = np.asarray(data.proxy_covariance(*z, VP))[:, 0, 0]
    expected = np.diag(diffusion**2 * curvature / (200 * np.asarray(population.mass)))
    np.testing.assert_allclose(kernel_matrix(kernel, z)[:, 0, :, 0], expected, rtol=1e-11, atol=1e-11)


@pytest.mark.slow
def test_a_kernel_function_gives_what_its_features_give():
    """K = Σ a_k φ_k φ_k' by its Gram matrix alone: the same mean and V, on the population and between its points."""
    features = FourierFeatures(1, 4, 3, **BOX)
    prior = jnp.asarray(np.random.default_rng(7).uniform(0.5, 2, features.number))
    data, population = PointMasses(TRIPLE), lattice_population(PointMasses(TRIPLE), VP, 256)

    def kernel(left, right):
        return (features(*left) * prior[None]) @ features(*right).T

    options = {"draws": 300, "tau": 0.5, "population": population, "order": "corrected"}
    from_features = LazyVKernel(data, VP, features, prior=prior, **options)
    from_gram = LazyVKernel.from_kernel(kernel, data, VP, **options)
    assert from_gram.features.number == features.number
    z = places(np.random.default_rng(9), TRIPLE, 7)
    expected = from_features(*pairs(z))
    np.testing.assert_allclose(from_gram(*pairs(z)), expected, atol=1e-7 * float(jnp.abs(expected).max()))
    np.testing.assert_allclose(from_gram.mean_score(z), from_features.mean_score(z), rtol=1e-6, atol=1e-6)


def test_bad_arguments():
    data, features = PointMasses(TRIPLE), small_features(1)
    cases = [
        (lambda: LazyVKernel(data, VP, features, 15, order="corrected"), "draws must be more than the 15 features"),
        (lambda: LazyVKernel(data, VP, features, 15, -0.1), "training time must be zero or more; got -0.1"),
        (
            lambda: LazyVKernel(data, VP, features, 15, np.asarray(np.nan)),
            "training time must be zero or more; got nan",
        ),
        (lambda: LazyVKernel(data, VP, small_features(2), population=coarse_population(TRIPLE)), "have 2 coordinates"),
        (lambda: LazyVKernel(data, VP, features, 15, order="leading"), "order must be one of fixed_design"),
        (lambda: LazyVKernel(data, VP, features, prior=[1.0]), "15 positive and finite numbers"),
        (lambda: LazyVKernel(data, VP, features, prior=np.zeros(15)), "15 positive and finite numbers"),
    ]
    for build, message in cases:
        with pytest.raises(ValueError, match=message):
            build()
    with pytest.raises(ValueError, match="draws must be more than df"):
        LazyVKernel(data, VP, features, 2, 100.0, order="corrected", population=coarse_population(TRIPLE))
