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

    Norms are summed in double precision: their difference, which is the noise, is right to 1e-16 of |g|² and to the
    round-off of the gradients themselves.
    """
    if batches < 2:
        raise ValueError(f"batches must be two or more, to be told from one another; got {batches}")

    @jax.jit
    def of_repetition(key: PRNGKeyArray) -> Float[Array, "batches parameters"]:
        def flat(key: PRNGKeyArray) -> Float[Array, " parameters"]:
            found = gradient(key, small)
            scaled = found if scale is None else jax.tree.map(jnp.multiply, found, scale)
            return ravel_pytree(scaled)[0]

        return jax.lax.map(flat, jax.random.split(key, batches))

    found = np.array([_mean_norms(of_repetition(each)) for each in jax.random.split(key, repetitions)])
    return SquaredNorms(found[:, 0], found[:, 1], (small, small * batches))


def _mean_norms(gradients: Float[Array, "batches parameters"]) -> tuple[float, float]:
    """The mean of |g|² and |mean g|², in double precision: single precision would lose a small difference of both."""
    of_batches = np.asarray(gradients, dtype=float)
    return float(np.mean(np.sum(of_batches**2, axis=1))), float(np.sum(of_batches.mean(axis=0) ** 2))


def variance_and_signal(small: float, large: float, sizes: tuple[int, int]) -> tuple[float, float]:
    """tr Cov(g) of one sample and |E g|², of E|g|² over batches of two sizes b < B.

    E|g_b|² = |E g|² + tr Cov(g)/b at both, solved for both: neither has a bias (McCandlish et al. 2018),
    tr Cov = (|g_b|² - |g_B|²)/(1/b - 1/B) and |E g|² = |g_b|² - tr Cov/b. By chance either may come out below zero.
    """
    variance = (small - large) / (1 / sizes[0] - 1 / sizes[1])
    return variance, small - variance / sizes[0]


def gradient_noise(norms: SquaredNorms) -> GradientNoise:
    """`variance_and_signal` of means over repetitions, and their ratio, with errors by the jackknife.

    The ratio has no error that could be trusted where the signal's interval holds zero.
    """

    def found(mean: np.ndarray) -> tuple[float, float]:
        return variance_and_signal(mean[0], mean[1], norms.sizes)

    def ratio(mean: np.ndarray) -> float:
        variance, signal = found(mean)
        return variance / signal

    pairs = np.stack([norms.small, norms.large], axis=1)
    return GradientNoise(
        jackknife(lambda mean: found(mean)[0], pairs),
        jackknife(lambda mean: found(mean)[1], pairs),
        jackknife(ratio, pairs),
    )
