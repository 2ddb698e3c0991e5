"""Training sets and regressions in NumPy, for the tests of populations and V-kernels: sharing no code with `theory`."""

import jax
import jax.numpy as jnp
import numpy as np
import scipy.special

from theory import GaussianFeatures, LinearSchedule, PointMasses, VariancePreserving
from theory.definitions.targets import DenoiserTarget, NoiseTarget, ScoreTarget, VelocityTarget
from theory.v_kernel.lattices import lattice_population
from theory.v_kernel.population import Population

TRIPLE = np.array([[-1.0], [0.0], [1.0]])
CORNER = np.array([[-1.0, 0.2], [0.7, 0.7], [0.5, -1.0]])
CUTOFF = 0.02
VP = VariancePreserving(LinearSchedule(0.1, 20.0), end_time=CUTOFF)
BOX = {"positions": (-1.5, 1.5), "times": (CUTOFF, 1.0)}
TARGETS = (DenoiserTarget(), NoiseTarget(), ScoreTarget(), VelocityTarget())


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


def ridge_fits(features, x, time, targets, weight, models, ridge):
    """W of independent ridge fits, (models, D, F), in NumPy: every model has its share of the triples."""
    phi = np.asarray(jax.jit(features)(jnp.asarray(x), jnp.asarray(time))).reshape(models, len(x) // models, -1)
    count = phi.shape[1]
    weighted = phi * weight.reshape(models, count, 1)
    normal = np.swapaxes(weighted, 1, 2) @ phi / count + ridge * np.eye(phi.shape[-1])
    pull = np.swapaxes(weighted, 1, 2) @ targets.reshape(models, count, -1) / count
    return np.swapaxes(np.linalg.solve(normal, pull), 1, 2)


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


def local_equivalent(features, population, draws, ridge, points=TRIPLE):
    """E W and Cov W of denoisers with every sample's own leverage, for one coordinate, by plain iteration to round-off.

    Real or complex P and ξ, so that complex steps give derivatives to round-off.
    """
    phi, weight, y, probability = training_law(population, features, points)
    phi, weight, y, probability = (a.reshape(-1, len(points), *a.shape[1:]) for a in (phi, weight, y, probability))
    mass, phi, weight = probability.sum(axis=1), phi[:, 0], weight[:, 0]
    mean = np.sum(probability * y[..., 0], axis=1) / mass
    variance = np.sum(probability * (y[..., 0] - mean[:, None]) ** 2, axis=1) / mass
    identity, leverage = np.eye(phi.shape[1]), np.zeros_like(weight)
    for _ in range(300):
        damped = weight / (1 + leverage)
        resolvent = np.linalg.inv(phi.T @ ((mass * damped)[:, None] * phi) + ridge * identity)
        leverage = weight * np.sum((phi @ resolvent) * phi, axis=1) / draws
    weights = (mean * mass * damped) @ phi @ resolvent
    misfit = mean - phi @ weights
    pull = (mass * damped * misfit) @ phi
    noise = phi.T @ ((mass * damped**2 * (variance + misfit**2))[:, None] * phi) - np.outer(pull, pull)
    inflated = noise
    for _ in range(300):
        spread = np.sum((phi @ resolvent @ inflated @ resolvent) * phi, axis=1)
        inflated = noise + phi.T @ ((mass * damped**2 * spread)[:, None] * phi) / draws
    return weights, resolvent @ inflated @ resolvent / draws
