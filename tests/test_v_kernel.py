"""V-kernels against ensembles fitted in NumPy, against perturbed training, and in the limits where they are exact."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
import scipy.optimize
import scipy.stats
from jaxtyping import Array

from theory import (
    EDM,
    FlowMatching,
    FourierFeatures,
    GaussianFeatures,
    LazyVKernel,
    LinearSchedule,
    LinearVKernel,
    PointMasses,
    VariancePreserving,
)
from theory.objectives import AbstractWeight, DenoiserTarget, NoiseTarget, ScoreTarget, UniformWeight, VelocityTarget
from theory.population import (
    NoiseVarianceWeight,
    Population,
    complete_basis_limit,
    effective_ridge,
    lattice_population,
    nystrom_features,
    score_coefficients,
    target_moments,
)
from theory.v_kernel import AbstractVKernel, kernel_matrix

TRIPLE = np.array([[-1.0], [0.0], [1.0]])
CORNER = np.array([[-1.0, 0.2], [0.7, 0.7], [0.5, -1.0]])
CUTOFF = 0.02
VP = VariancePreserving(LinearSchedule(0.1, 20.0), end_time=CUTOFF)
BOX = {"positions": (-1.5, 1.5), "times": (CUTOFF, 1.0)}
TARGETS = (DenoiserTarget(), NoiseTarget(), ScoreTarget(), VelocityTarget())


@pytest.fixture(scope="module", autouse=True)
def quick_compilation():
    """Kernels are small here and compiling is all the time there is."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


def scales(time):
    """α and σ in NumPy's arithmetic."""
    alpha = np.exp(-0.1 * time - 9.95 * time**2)
    return alpha, np.sqrt(1 - alpha**2)


def draw(rng, points, count):
    """x_0, ε and t of independent training triples, and x."""
    clean = points[rng.integers(len(points), size=count)]
    noise, time = rng.normal(size=clean.shape), rng.uniform(CUTOFF, 1.0, count)
    alpha, sigma = scales(time)
    return clean, noise, time, alpha[:, None] * clean + sigma[:, None] * noise


def regressed(target, clean, noise, time):
    """y and the weight equal to λ = σ² on the score, written out for each target."""
    alpha, sigma = (scale[:, None] for scale in scales(time))
    return {
        DenoiserTarget: (clean, (alpha / sigma) ** 2),
        NoiseTarget: (noise, np.ones_like(sigma)),
        ScoreTarget: (-noise / sigma, sigma**2),
        VelocityTarget: (alpha * noise - sigma * clean, alpha**2),
    }[type(target)]


def places(rng, points, count):
    """z where scores are compared, as drawn in training, but not at times so late that nothing is learned."""
    *_, time, x = draw(rng, points, 4 * count)
    early = np.flatnonzero(time < 0.6)[:count]
    return jnp.asarray(x[early]), jnp.asarray(time[early])


def pairs(z):
    """All ordered pairs of n places."""
    x, time = z
    return (x[:, None], time[:, None]), (x[None], time[None])


def coarse_population(points):
    """Enough for identities that hold on any population."""
    return lattice_population(PointMasses(points), VP, 1024)


def small_features(dimension):
    return GaussianFeatures(dimension, {1: 5, 2: 3}[dimension], 3, **BOX)


# --- The population and its targets ---


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


# --- Least squares against ensembles ---


def ridge_ensemble(features, points, target, *, models, count, ridge, seed):
    """W of independent ridge fits, (models, D, F), in NumPy."""
    rng = np.random.default_rng(seed)
    clean, noise, time, x = draw(rng, points, models * count)
    y, weight = regressed(target, clean, noise, time)
    phi = np.asarray(jax.jit(features)(jnp.asarray(x), jnp.asarray(time))).reshape(models, count, -1)
    weighted = phi * weight.reshape(models, count, 1)
    normal = np.swapaxes(weighted, 1, 2) @ phi / count + ridge * np.eye(phi.shape[-1])
    pull = np.swapaxes(weighted, 1, 2) @ y.reshape(models, count, -1) / count
    return np.swapaxes(np.linalg.solve(normal, pull), 1, 2)


def output_scale(target, time):
    """a(t), what multiplies the output in the score."""
    alpha, sigma = scales(time)
    return {
        DenoiserTarget: alpha / sigma**2,
        NoiseTarget: -1 / sigma,
        ScoreTarget: np.ones_like(sigma),
        VelocityTarget: -alpha / sigma,
    }[type(target)]


