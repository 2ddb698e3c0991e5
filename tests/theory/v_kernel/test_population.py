"""The population of training inputs and its lattices, against quadrature in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats

from tests.oracles.v_kernels import BOX, CORNER, CUTOFF, TRIPLE, VP, scales
from theory import EDM, FlowMatching, GaussianFeatures, PointMasses
from theory.definitions.targets import DenoiserTarget
from theory.v_kernel.lattices import lattice_population
from theory.v_kernel.learned_scores import NoiseVarianceWeight
from theory.v_kernel.population import Population


@pytest.mark.slow
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


@pytest.mark.slow
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


def test_traced_masses_are_not_checked():
    halved = jax.jit(lambda mass: Population(jnp.zeros((2, 1)), jnp.zeros(2), mass / 2).mass)(jnp.ones(2))
    np.testing.assert_array_equal(halved, [0.5, 0.5])


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
