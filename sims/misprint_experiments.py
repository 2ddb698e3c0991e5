"""Small experiments that decide between a printed formula and its correction, one per misprint; none knows a formula.

Every function returns independent repetitions of one number, (repetitions,).
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from sims.convolutions import convolution_denoiser
from sims.linear_experiments import gaussian_training_sets
from sims.losses import SecondMoments, linear_denoising_loss
from sims.networks import LinearDenoiser, total_maps_of
from sims.sampling import sample_linear_networks
from sims.training import train_full_batch
from theory.spectra import Spectrum

Repetitions = Float[np.ndarray, " repetitions"]


def pull_on_the_weights(mean: Float[np.ndarray, " dim"], *, samples: int, repetitions: int, key: PRNGKeyArray):
    """-∂L/∂W_11 of a linear denoiser with bias at W = b = 0, for N(mean, I) data at σ = 1, by differentiating L."""
    spectrum = Spectrum(jnp.asarray(mean), jnp.ones(len(mean)))
    moments = gaussian_training_sets(spectrum, jnp.ones(1), seeds=repetitions, samples=samples, key=key)
    network = LinearDenoiser(jnp.zeros((len(mean), len(mean)), jnp.float32), jnp.zeros(len(mean), jnp.float32))

    def pull(moments: SecondMoments) -> Array:
        return -jax.grad(linear_denoising_loss)(network, jax.tree.map(lambda leaf: leaf[0], moments)).weight[0, 0]

    return np.asarray(jax.vmap(pull)(moments))


def contraction_of_sampling(
    high: float, low: float, *, levels: int, samples: int, repetitions: int, key: PRNGKeyArray
) -> Repetitions:
    """x(low)/x(high) of samplers with fitted one-dimensional denoisers, W = Σ x_0 x/Σ x² for N(0, 1) data."""
    noise_levels = jnp.geomspace(high, low, levels)
    spectrum = Spectrum.from_variances([1.0])
    moments = gaussian_training_sets(spectrum, noise_levels, seeds=repetitions, samples=samples, key=key)
    maps = moments.cross / moments.noisy
    start = jnp.ones((1, 1), maps.dtype)
    return np.asarray(jax.vmap(lambda each: sample_linear_networks(each, noise_levels, start)[0, 0])(maps))


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


def noising_variance(
    friction: tuple[float, float], time: float, *, steps: int, paths: int, repetitions: int, key: PRNGKeyArray
) -> Repetitions:
    """Variance at `time` of dx = -(a + bt) x dt + √2 dW from x = 0, by Euler and Maruyama."""
    size, (constant, slope) = time / steps, friction

    def step(x: Array, at: tuple[Array, PRNGKeyArray]) -> tuple[Array, None]:
        index, step_key = at
        # The friction at the middle of the step makes the mean decay to second order.
        rate = constant + slope * size * (index + 0.5)
        return x * (1 - size * rate) + jnp.sqrt(2 * size) * jax.random.normal(step_key, x.shape), None

    start = jnp.zeros((repetitions, paths))
    x, _ = jax.lax.scan(step, start, (jnp.arange(steps), jax.random.split(key, steps)))
    return np.asarray(x.var(axis=1))


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


def weight_variance_of_least_squares(draws: int, *, models: int, repetitions: int, key: PRNGKeyArray) -> Repetitions:
    """Variance over target noise of a weight fitted to `draws` values of one Gaussian feature and unit noise."""
    feature_key, noise_key = jax.random.split(key)
    features = jax.random.normal(feature_key, (repetitions, models, draws))
    noise = jax.random.normal(noise_key, features.shape)
    weights = (features * noise).sum(-1) / (features**2).sum(-1)
    return np.asarray((weights**2).mean(axis=1))


def cell_variance(share: float, draws: int, *, models: int, repetitions: int, key: PRNGKeyArray) -> Repetitions:
    """Variance of the fit in a cell that holds a `share` of the `draws` inputs, for unit target noise."""
    noise = jax.random.normal(key, (repetitions, models, round(share * draws)))
    return np.asarray(noise.mean(axis=-1).var(axis=1))


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
    clean_key, noise_key = jax.random.split(key)
    clean = jnp.sqrt(variance) * jax.random.normal(clean_key, (repetitions, models, pairs), jnp.float32)
    noisy = clean + sigma * jax.random.normal(noise_key, clean.shape, jnp.float32)
    cross, power = (clean * noisy).mean(-1), (noisy**2).mean(-1)
    weight = jax.lax.fori_loop(0, steps, lambda _, w: w - 2 * time / steps * (power * w - cross), jnp.zeros_like(cross))
    return np.asarray(pairs * weight.var(axis=1))


def density_of_the_naive_sampler(
    strength: float, high: float, low: float, *, steps: int, paths: int, repetitions: int, key: PRNGKeyArray
) -> Repetitions:
    """Density at zero of samples of N(0, 1) data through the naive score estimator, variance exploding.

    Each Euler step in ln t uses s + √(κ/Δt) (s̃ - s), with s̃ = (x_0 - x)/t² for a fresh x_0 ~ p(x_0|x, t); the density
    is that of the fitted centred Gaussian, which the samples of a linear flow are.
    """
    start_key, *step_keys = jax.random.split(key, steps + 1)
    times = jnp.geomspace(high, low, steps + 1)

    def step(x: Array, at: tuple[Array, Array, PRNGKeyArray]) -> tuple[Array, None]:
        time, after, step_key = at
        total, size = 1 + time**2, time - after
        score = -x / total
        clean = x / total + time / jnp.sqrt(total) * jax.random.normal(step_key, x.shape)
        estimate = score + jnp.sqrt(strength / size) * ((clean - x) / time**2 - score)
        # The deterministic part exactly, so that the steps only discretise the noise.
        return x * jnp.sqrt((1 + after**2) / total) + size * time * (estimate - score), None

    x = jnp.sqrt(1 + high**2) * jax.random.normal(start_key, (repetitions, paths))
    x, _ = jax.lax.scan(step, x, (times[:-1], times[1:], jnp.stack(step_keys)))
    return np.asarray(1 / jnp.sqrt(2 * jnp.pi * (x**2).mean(axis=1)))
