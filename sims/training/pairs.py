"""The pairs (y, x) that linear networks are trained on, by their moments."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.definitions.objectives import Objective
from theory.definitions.preconditionings import PreconditioningScales
from theory.definitions.processes import EDM, AbstractProcess
from theory.definitions.spectra import Spectrum


class PairCoefficients(NamedTuple):
    """What networks are trained for, one number per noise level: from x = α x_0 + σ ε to y = c x_0 + e ε, weight w.

    The numbers that a process and an `Objective` of `theory.definitions` have at these levels (`pairs_of`), or any
    others.

    | objective | α | σ | c | e |
    |---|---|---|---|---|
    | denoised data, variance exploding | 1 | σ | 1 | 0 |
    | added noise | α | σ | 0 | 1 |
    | flow matching, velocity at time t | t | 1 - t | 1 | -1 |
    """

    alpha: Float[Array, " levels"]  # α
    sigma: Float[Array, " levels"]  # σ
    signal: Float[Array, " levels"]  # c
    noise: Float[Array, " levels"]  # e
    weight: Float[Array, " levels"]  # w


# An array of noise levels stands for `denoising_pairs` at these levels.
Pairs = PairCoefficients | Float[Array, " levels"]


def pairs_of(objective: Objective, process: AbstractProcess, times: Float[Array, " levels"]) -> PairCoefficients:
    """What networks of these process times, one each, are trained for under an objective.

    Its preconditioning belongs to the networks (`preconditioned`), not to the pairs; but see `pairs_inside`.
    """
    alpha, sigma = process.signal_scale(times), process.noise_scale(times)
    signal, noise = objective.target.coefficients(alpha, sigma)
    return PairCoefficients(alpha, sigma, signal, noise, objective.weight(process, times))


def pairs_inside(pairs: PairCoefficients, scales: PreconditioningScales) -> PairCoefficients:
    """What the network F inside D(x) = c_skip x + c_out F(c_in x) is trained for, given the pairs of D.

    From c_in x to (y - c_skip x)/c_out, with the weight w c_out²: the same loss, so that F by itself takes the steps
    that it takes inside a `PreconditionedDenoiser`.
    """
    return PairCoefficients(
        pairs.alpha / scales.divisor,
        pairs.sigma / scales.divisor,
        (pairs.signal - scales.skip * pairs.alpha) / scales.output,
        (pairs.noise - scales.skip * pairs.sigma) / scales.output,
        pairs.weight * scales.output**2,
    )


def denoising_pairs(noise_levels: Float[Array, " levels"]) -> PairCoefficients:
    """Denoised data of the variance-exploding process with unit weight: x = x_0 + σ ε, y = x_0."""
    return pairs_of(Objective(), EDM(), noise_levels)


class PairStatistics(NamedTuple):
    """First and second moments of one draw of data and noise, from which those of every noise level follow."""

    clean_clean: Float[Array, "dim dim"]  # (1/P) Σ x_0 x_0ᵀ
    clean_noise: Float[Array, "dim dim"]  # (1/P) Σ x_0 εᵀ
    noise_noise: Float[Array, "dim dim"]  # (1/P) Σ ε εᵀ
    clean_mean: Float[Array, " dim"]  # (1/P) Σ x_0
    noise_mean: Float[Array, " dim"]  # (1/P) Σ ε


class SecondMoments(NamedTuple):
    """All that the loss of a linear network depends on, for one set of pairs (y, x): moments of (y, x, 1)."""

    target: Float[Array, ""]  # (1/P) Σ |y|²
    cross: Float[Array, "dim dim"]  # (1/P) Σ y xᵀ
    noisy: Float[Array, "dim dim"]  # (1/P) Σ x xᵀ
    target_mean: Float[Array, " dim"]  # (1/P) Σ y
    noisy_mean: Float[Array, " dim"]  # (1/P) Σ x
    weight: Float[Array, ""]  # w


def pair_statistics(clean: Float[Array, "n dim"], noise: Float[Array, "n dim"]) -> PairStatistics:
    """Sample moments of data and noise."""
    count = clean.shape[0]
    clean_clean, clean_noise, noise_noise = (
        a.T @ b / count for a, b in ((clean, clean), (clean, noise), (noise, noise))
    )
    return PairStatistics(clean_clean, clean_noise, noise_noise, clean.mean(axis=0), noise.mean(axis=0))


def population_statistics(spectrum: Spectrum) -> PairStatistics:
    """Moments of infinitely many data of this mean and covariance, and of noise: Σ + μμᵀ, 0, I, μ and 0.

    With `moments_of_pairs`, training on them is training on the population, without sampling.
    """
    mean = spectrum.mean
    second = spectrum.matrix(spectrum.variance) + mean[:, None] * mean[None]
    identity = jnp.eye(spectrum.dimension, dtype=second.dtype)
    return PairStatistics(second, jnp.zeros_like(second), identity, mean, jnp.zeros_like(mean))


def moments_of_pairs(statistics: PairStatistics, pairs: Pairs) -> SecondMoments:
    """Sufficient statistics of the pairs (y, x) at every noise level, arrays (levels, ...).

    All levels scale the same draw of ε: each level's training set has its exact law, at the price of one draw.
    """
    coefficients = pairs if isinstance(pairs, PairCoefficients) else denoising_pairs(pairs)
    a, s, c, e, weight = (each.astype(statistics.clean_clean.dtype) for each in coefficients)
    clean_clean, clean_noise, noise_noise, clean_mean, noise_mean = (each[None] for each in statistics)
    noise_clean = jnp.swapaxes(clean_noise, -1, -2)

    def combined(clean_factor, noise_factor) -> Array:
        """Σ of the products (factors of x_0 and ε) x (α, σ): E[z xᵀ] for z = clean_factor x_0 + noise_factor ε."""
        return (
            _matrices(clean_factor * a) * clean_clean
            + _matrices(clean_factor * s) * clean_noise
            + _matrices(noise_factor * a) * noise_clean
            + _matrices(noise_factor * s) * noise_noise
        )

    clean_power, overlap, noise_power = (jnp.trace(each) for each in statistics[:3])
    return SecondMoments(
        target=c**2 * clean_power + 2 * c * e * overlap + e**2 * noise_power,
        cross=combined(c, e),
        noisy=combined(a, s),
        target_mean=c[:, None] * clean_mean + e[:, None] * noise_mean,
        noisy_mean=a[:, None] * clean_mean + s[:, None] * noise_mean,
        weight=weight,
    )


def _matrices(per_level: Float[Array, " levels"]) -> Float[Array, "levels 1 1"]:
    return per_level[:, None, None]


def noisy_moments(clean: Float[Array, "n dim"], noise: Float[Array, "n dim"], pairs: Pairs) -> SecondMoments:
    """`moments_of_pairs` of one draw of data and noise: arrays (levels, ...)."""
    return moments_of_pairs(pair_statistics(clean, noise), pairs)
