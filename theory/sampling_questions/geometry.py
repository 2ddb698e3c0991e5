"""Geometry: one step of a denoiser is a mean shift, where that rests, and how thick a flat data set is generated.

D(x) = x + σ²∇ ln p(x; σ) is the mean of the data points, each weighted by a normal kernel of width σ about x: one step
of mean shift (Chen et al. 2023). Along the probability-flow ODE dx/dσ = (x - D)/σ, with moments given x, D moves by

    dD/dσ = σ^-3 {-Cov(x_0|x) (x - D) + E[(x_0 - D)|x_0 - D|² | x]},

zero wherever the covariance is: there the denoising trajectory rests and the sampling trajectory is straight, d²x/dσ² =
-(1/σ) dD/dσ. A deviation from it obeys

    dδ/d ln σ = (1 - σ²C) δ,   σ²C = Cov(x_0|x)/σ², C = σ^-2 + ∇∇ ln p that of the proxy score:

as σ falls it shrinks with σ along directions in which the data have no extent, and grows where an eigenvalue of σ²C is
above one. On other processes take x/α and σ/α. (This project, but for the mean shift and the curvature.)

Along a direction without data (λ = 0) a network has nothing to learn but to forget its initial gain Q: one layer on EDM
has ψ = Q e^{-cσ²}, c = 2ητ, so that the variance normal to a flat data set is

    λ̃ = σ_0² exp{Q [E1(cσ_0²) - E1(cσ_T²)]}  →  σ_0² [e^-γ/(cσ_0²)]^Q e^{Q Ein(cσ_0²)} for σ_T → ∞,

γ Euler's constant. The limit is too large by the factor e^{Q E1(cσ_T²)}: by 1e-12 from cσ_T² = 25 on, without bound
towards τ = 0. A balanced network of L layers has ψ = Q (1 + cσ²/p)^-p, p = L/2(L - 1), c = 2ηL Q^{2 - 2/L} τ, and
again λ̃ ∝ τ^-Q for 1/σ_T² ≪ c ≪ 1/σ_0²: the exponent is the initial gain at every depth. (This project.)
"""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.scipy.special import digamma
from jaxtyping import Array, ArrayLike, Float

from theory.definitions.arrays import floating, is_traced
from theory.definitions.checks import (
    check_not_negative,
    check_positive,
    check_training_time,
    checked_jit,
    whole_arguments,
)
from theory.definitions.processes import EDM, process_time
from theory.exact_scores.point_masses import PointMasses, Points
from theory.numerics.special import ein_difference
from theory.spectral_law.denoiser import AbstractDenoiser
from theory.spectral_law.generation import TrainingTime, generated_variance
from theory.spectral_law.regression import saturated


@checked_jit(noise_level=check_positive)
def denoising_velocity(data: PointMasses, x: Points, noise_level: ArrayLike) -> Points:
    """dD/dσ of the denoised point along the probability-flow ODE of point masses, on EDM.

    **Arguments:** positions `x` (..., D) and noise levels σ, anything that broadcasts against x's batch axes, in units
    of length. **Returns:** (..., D), without a unit. **Raises** ValueError for levels that are not positive, or
    positions of another dimension. Single precision has odds as `PointMasses` has them.
    """
    x = floating(x)
    weight = data.posterior(x, noise_level, EDM())
    points = data.points.astype(x.dtype)
    denoised = weight @ points
    away = points.reshape((1,) * (x.ndim - 1) + points.shape) - denoised[..., None, :]
    pull = jnp.einsum("...mi,...i->...m", away, x - denoised)
    moved = jnp.einsum("...m,...mi->...i", weight * (jnp.sum(away**2, axis=-1) - pull), away)
    level = _of_positions(x, noise_level)[..., None]
    unmoved = (level**3 == 0) & jnp.all(moved == 0, axis=-1, keepdims=True)
    return moved / jnp.where(unmoved, 1.0, level) ** 3


@checked_jit(noise_level=check_positive)
def deviation_growth(data: PointMasses, x: Points, noise_level: ArrayLike) -> Float[Array, "*batch dim dim"]:
    """1 - σ²C, by which a deviation from a sampling trajectory moves: dδ/d ln σ of δ. For EDM.

    An eigenvalue of one is a direction in which deviations shrink with σ, one below zero a direction in which they grow
    as σ falls. Arguments and errors as of `denoising_velocity`; (..., D, D).
    """
    x = floating(x)
    level = _of_positions(x, noise_level)[..., None, None]
    covariance = data.posterior_covariance(x, noise_level, EDM())
    # As of the proxy score, C = Cov/σ⁴, where σ⁴ is in range.
    inside = jnp.abs(jnp.log(level)) < np.log(jnp.finfo(x.dtype).max) / 4 - 1
    proxy = 1 / jnp.where(inside, level, 1.0) ** 4 * covariance
    shrunk = jnp.where(inside, level**2 * proxy, covariance / level**2)
    return jnp.broadcast_to(jnp.eye(x.shape[-1], dtype=x.dtype), proxy.shape) - shrunk


