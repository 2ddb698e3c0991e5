"""How much noise to begin with: the best largest level of few steps, and what a network in training prefers.

Sampling from x_T of N(0, σ_T²), though data at σ_T have the variance λ + σ_T², costs sin²ϑ_T = cos²(90° - ϑ_T) with
tan ϑ_T = σ_T/√λ: as much as one more step of DDIM, from infinite noise to σ_T. So N steps and their start are N + 1
equal angles: the mismatch of the prior costs exactly one step (this project),

    σ_T* = √λ tan(πN/2(N + 1)) ≈ 2(N + 1)√λ/π,  λ̃/λ = cos^{2(N + 1)}(π/2(N + 1)).

In fine steps no start of an ideal denoiser is too large, and ∂ ln λ̃/∂ ln σ_T = 2ψ(σ_T, τ) for any gain: a network that
has too little variance wants more noise, as far out as it has learned to see the mode, and one of too much wants less.
A network that fitted P samples errs at every level, and the longer its way the more of its errors it meets: the
trade-off of Franzese et al. 2022 (Sec. 2, of the ELBO). For linear networks its optimum is `start_of_least_nats`.
In few steps the best start falls as modes are learned: of one layer of Q = .1 and λ = 10, 3, 1, .3, .1, .03, .01 in 20
steps from 51.8 at ητ = .1 to 16.60 at 1e3, if levels are free too; with given ones it may rise on its way.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from theory.definitions.arrays import Time, floating, is_traced, jit
from theory.definitions.checks import check_finite, check_not_negative, check_training_time, nan_unless, whole_arguments
from theory.definitions.processes import EDM, AbstractProcess
from theory.definitions.spectra import Spectrum
from theory.numerics.minimisation import minimum
from theory.sampling_questions.optimal_schedules import NO_OPTIMUM, check_optimum, gaps_of_levels, levels_of_gaps
from theory.sampling_questions.schedules import (
    Gain,
    IdealGain,
    Levels,
    check_gain,
    gaussian_divergence,
    log_ddim_variance,
)
from theory.sampling_questions.tangent_schedules import best_tangent_scale, geodesic_schedule
from theory.spectral_law.regression import Modes


@whole_arguments("steps")
def best_start_of_mode(variance: ArrayLike, steps: int) -> Float[Array, "*batch"]:
    """σ_T* = √λ tan(πN/2(N + 1)) of N steps that are the best from there; `variance` (...,), answered so.

    Raises ValueError unless `steps` is 1, 2, …, and for variances below zero.
    """
    check_not_negative("variance", variance)
    return jnp.sqrt(floating(variance)) / jnp.tan(jnp.pi / (2 * (steps + 1)))


@whole_arguments("steps")
def best_variance_of_mode(steps: int) -> Float[Array, ""]:
    """λ̃/λ = cos^{2(N + 1)}(π/2(N + 1)) from there: 1 - π²/4N + … of the variance. Raises as `best_start_of_mode`."""
    return jnp.cos(jnp.pi / (2 * (steps + 1))) ** (2 * (steps + 1))


def start_sensitivity(gain: Gain, tau: ArrayLike, sigma_max: Time, *, process: AbstractProcess | None = None) -> Modes:
    """∂ ln λ̃/∂ ln σ_T = 2αψ(σ_T, τ) in fine steps from noise alone, N(0, σ_T²), at the level σ/α = `sigma_max`.

    (...,) -> (..., d); exactly, for any parametrisation through its `gain` of the denoised data, see
    `theory.sampling_questions.schedules`. **Raises** ValueError for a bad `tau`, `gain` or level.
    """
    check_not_negative("sigma_max", sigma_max)
    check_gain(gain)
    check_training_time("tau", tau)
    process, log_ratio = EDM() if process is None else process, -jnp.log(floating(sigma_max))
    alpha, _ = process.scales_at_log_ratio(log_ratio)
    return 2 * alpha[..., None] * gain(tau, process.time_from_log_snr(2 * log_ratio))


@whole_arguments("samples")
def path_nats_of_start(spectrum: Spectrum, samples: int, sigma_max: ArrayLike, sigma_min: ArrayLike) -> Array:
    """(c/2) Σ_k ln[(1 + λ_k/σ_0²)/(1 + λ_k/σ_T²)] + ½ Σ_k [x_k - ln(1 + x_k)], x = λ/σ_T², c = d/(P - d - 1).

    Nats lost in the mean, on EDM, by least squares of x_0 on x_0 + σε from P `samples` of Gaussian data without mean, a
    fit for every σ: ∫E|D - D*|²σ^-3 dσ from σ_0 = `sigma_min` to σ_T = `sigma_max`, where E|D - D*|² = cσ² Σ λ/(λ + σ²)
    exactly, and the KL of what is there at σ_T from N(0, σ_T²). Together they bound the KL of samples of the SDE from
    the data at σ_0. (...,) for arrays of levels, right to round-off of the larger part. (This project.)

    **Raises** ValueError unless `samples` is a whole number above d + 1, and 0 ≤ σ_0 ≤ σ_T, σ_T above zero.
    """
    check_not_negative("sigma_max", sigma_max)
    check_not_negative("sigma_min", sigma_min)
    low, high = floating(sigma_min), floating(sigma_max)
    inside = (low <= high) & (low >= 0) & (high > 0)
    if not is_traced(inside) and not np.all(inside):
        raise ValueError(f"sigma_max must be above zero and not below sigma_min; got {sigma_max} and {sigma_min}")
    variance = spectrum.variance
    first, last = (jnp.where(variance > 0, jnp.multiply.outer(level**-2, variance), 0.0) for level in (low, high))
    before, after = (jnp.sum(jnp.log1p(ratio), axis=-1) for ratio in (first, last))
    nats = (_errors_of_fit(spectrum, samples) * (before - after) + jnp.sum(last - jnp.log1p(last), axis=-1)) / 2
    return nan_unless(inside, nats)


@whole_arguments("samples")
def start_of_least_nats(spectrum: Spectrum, samples: int) -> Float[Array, ""]:
    """σ_T where `path_nats_of_start` is least: the root of Σ_k λ_k (λ_k/σ_T² - c)/(1 + λ_k/σ_T²).

    √(λ(P - d - 1)/d) of one mode, about √(P Σλ²/dΣλ) of many: as √P. NaN of data without variance. Raises as there.
    """
    excess = _errors_of_fit(spectrum, samples)

    def newton(variance: Modes, inverse: Array) -> Array:
        value = jnp.sum(variance * (variance * inverse - excess) / (1 + variance * inverse))
        return inverse - value / jnp.sum((variance / (1 + variance * inverse)) ** 2 * (1 + excess))

    # Concave and rising in 1/σ_T²: from the left Newton's steps never pass the root. Derivatives are those of the last.
    held = jax.lax.stop_gradient(spectrum.variance)  # in units of a power of two squares are in range
    unit = jnp.ldexp(jnp.ones((), held.dtype), jnp.frexp(jnp.max(held))[1])
    inverse = jax.lax.fori_loop(0, 60, lambda _, at: newton(held / unit, at), excess / jnp.max(held / unit))
    return (newton(spectrum.variance / unit, inverse) / unit) ** -0.5


def _errors_of_fit(spectrum: Spectrum, samples: int) -> float:
    """c = d/(P - d - 1), the mean trace of an inverse Wishart matrix."""
    dimension = spectrum.dimension
    if samples <= dimension + 1:
        raise ValueError(f"samples must be more than {dimension + 1}, the dimension and one; got {samples}")
    return dimension / (samples - dimension - 1)


@whole_arguments("steps")
def optimal_schedule_and_start(
    spectrum: Spectrum, steps: int, *, gain: Gain | None = None, tau: ArrayLike | None = None
) -> Levels:
    """As `theory.optimal_schedule` on EDM, the first level free too: from N(0, σ_T²) at the σ_T of the least KL.

    (steps + 1,), the last zero. Arguments as there. **Raises** ValueError as there (NaN where traced). Where more noise
    is better without end the first level is where the gain does not see the data any more. One of several minima early
    in training: on patches of photographs 1.398 nats beside 1.389.
    """
    check_optimum(spectrum, gain, tau)
    levels = _with_start(spectrum, steps, gain, tau)
    check_finite(levels, NO_OPTIMUM)
    return levels


@jit
def _with_start(spectrum: Spectrum, steps: int, gain: Gain | None, tau: ArrayLike | None) -> Levels:
    gain = IdealGain(spectrum, EDM()) if gain is None else gain
    scale = jax.lax.stop_gradient(best_tangent_scale(spectrum))
    first = jax.lax.stop_gradient(best_start_of_mode(jnp.max(spectrum.variance), steps))

    def levels(x: Float[Array, " steps"]) -> Levels:
        return levels_of_gaps(x[1:], scale, jnp.exp(x[0]))

    def divergence(x: Float[Array, " steps"]) -> Float[Array, ""]:
        return gaussian_divergence(log_ddim_variance(levels(x), gain, tau, EDM(), None) - jnp.log(spectrum.variance))

    gaps = gaps_of_levels(geodesic_schedule(spectrum, steps, first), scale)
    return levels(minimum(divergence, jnp.concatenate([jnp.log(first)[None], gaps])))
