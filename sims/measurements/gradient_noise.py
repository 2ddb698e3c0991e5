"""How noisy the gradient of a loss is: the variance of one sample's gradient over the square of the mean gradient."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from sims.measurements.estimates import Estimate
from sims.measurements.resampling import jackknife
from theory.definitions.checks import whole_arguments

Gradient = Callable[[PRNGKeyArray, int], PyTree[Array]]


class GradientNoise(NamedTuple):
    """Estimates with standard errors over repetitions."""

    variance: Estimate  # tr Cov(g) of a single sample
    signal: Estimate  # |E g|²
    ratio: Estimate  # the first over the second


class SquaredNorms(NamedTuple):
    """|g|² of batches of two sizes, that of the small ones and of the large one which they make up together."""

    small: Float[np.ndarray, " repetitions"]
    large: Float[np.ndarray, " repetitions"]
    sizes: tuple[int, int]


@whole_arguments("small", "batches", repetitions=2)
def squared_norms(
    gradient: Gradient,
    *,
    small: int,
    batches: int,
    repetitions: int,
    key: PRNGKeyArray,
    scale: PyTree[Array] | None = None,
) -> SquaredNorms:
    """Squared norms of gradients over batches of `small` samples and over `batches` of them together.

    **Arguments:** `gradient(key, size)`, that of the mean loss over `size` fresh samples, compiled here; `scale`, which
    each gradient is multiplied by: what an optimiser would do with it (1/(√v + ε) of Adam). **Raises** ValueError
    unless numbers are 1, 2, …, for a single batch, and for fewer than two repetitions.
    """
    if batches < 2:
        raise ValueError(f"batches must be two or more, to be told from one another; got {batches}")

    @jax.jit
    def of_repetition(key: PRNGKeyArray) -> tuple[Array, Array]:
        def flat(key: PRNGKeyArray) -> Float[Array, " parameters"]:
            found = gradient(key, small)
            scaled = found if scale is None else jax.tree.map(jnp.multiply, found, scale)
            return ravel_pytree(scaled)[0]

        gradients = jax.lax.map(flat, jax.random.split(key, batches))
        return jnp.mean(jnp.sum(gradients**2, axis=1)), jnp.sum(jnp.mean(gradients, axis=0) ** 2)

    found = np.array([of_repetition(each) for each in jax.random.split(key, repetitions)], dtype=float)
    return SquaredNorms(found[:, 0], found[:, 1], (small, small * batches))


def gradient_noise(norms: SquaredNorms) -> GradientNoise:
    """E|g_b|² = |E g|² + tr Cov(g)/b at two sizes b < B, solved for both: neither has a bias (McCandlish et al. 2018).

    tr Cov = (|g_b|² - |g_B|²)/(1/b - 1/B), |E g|² = (B|g_B|² - b|g_b|²)/(B - b), of means over repetitions. The ratio
    is that of the means, with its error by the jackknife; it has none that could be trusted where the signal's interval
    holds zero.
    """
    small, large = norms.sizes
    pairs = np.stack([norms.small, norms.large], axis=1)

    def variance(mean: np.ndarray) -> float:
        return (mean[0] - mean[1]) / (1 / small - 1 / large)

    def signal(mean: np.ndarray) -> float:
        return (large * mean[1] - small * mean[0]) / (large - small)

    return GradientNoise(
        jackknife(variance, pairs),
        jackknife(signal, pairs),
        jackknife(lambda mean: variance(mean) / signal(mean), pairs),
    )