def _of_positions(x: Points, noise_level: ArrayLike) -> Float[Array, "*batch"]:
    return jnp.broadcast_to(process_time("noise_level", noise_level, EDM()).astype(x.dtype), x.shape[:-1])


def _check_levels(arguments: Mapping[str, Any]) -> None:
    for name in {"sigma_min", "sigma_max"} & arguments.keys():
        check_positive(name, arguments[name])


@checked_jit(_check_levels, scaled_time=check_training_time)
def flat_variance(
    scaled_time: ArrayLike, initial_gain: ArrayLike, sigma_min: ArrayLike = 0.002, sigma_max: ArrayLike = 80.0
) -> Array:
    """λ̃ = σ_0² exp{Q [E1(cσ_0²) - E1(cσ_T²)]}, c = 2ητ: of one layer on EDM, along a direction without data.

    `scaled_time` is ητ, in units of 1/length²; all arguments broadcast. In units of length², with nothing of the
    limits 0·∞: σ_0² (σ_T/σ_0)^{2Q} at τ = 0, σ_0² at τ → ∞. **Raises** ValueError for training times below zero and
    levels that are not positive.
    """
    time, start, low, high = jnp.broadcast_arrays(*map(floating, (scaled_time, initial_gain, sigma_min, sigma_max)))
    rate = 2 * saturated(jnp.where(jnp.isinf(time), 0.0, time))
    forgotten = 2 * jnp.log(high / low) + ein_difference(rate * low**2, rate * high**2)
    return low**2 * jnp.exp(start * jnp.where(jnp.isinf(time), 0.0, forgotten))


@whole_arguments("depth")
def small_noise_flat_variance(
    scaled_time: ArrayLike, initial_gain: ArrayLike, sigma_min: ArrayLike = 0.002, depth: int = 1
) -> Array:
    """σ_0² [e^-γ p e^{-digamma(p)}/(cσ_0²)]^Q of a balanced network of `depth` L layers, for 1/σ_T² ≪ c ≪ 1/σ_0².

    p = L/2(L - 1) and c = 2ηL Q^{2 - 2/L} τ; p e^{-digamma(p)} is one for one layer. Two tied layers are two balanced
    ones at 2τ. Its logarithm misses Q cσ_0² and, of the largest noise level, Q E1(cσ_T²) for one layer and, with all
    but that exponential, Q (cσ_T²/p)^-p/p for more: slow for many layers, p → ½. `scaled_time` is ητ; arguments but
    `depth` broadcast. **Raises** ValueError for times or gains below zero, levels that are not positive, and depths
    other than 1, 2, ….
    """
    check_training_time("scaled_time", scaled_time)
    check_not_negative("initial_gain", initial_gain)
    check_positive("sigma_min", sigma_min)
    time, start, low = jnp.broadcast_arrays(*map(floating, (scaled_time, initial_gain, sigma_min)))
    power = depth / (2 * (depth - 1)) if depth > 1 else np.inf
    bend = np.log(power) - float(digamma(power)) if depth > 1 else 0.0
    rate = 2 * depth * (start ** (2 - 2 / depth) if depth > 1 else 1.0) * time
    # 0 · ln 0 = 0: without a gain to forget nothing is left of it at any time.
    known = (start > 0) | ((rate > 0) & jnp.isfinite(rate))
    logarithm = jnp.log(jnp.where(known, jnp.where(known, rate, 1.0) * low**2, 1.0))
    return low**2 * jnp.exp(start * (bend - np.euler_gamma - logarithm))


def thickness(denoiser: AbstractDenoiser, tau: TrainingTime) -> Float[Array, "*tau"]:
    """√(mean of λ̃ over the modes with λ = 0): how far samples are from a flat data set, per direction normal to it.

    Of every parametrisation, from its generated variances. (A patch convolution does not resolve one Fourier mode: its
    samples stay thick.) **Arguments:** `tau`, training time, (...,). **Returns:** (...,), in units of length; NaN where
    a traced spectrum has no such mode. **Raises** ValueError for a spectrum without such a mode, and as
    `generated_variance`.
    """
    flat = denoiser.spectrum.variance == 0
    if not is_traced(flat) and not np.any(flat):
        least = np.min(denoiser.spectrum.variance)
        raise ValueError(f"some variance must be zero, for samples to be thick there; got a smallest of {least}")
    variance = generated_variance(denoiser, tau)
    flat = jnp.broadcast_to(flat, variance.shape)
    return jnp.sqrt(jnp.sum(jnp.where(flat, variance, 0.0), axis=-1) / jnp.sum(flat, axis=-1))
