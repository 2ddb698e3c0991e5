"""Hidden Gaussian structure: what a denoiser owes to the mean and the covariance of its data, and what to more.

Of a data set with mean μ and covariance Σ the best affine denoiser is the Wiener filter D_G = μ + Σ(Σ + σ²)^-1 (x - μ),
that of the Gaussian with these moments. Li, Dai & Qu 2024 fit affine maps to trained denoisers ("linear distillation")
and find nearly this one. For the ideal denoiser D* = E[x_0|x] it is exactly this one, whatever the data: as Cov(D*, x)
= Cov(x_0, x) = Σ, the distillation of D* is D_G, also where D* memorises (Σ then being that of the points).

What is beyond second moments is worth

    ∫_σ^∞ E|D* - D_G|² s^-3 ds = KL(p_σ ‖ N(μ, Σ + σ²)) nats,

p_σ the data with noise σ: finite for point masses as soon as σ > 0. A denoiser D in training, with its distillation D_L
and the rest N = D - D_L, misses of the likelihood (for the path nats of `theory.sampling_questions.likelihood`)

    E|D - D*|² = E|D_L - D_G|² + E|N - (D* - D_G)|²:

linear nats and nonlinear ones, as both rests are uncorrelated with every affine map. For all parametrisations, which
are linear, N = 0 and the first term is `excess_nats`. (This project; on other processes take x/α and σ/α.)
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from theory.definitions.arrays import floating, is_traced
from theory.definitions.checks import check_coordinates, check_positive, checked_jit, nan_unless, resolved
from theory.definitions.processes import EDM
from theory.exact_scores.gaussian_mixtures import GaussianMixture
from theory.exact_scores.point_masses import Points

# By dimension: how far the trapezoidal rule reaches about every cluster, in its standard deviations, nodes in each of
# the narrowest cluster's, and how many times as wide another may be.
_GRIDS = {1: (12, 16, 16), 2: (9, 8, 2)}


def second_moments(data: GaussianMixture) -> tuple[Float[Array, " dim"], Float[Array, "dim dim"]]:
    """μ and Σ of a mixture of round clusters, whose own variances add to that of their means."""
    mean = data.weights @ data.means
    away = data.means - mean[None]
    within = data.weights @ data.variances
    return mean, (away * data.weights[:, None]).T @ away + within * jnp.eye(mean.size, dtype=mean.dtype)


@checked_jit(noise_level=check_positive)
def wiener_filter(data: GaussianMixture, x: Points, noise_level: ArrayLike) -> Points:
    """D_G(x), (..., D), for σ that broadcasts. Raises ValueError for σ ≤ 0 and positions of another dimension.

    Single precision is right to 1e-3, or NaN where its round-off of the largest λ + σ² is above 5e-3 of the smallest.
    """
    x, level = _positions(data, x, noise_level)
    modes, power, change, basis = _in_modes(data, x, level)
    left = level[..., None] ** 2 / power * modes
    return x - (left - left @ change / power) @ basis.T


@checked_jit(noise_level=check_positive)
def log_ratio_to_gaussian(data: GaussianMixture, x: Points, noise_level: ArrayLike) -> Float[Array, "*batch"]:
    """ln p_σ(x) - ln N(x; μ, Σ + σ²), whose mean over p_σ are the nats beyond second moments. Raises as above."""
    x, level = _positions(data, x, noise_level)
    modes, power, change, _ = _in_modes(data, x, level)
    gaussian = -jnp.sum(modes**2 / power + jnp.log(2 * jnp.pi * power), axis=-1) / 2
    pull, own = modes / power, jnp.broadcast_to(jnp.diagonal(change), power.shape)
    gaussian += jnp.sum(pull @ change * pull - own / power, axis=-1) / 2
    return data.log_density(x, level, EDM()) - gaussian


def _positions(data: GaussianMixture, x: Points, noise_level: ArrayLike) -> tuple[Points, Float[Array, "*batch"]]:
    x = floating(x)
    check_coordinates(x, data.means.shape[1])
    return x, jnp.broadcast_to(floating(noise_level).astype(x.dtype), x.shape[:-1])


def _in_modes(data: GaussianMixture, x: Points, level: Array) -> tuple[Array, Array, Array, Array]:
    """x - μ and λ + σ², (..., D), a zero with the first derivatives of Σ, all in modes, and their held basis."""
    mean, covariance = (part.astype(x.dtype) for part in second_moments(data))
    held = jax.lax.stop_gradient(covariance)
    variance, basis = jnp.linalg.eigh(held)
    power = jnp.broadcast_to(jnp.maximum(variance, 0), x.shape) + level[..., None] ** 2
    power = power * resolved("The Gaussian", *(end(power, axis=-1, keepdims=True) for end in (jnp.max, jnp.min)))
    return (x - jnp.broadcast_to(mean, x.shape)) @ basis, power, basis.T @ (covariance - held) @ basis, basis


def _check_dimension(arguments: Mapping[str, Any]) -> None:
    data, level = arguments["data"], arguments["noise_level"]
    dimension = data.means.shape[1]
    if dimension not in _GRIDS:
        raise ValueError(f"the mixture must have one or two dimensions, for means over it; got {dimension}")
    if np.ndim(level) != 0:
        raise ValueError(f"noise_level must be one number; got shape {np.shape(level)}")
    if not is_traced(data, level):
        widths = np.sqrt(np.asarray(data.variances) + np.asarray(level) ** 2)
        if widths.max() > _GRIDS[dimension][2] * widths.min():
            most = _GRIDS[dimension][2]
            raise ValueError(f"clusters with noise must be at most {most} times as wide as the narrowest")


@checked_jit(_check_dimension, noise_level=check_positive)
def nonlinear_nats(data: GaussianMixture, noise_level: ArrayLike) -> Float[Array, ""]:
    """KL(p_σ ‖ N(μ, Σ + σ²)) = ∫_σ^∞ E|D* - D_G|² s^-3 ds, in nats, on a line or in a plane.

    By the trapezoidal rule about every cluster, to 1e-9 (in single precision as `wiener_filter`). Point masses are
    clusters of variance zero. `noise_level` is one number σ. **Raises** ValueError for levels that are not positive,
    for more than two dimensions (take the mean of `log_ratio_to_gaussian` over samples), and for clusters with noise of
    which one is more than 16 times as wide as another, in a plane twice (NaN where that is traced).
    """
    return _mean(data, floating(noise_level), lambda x, level: log_ratio_to_gaussian(data, x, level))


@checked_jit(_check_dimension, noise_level=check_positive)
def nonlinear_power(data: GaussianMixture, noise_level: ArrayLike) -> Float[Array, ""]:
    """E|D* - D_G|² at one noise level σ, in units of length². Right and raises as `nonlinear_nats`."""

    def squared(x: Points, level: Array) -> Array:
        return jnp.sum((data.denoised(x, level, EDM()) - wiener_filter(data, x, level)) ** 2, axis=-1)

    return _mean(data, floating(noise_level), squared)


def _mean(data: GaussianMixture, level: Array, integrand: Any) -> Array:
    """E over p_σ: Σ_i w_i times the mean over cluster i with noise."""
    dimension, dtype = data.means.shape[1], data.means.dtype
    widths = jnp.sqrt(data.variances + level.astype(dtype) ** 2)
    reach, per_deviation, finer = _GRIDS[dimension]
    fineness = per_deviation * finer
    axis = np.arange(-reach * fineness, reach * fineness + 1) / fineness
    nodes = np.stack(np.meshgrid(*[axis] * dimension, indexing="ij"), axis=-1).reshape(-1, dimension)
    weights = np.exp(-np.sum(nodes**2, axis=1) / 2) / (np.sqrt(2 * np.pi) * fineness) ** dimension

    def about(cluster: tuple[Array, Array]) -> Array:
        return jnp.asarray(weights, dtype) @ integrand(cluster[0][None] + cluster[1] * jnp.asarray(nodes, dtype), level)

    found = data.weights @ jax.lax.map(about, (data.means, widths))
    return nan_unless(jnp.max(widths) <= finer * jnp.min(widths), found)


@checked_jit(noise_level=check_positive)
def linearity(data: GaussianMixture, first: Points, second: Points, noise_level: ArrayLike) -> Float[Array, "*batch"]:
    """|cos| of the angle between D*((x_1 + x_2)/√2) and D*(x_1) + D*(x_2); its mean is Li, Dai & Qu's linearity score.

    One for linear denoisers, but less for affine ones with μ ≠ 0.
    """
    first, second = jnp.broadcast_arrays(*(_positions(data, x, 1.0)[0] for x in (first, second)))
    _, level = _positions(data, first, noise_level)
    one, other, of_sum = (data.denoised(x, level, EDM()) for x in (first, second, (first + second) / np.sqrt(2)))
    lengths = jnp.linalg.norm(of_sum, axis=-1) * jnp.linalg.norm(one + other, axis=-1)
    return jnp.abs(jnp.sum(of_sum * (one + other), axis=-1)) / jnp.where(lengths > 0, lengths, 1.0)
