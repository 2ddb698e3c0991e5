"""Small experiments that decide between a printed formula and its correction, one per misprint; none knows a formula.

Every function returns independent repetitions of one number, (repetitions,), and raises ValueError unless its sizes are
1, 2, ….
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from sims.networks.convolution import convolution_denoiser
from sims.networks.linear import LinearDenoiser, linear_denoiser, total_maps_of
from sims.sampling.linear_flow import sample_linear_networks
from sims.training.descent import train_full_batch
from sims.training.linear_losses import linear_denoising_loss
from sims.training.pairs import SecondMoments
from sims.training.training_sets import gaussian_training_sets
from theory.definitions.checks import whole_arguments
from theory.definitions.spectra import Spectrum

Repetitions = Float[np.ndarray, " repetitions"]


@whole_arguments("samples", "repetitions")
def pull_on_the_weights(
    mean: Float[np.ndarray, " dim"], *, samples: int, repetitions: int, key: PRNGKeyArray
) -> Repetitions:
    """-∂L/∂W_11 of a linear denoiser with bias at W = b = 0, for N(mean, I) data at σ = 1, by differentiating L."""
    spectrum = Spectrum(jnp.asarray(mean), jnp.ones(len(mean)))
    moments = gaussian_training_sets(spectrum, jnp.ones(1), seeds=repetitions, samples=samples, key=key)
    network = LinearDenoiser(jnp.zeros((len(mean), len(mean)), jnp.float32), jnp.zeros(len(mean), jnp.float32))

    def pull(moments: SecondMoments) -> Array:
        return -jax.grad(linear_denoising_loss)(network, jax.tree.map(lambda leaf: leaf[0], moments)).weight[0, 0]

    return np.asarray(jax.vmap(pull)(moments))


@whole_arguments("levels", "samples", "repetitions")
def contraction_of_sampling(
    high: float, low: float, *, levels: int, samples: int, repetitions: int, key: PRNGKeyArray
) -> Repetitions:
    """x(low)/x(high) of samplers with fitted one-dimensional denoisers, W = Σ x_0 x/Σ x² for N(0, 1) data."""
    noise_levels = jnp.geomspace(high, low, levels)
    spectrum = Spectrum.from_variances(np.array([1.0]))
    moments = gaussian_training_sets(spectrum, noise_levels, seeds=repetitions, samples=samples, key=key)
    maps = moments.cross / moments.noisy
    start = jnp.ones((1, 1), maps.dtype)
    return np.asarray(jax.vmap(lambda each: sample_linear_networks(each, noise_levels, start)[0, 0])(maps))


@whole_arguments("points", "steps", "samples", "repetitions")
def trained_full_width_gain(
    points: int, time: float, *, steps: int, samples: int, repetitions: int, key: PRNGKeyArray
) -> Repetitions:
    """Gain at frequency zero of a full-width convolution trained from zero on white noise at σ = 1 for ητ = `time`."""
    spectrum = Spectrum.from_variances(np.ones(points))
    moments = gaussian_training_sets(spectrum, jnp.ones(1), seeds=repetitions, samples=samples, key=key)
    network = convolution_denoiser((points,), (points,), 0.0)
    step_sizes, counts = jnp.full((1, 1), time / steps, jnp.float32), jnp.asarray([steps])
    maps = total_maps_of(train_full_batch(network, moments, step_sizes, counts))
    return np.asarray(maps[:, 0, 0].sum(axis=-1)[:, 0])


@whole_arguments("steps", "paths", "repetitions")
def noising_variance(
    friction: tuple[float, float], time: float, *, steps: int, paths: int, repetitions: int, key: PRNGKeyArray
) -> Repetitions:
    """Variance at `time` of dx = -(a + bt) x dt + √2 dW from x = 0, by Euler and Maruyama."""
    size, (constant, slope) = time / steps, friction

    def step(x: Array, at: tuple[Array, PRNGKeyArray]) -> tuple[Array, None]:
        index, step_key = at
        # The friction at the middle of the step makes the mean decay to second order.
        rate = constant + slope * size * (index + 0.5)
        return x * (1 - size * rate) + math.sqrt(2 * size) * jax.random.normal(step_key, x.shape, x.dtype), None

    start = jnp.zeros((repetitions, paths), jnp.float32)
    x, _ = jax.lax.scan(step, start, (jnp.arange(steps, dtype=start.dtype), jax.random.split(key, steps)))
    return np.asarray(x, dtype=float).var(axis=1, ddof=1)


@whole_arguments("steps", "paths", "repetitions")
def mean_under_coloured_noise(
    strength: float, time: float, *, steps: int, paths: int, repetitions: int, key: PRNGKeyArray
) -> Repetitions:
    """Mean at `time` of dx/dt = (1 + x/2) z from x = 0 with one z ~ N(0, κ) per path, by Heun's method."""
    z = jnp.sqrt(strength) * jax.random.normal(key, (repetitions, paths))
    size = time / steps

    def step(_, x: Array) -> Array:
        first = (1 + x / 2) * z
        return x + size / 2 * (first + (1 + (x + size * first) / 2) * z)

    return np.asarray(jax.lax.fori_loop(0, steps, step, jnp.zeros_like(z)).mean(axis=1))