def in_standard_errors(kernel, features, weights, z, target):
    """(measured - predicted)/standard error of every entry of the covariance at places z, and the ratio of traces."""
    x, time = z
    scale = output_scale(target, np.asarray(time))[:, None]
    phi = np.asarray(features(x, time))
    score = np.einsum("mif,nf->mni", weights, phi * scale).reshape(len(weights), -1)
    measured = np.cov(score.T)
    predicted = np.asarray(kernel.score_covariance(*pairs(z))).swapaxes(1, 2).reshape(measured.shape)
    variance = np.diag(measured)
    stderr = np.sqrt((np.outer(variance, variance) + measured**2) / (len(weights) - 1))
    return (measured - predicted) / stderr, variance.sum() / np.trace(predicted)


@pytest.mark.parametrize(
    ("points", "target", "models", "count", "ridge"),
    [
        # The denoiser's weight α²/σ² reaches 200: corrections of higher order in 1/P are larger.
        (TRIPLE, DenoiserTarget(), 200, 4000, 0.1),
        (CORNER, DenoiserTarget(), 200, 2000, 0.1),
        (TRIPLE, NoiseTarget(), 400, 800, 0.01),
        (TRIPLE, ScoreTarget(), 400, 800, 0.01),
    ],
    ids=["denoiser", "denoiser-2d", "noise", "score"],
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


class TwoWeights(AbstractWeight):
    """0.1 before the given time and 10 after."""

    time: float

    def __call__(self, process, time):
        return jnp.where(time < self.time, 0.1, 10.0)


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


@pytest.mark.parametrize(("draws", "ridge"), [(3, 0.0), (3, 0.2), (12, 1e-3), (500, 0.1), (8, 0.0)])
def test_effective_ridge_solves_its_equation(draws, ridge):
    eigenvalues = np.array([10.0, 3.0, 1.0, 0.1, 1e-3, 1e-9, 0.0, 0.0])

    def excess(kappa):
        return kappa - ridge - kappa / draws * np.sum(eigenvalues / (eigenvalues + kappa))

    kappa = float(effective_ridge(jnp.asarray(eigenvalues), draws, ridge))
    if ridge == 0 and draws > 6:
        assert kappa < 1e-12
    else:
        np.testing.assert_allclose(kappa, scipy.optimize.brentq(excess, 1e-8, 1e3, xtol=1e-15), rtol=1e-9)


# --- Gradient flow against perturbed training on a population of a few points ---


def few_points(points=TRIPLE, count=9):
    """A population of `count` points of unequal masses."""
    rng = np.random.default_rng(4)
    *_, time, x = draw(rng, points, count)
    mass = rng.uniform(0.5, 1.5, count)
    return Population(jnp.asarray(x), jnp.asarray(np.minimum(time, 0.4)), jnp.asarray(mass / mass.sum()))


def training_law(population, features, points):
    """Everything that may be drawn: φ, weight, y and probability of each pair (population point, posterior point)."""
    x, time, mass = (np.asarray(a) for a in (population.x, population.time, population.mass))
    alpha, sigma = scales(time)
    distance = np.sum((x[:, None] - alpha[:, None, None] * points) ** 2, axis=-1)
    posterior = scipy.special.softmax(-distance / (2 * sigma[:, None] ** 2), axis=1)
    phi = np.repeat(np.asarray(features(population.x, population.time)), len(points), axis=0)
    weight = np.repeat((alpha / sigma) ** 2, len(points))
    return phi, weight, np.tile(points, (len(x), 1)), (mass[:, None] * posterior).ravel()


def influence_covariance(fit, law):
    """Σ_m p_m I_m I_mᵀ of the influence I_m = d/dε fit(Σ, B) at p + ε(δ_m - p), by complex steps."""
    phi, weight, y, probability = law
    step = 1e-20
    influences = []
    for chosen in range(len(probability)):
        shifted = probability + 1j * step * (np.eye(len(probability))[chosen] - probability)
        weighted = (shifted * weight)[:, None] * phi
        influences.append(np.ravel(fit(phi.T @ weighted, y.T @ weighted)).imag / step)
    influences = np.stack(influences)
    return influences.T @ (influences * probability[:, None])


def weight_covariance(kernel):
    factor = np.asarray(kernel.weight_factor).reshape(-1, kernel.weight_factor.shape[-1])
    return factor @ factor.T


@pytest.mark.parametrize("points", [TRIPLE, CORNER], ids=["1d", "2d"])
def test_linear_kernel_for_many_draws_is_the_covariance_of_influences(points):
    features, population, draws = small_features(points.shape[1]), few_points(points), 1e14
    kernel = LinearVKernel(PointMasses(points), VP, features, draws, 0.3, population=population)
    law = training_law(population, features, points)
    identity = np.eye(features.number)
    expected = influence_covariance(lambda s, b: np.linalg.solve(s + 0.3 * identity, b.T).T, law)
    np.testing.assert_allclose(draws * weight_covariance(kernel), expected, atol=1e-9 * np.abs(expected).max())


def gradient_flow(tau, prior):
    """W(τ) from W = 0 by scipy's matrix exponential of the augmented linear system."""

    def fit(second_moment, cross):
        number = len(prior)
        rate = np.asarray(prior)[:, None] * second_moment
        system = np.zeros((number + len(cross), number + len(cross)), dtype=complex)
        system[:number, :number], system[:number, number:] = -rate, np.asarray(prior)[:, None] * cross.T
        return scipy.linalg.expm(tau * system)[:number, number:].T

    return fit


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


# --- Kernel functions ---


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
    with pytest.raises(ValueError, match="not symmetric"):
        nystrom_features(lambda left, right: left[0] @ right[0].T + left[1][:, None], points, population.mass)
    with pytest.raises(ValueError, match="no positive eigenvalue"):
        nystrom_features(lambda left, right: -kernel(left, right), points, population.mass)


# --- What every kernel does ---


def a_kernel(name, points):
    data, features, (family, order) = PointMasses(points), small_features(points.shape[1]), name.split("-")
    options = {"order": order, "population": coarse_population(points)}
    if family == "linear":
        return LinearVKernel(data, VP, features, 100, 0.1, **options)
    return LazyVKernel(data, VP, features, 100, 0.3, **options)


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
        ("linear-local_equivalent", TRIPLE),
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
    features = small_features(1)
    assert np.abs(LinearVKernel(data, VP, features, 100, order="leading")(*pairs(z))).max() < 1e-20
    assert np.abs(LinearVKernel(data, VP, features, 100)(*pairs(z))).max() > 1e-6


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
    noise = LinearVKernel(data, VP, features, target=NoiseTarget(), **options)
    score = LinearVKernel(data, VP, Divided(features), target=ScoreTarget(), **options)
    np.testing.assert_allclose(noise(*pairs(z)), score(*pairs(z)), rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(noise.mean_score(z), score.mean_score(z), rtol=1e-8, atol=1e-9)


def test_bad_arguments():
    data, features = PointMasses(TRIPLE), small_features(1)
    population = few_points()
    cases = [
        (lambda: LinearVKernel(data, VP, features, 0), "at least one training draw; got 0"),
        (lambda: LinearVKernel(data, VP, features, 10, -1.0), "zero or more; got -1.0"),
        (lambda: LinearVKernel(data, VP, features, order="exact"), "order must be one of leading"),
        (lambda: LinearVKernel(data, VP, features, 15, order="corrected"), "more draws than the 15 features; got 15"),
        (lambda: LinearVKernel(data, VP, features, 15, 0.0), "more draws than the 15 features; got 15"),
        (lambda: LazyVKernel(data, VP, features, 15, order="corrected"), "more draws than the 15 features"),
        (lambda: LazyVKernel(data, VP, features, 15, -0.1), "training time must be zero or more; got -0.1"),
        (lambda: LazyVKernel(data, VP, features, 15, order="leading"), "order must be one of fixed_design"),
        (lambda: LazyVKernel(data, VP, features, prior=[1.0]), "15 positive numbers"),
        (lambda: LazyVKernel(data, VP, features, prior=np.zeros(15)), "15 positive numbers"),
        (lambda: lattice_population(data, VP, 40), "16 points or more per point mass"),
        (lambda: lattice_population(PointMasses(np.zeros((1, 15))), VP), "at most 14 coordinates"),
        (lambda: lattice_population(data, FlowMatching()), "infinite log signal-to-noise ratio"),
        (lambda: Population(population.x, population.time[:2], population.mass), "needs x"),
    ]
    for build, message in cases:
        with pytest.raises(ValueError, match=message):
            build()
    with pytest.raises(eqx.EquinoxRuntimeError, match="more draws than df"):
        LazyVKernel(data, VP, features, 2, 100.0, order="corrected")
