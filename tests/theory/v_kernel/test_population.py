"""The population of training inputs, its targets and the eigenfunctions of kernels, against NumPy and SciPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats

from tests.oracles.v_kernels import BOX, CORNER, CUTOFF, TARGETS, TRIPLE, VP, draw, places, regressed, scales
from theory import EDM, FlowMatching, GaussianFeatures, PointMasses
from theory.definitions.targets import DenoiserTarget
from theory.v_kernel.complete_basis import complete_basis_limit
from theory.v_kernel.eigenfunctions import nystrom_features
from theory.v_kernel.feature_regression import target_moments
from theory.v_kernel.lattices import lattice_population
from theory.v_kernel.learned_scores import NoiseVarianceWeight, score_coefficients
from theory.v_kernel.population import Population


@pytest.fixture(scope="module", autouse=True)
def quick_compilation():
    """Kernels are small here and compiling is all the time there is."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


def test_lattice_averages_are_those_of_fine_quadrature():
    """E[w φφᵀ] of bumps and a moment with a peak at the cut-off, on a grid of 150 × 750 in NumPy."""
    features, population = GaussianFeatures(1, 8, 6, **BOX), lattice_population(PointMasses(TRIPLE), VP, 2**15)
    nodes, weights = np.polynomial.legendre.leggauss(150)
    time, mass = (CUTOFF + (1 - CUTOFF) * (nodes + 1) / 2)[:, None, None], weights[:, None, None] / 2
    noise = np.linspace(-8, 8, 250)
    mass = mass * scipy.stats.norm.pdf(noise) * (noise[1] - noise[0]) / 3
    alpha, sigma = scales(time)
    x = alpha * TRIPLE + sigma * noise
    time, mass = np.broadcast_to(time, x.shape).ravel(), np.broadcast_to(mass, x.shape).ravel()
    mass = mass * ((alpha / sigma) ** 2 * np.ones_like(x)).ravel()
    phi = np.asarray(features(jnp.asarray(x.reshape(-1, 1)), jnp.asarray(time)))
    expected = phi.T @ (phi * mass[:, None])
    value = np.asarray(features(population.x, population.time))
    alpha, sigma = scales(np.asarray(population.time))
    actual = value.T @ (value * (np.asarray(population.mass) * (alpha / sigma) ** 2)[:, None])
    size = np.sqrt(np.diag(expected))
    error = np.abs((actual - expected) / np.outer(size, size))
    # The worst are features in the gaps at early times, which only the noise's tails reach.
    assert np.median(np.diag(error)) < 1e-4
    assert error.max() < 1e-2
    np.testing.assert_allclose(population.mass.sum(), 1, rtol=1e-12)
    assert float(population.mass.min()) > 0


@pytest.mark.parametrize("process", [VP, EDM(0.05, 20.0)], ids=["vp", "edm"])
def test_lattice_has_the_moments_of_training_inputs(process):
    """E x, Cov x and E t, known in closed form up to the average of α² and σ² over a uniform t."""
    population = lattice_population(PointMasses(CORNER), process, 2**14)
    low, high = sorted((process.end_time, process.start_time))
    time = np.linspace(low, high, 400_001)
    alpha, sigma = (np.asarray(f(jnp.asarray(time))) for f in (process.signal_scale, process.noise_scale))
    mean = np.mean(alpha) * CORNER.mean(axis=0)
    square = np.mean(alpha**2) * CORNER.T @ CORNER / 3 + np.mean(sigma**2) * np.eye(2)
    x, mass = np.asarray(population.x), np.asarray(population.mass)
    scale = np.sqrt(np.diag(square))
    np.testing.assert_allclose(mass @ x, mean, atol=1e-3 * scale.max())
    np.testing.assert_allclose(x.T @ (x * mass[:, None]), square, atol=3e-3 * scale.max() ** 2)
    np.testing.assert_allclose(mass @ np.asarray(population.time), (low + high) / 2, rtol=1e-3)


def test_lattice_in_two_coordinates_converges():
    """Averages over bumps in (x, y, t) by 2^14 points, against 2^18: a per cent where there is weight."""
    features = GaussianFeatures(2, 5, 4, **BOX)

    def moments(count):
        population = lattice_population(PointMasses(CORNER), VP, count)
        weight = population.mass * NoiseVarianceWeight(DenoiserTarget())(VP, population.time)
        return np.asarray(jax.jit(features)(population.x, population.time).T @ weight)

    fine = moments(2**18)
    error = np.abs(moments(2**14) / fine - 1)
    assert np.median(error) < 2e-3
    assert error[fine > 1e-3 * fine.max()].max() < 2e-2


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: type(target).__name__)
def test_score_and_weight_of_every_target(target):
    """b x + a y is the proxy score -ε/σ for any x_0 and ε, and the weight is σ²a²."""
    clean, noise, time, x = draw(np.random.default_rng(0), CORNER, 50)
    y, weight = regressed(target, clean, noise, time)
    known, scale = (np.asarray(c)[:, None] for c in score_coefficients(target, VP, jnp.asarray(time)))
    sigma = scales(time)[1][:, None]
    np.testing.assert_allclose(known * x + scale * y, -noise / sigma, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(
        NoiseVarianceWeight(target)(VP, jnp.asarray(time))[:, None] * np.ones_like(weight), weight, rtol=1e-11
    )


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: type(target).__name__)
def test_moments_of_the_target_are_sums_over_the_posterior(target):
    *_, time, x = draw(np.random.default_rng(1), CORNER, 20)
    alpha, sigma = scales(time)
    noises = (x[:, None] - alpha[:, None, None] * CORNER) / sigma[:, None, None]
    posterior = scipy.special.softmax(-np.sum(noises**2, axis=-1) / 2, axis=1)
    y = np.stack([regressed(target, np.tile(p, (20, 1)), noises[:, i], time)[0] for i, p in enumerate(CORNER)], axis=1)
    mean = np.einsum("ni,nid->nd", posterior, y)
    covariance = np.einsum("ni,nid,nie->nde", posterior, y - mean[:, None], y - mean[:, None])
    moments = target_moments(PointMasses(CORNER), VP, target, (jnp.asarray(x), jnp.asarray(time)))
    np.testing.assert_allclose(moments[0], mean, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(moments[1], covariance, rtol=1e-7, atol=1e-10)


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


def test_traced_masses_are_not_checked():
    halved = jax.jit(lambda mass: Population(jnp.zeros((2, 1)), jnp.zeros(2), mass / 2).mass)(jnp.ones(2))
    np.testing.assert_array_equal(halved, [0.5, 0.5])


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


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: lattice_population(PointMasses(TRIPLE), VP, 40), "16 points or more per point mass"),
        (lambda: lattice_population(PointMasses(TRIPLE), FlowMatching()), "must be finite at both ends"),
        (lambda: Population(jnp.zeros((3, 1)), jnp.zeros(2), jnp.ones(3) / 3), "must have x"),
        (lambda: Population(jnp.zeros((3, 1)), jnp.zeros(3), jnp.ones(3)), "sum to one; got the sum 3.0"),
        (lambda: Population(np.zeros((3, 1)), np.zeros(3), np.asarray([0.5, 0.7, -0.2])), "positive and sum to one"),
        (lambda: Population(jnp.zeros((2, 1)), jnp.zeros(2), jnp.asarray([1.0, 0.0])), "positive and sum to one"),
        (lambda: Population(jnp.zeros((2, 1)), jnp.zeros(2), jnp.asarray([1.0, jnp.nan])), "positive and sum to one"),
    ],
)
def test_bad_populations(build, message):
    with pytest.raises(ValueError, match=message):
        build()