@whole_arguments("draws", "models", "repetitions")
def weight_variance_of_least_squares(draws: int, *, models: int, repetitions: int, key: PRNGKeyArray) -> Repetitions:
    """Variance over inputs and target noise of a weight fitted to `draws` values of one Gaussian feature.

    Targets are unit noise. At four draws the fourth moment of the weight is infinite (barely: its integral grows like
    a logarithm), so that repetitions need many models before their spread is an honest standard error.
    """

    def repeat(key: PRNGKeyArray) -> Array:
        feature_key, noise_key = jax.random.split(key)
        features = jax.random.normal(feature_key, (models, draws))
        noise = jax.random.normal(noise_key, features.shape)
        return ((features * noise).sum(-1) / (features**2).sum(-1)).var(ddof=1)

    return np.asarray(jax.lax.map(repeat, jax.random.split(key, repetitions)))


@whole_arguments("draws", "models", "repetitions")
def variance_in_first_cell(
    shares: tuple[float, ...], draws: int, *, models: int, repetitions: int, key: PRNGKeyArray
) -> Repetitions:
    """Variance, in the first cell of [0, 1], of least-squares fits with a complete basis of steps to unit noise.

    The basis is 1 and a step at every inner edge. Inputs are equally spaced, so that every cell receives its share of
    them exactly: the fluctuation of these numbers is a matter of the design, not of the basis.
    """
    inputs = (np.arange(draws) + 0.5) / draws
    edges = np.cumsum(shares)[:-1]
    features = jnp.asarray(np.column_stack([np.ones(draws), inputs[:, None] > edges[None]]))

    def repeat(key: PRNGKeyArray) -> Array:
        weights = jnp.linalg.lstsq(features, jax.random.normal(key, (draws, models)))[0]
        return (features[0] @ weights).var(ddof=1)

    return np.asarray(jax.lax.map(repeat, jax.random.split(key, repetitions)))


@whole_arguments("pairs", "steps", "models", "repetitions")
def weight_variance_during_training(
    variance: float,
    sigma: float,
    time: float,
    *,
    pairs: int,
    steps: int,
    models: int,
    repetitions: int,
    key: PRNGKeyArray,
) -> Repetitions:
    """P Var W after ητ = `time` of denoisers trained from zero on P pairs (x_0, x_0 + σε) by gradient descent."""
    spectrum = Spectrum.from_variances(np.array([variance]))
    count = models * repetitions
    moments = gaussian_training_sets(spectrum, jnp.asarray([sigma]), seeds=count, samples=pairs, key=key)
    step_sizes, counts = jnp.full((1, 1), time / steps, jnp.float32), jnp.asarray([steps])
    weights = total_maps_of(train_full_batch(linear_denoiser(1, 0.0), moments, step_sizes, counts))
    return pairs * np.asarray(weights, dtype=float).reshape(repetitions, models).var(axis=1, ddof=1)


@whole_arguments("steps", "paths", "repetitions")
def density_of_the_naive_sampler(
    strength: float, high: float, low: float, *, steps: int, paths: int, repetitions: int, key: PRNGKeyArray
) -> Repetitions:
    """Density at zero of samples of N(0, 1) data through the naive score estimator, variance exploding.

    Each Euler step in ln t uses s + √(κ/Δt) (s̃ - s), with s̃ = (x_0 - x)/t² for a fresh x_0 ~ p(x_0|x, t); the density
    is that of the fitted centred Gaussian, which the samples of a linear flow are.
    """
    start_key, noise_key = jax.random.split(key)
    times = jnp.geomspace(high, low, steps + 1, dtype=jnp.float32)

    def step(x: Array, at: tuple[Array, Array, PRNGKeyArray]) -> tuple[Array, None]:
        time, after, step_key = at
        total, size = 1 + time**2, time - after
        score = -x / total
        clean = x / total + time / jnp.sqrt(total) * jax.random.normal(step_key, x.shape, x.dtype)
        estimate = score + jnp.sqrt(strength / size) * ((clean - x) / time**2 - score)
        # The deterministic part exactly, so that the steps only discretise the noise.
        return x * jnp.sqrt((1 + after**2) / total) + size * time * (estimate - score), None

    x = math.sqrt(1 + high**2) * jax.random.normal(start_key, (repetitions, paths), jnp.float32)
    x, _ = jax.lax.scan(step, x, (times[:-1], times[1:], jax.random.split(noise_key, steps)))
    return 1 / np.sqrt(2 * np.pi * (np.asarray(x, dtype=float) ** 2).mean(axis=1))
