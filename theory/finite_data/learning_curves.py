"""Learning curves at finite data: what gradient flow on n points learns, loses and generates, at any ratio d/n.

With all noise averaged (m = ∞) a linear denoiser is a function of the sample covariance Σ̂ at every training time, and
so is the covariance that it generates. Averages over data sets are the deterministic equivalents of Cauchy integrals
(`deterministic_equivalent`); the function of the population's covariance is the limit of infinite data. The mean
of the data is known.
"""

import functools
import inspect
from collections.abc import Callable
from typing import Concatenate

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Complex, Float

from theory.definitions.arrays import floating
from theory.definitions.checks import (
    Answer,
    Question,
    check_double_precision,
    check_finite_count,
    check_training_time,
    checked_jit,
)
from theory.finite_data.deterministic_equivalent import expected_function, variance_of_function
from theory.finite_data.weight_covariances import Elements, over_batch
from theory.numerics.panel_quadrature import NODE_WEIGHTS, NODES
from theory.spectral_law.denoiser import check_noise_level, effective_weight, regression_at, scales_at
from theory.spectral_law.generation import over_panels, panel_edges
from theory.spectral_law.parametrisations.one_layer import OneLayer
from theory.spectral_law.regression import Modes, scaled_time


def of_sample_covariance(
    question: Callable[Concatenate[OneLayer, Question], Answer],
) -> Callable[Concatenate[OneLayer, Question], Answer]:
    """Compile a question about `data` points and denoisers that are functions of Σ̂: with one initial gain for all."""
    at_level = [check_noise_level] if "noise_level" in inspect.signature(question).parameters else []
    compiled = checked_jit(*at_level, tau=check_training_time, data=check_finite_count)(question)

    @functools.wraps(question)
    def checked(denoiser: OneLayer, *args: Question.args, **kwargs: Question.kwargs) -> Answer:
        check_double_precision(f"{question.__name__}, by contour integrals,", denoiser.spectrum.variance)
        gain = denoiser.initial_gain
        if not isinstance(gain, Tracer) and np.ptp(np.asarray(gain)) > 0:
            raise ValueError(
                f"one initial gain must be given for all modes, since the data's own are not these; got {gain}"
            )
        return compiled(denoiser, *args, **kwargs)

    return checked


@of_sample_covariance
def expected_gain_over_data(denoiser: OneLayer, tau: ArrayLike, noise_level: ArrayLike, data: ArrayLike) -> Modes:
    """E u_kᵀ D u_k over data sets of n points with all noise averaged (m = ∞), at any d/n: the learning curve.

    The denoiser is the function ψ(Σ̂) of the sample covariance, for EDM ψ(z) = z/(z + σ²)·(1 - e^{-c(z + σ²)}) +
    Q e^{-c(z + σ²)}, c = 2ητ; its average is the deterministic equivalent of Cauchy's integral, whereas the gain at
    the population's λ_k (`denoiser.gain`) is that of infinite data. Mean of the data known.

    `tau`, `noise_level` (...,) -> (..., d). Raises ValueError if the initial gain differs between modes, for then the
    denoiser is no function of Σ̂, for fewer than one data point, and in single precision.
    """
    common = denoiser.initial_gain[0]

    def mean(tau: Array, level: Array) -> Array:
        return expected_function(
            lambda z: _gain_of(denoiser, common, tau, level, z),
            denoiser.spectrum.variance,
            data,
            _margin(denoiser, tau, level),
        )

    return over_batch(mean, tau, noise_level)


@of_sample_covariance
def gain_variance_over_data(denoiser: OneLayer, tau: ArrayLike, noise_level: ArrayLike, data: ArrayLike) -> Elements:
    """Var u_kᵀ D u_l over the same data sets, at any d/n; d ≪ n is `weight_variance_of_shared_data` with m = ∞.

    At τ = ∞ it is Wang, Zavatone-Veth & Pehlevan 2026, Prop. 4.2. (...,) -> (..., d, d). Raises ValueError as
    `expected_gain_over_data`.
    """
    common = denoiser.initial_gain[0]

    def variance(tau: Array, level: Array) -> Array:
        return variance_of_function(
            lambda z: _gain_of(denoiser, common, tau, level, z),
            denoiser.spectrum.variance,
            data,
            _margin(denoiser, tau, level),
        )

    return over_batch(variance, tau, noise_level)


@of_sample_covariance
def expected_loss_over_data(
    denoiser: OneLayer, tau: ArrayLike, noise_level: ArrayLike, data: ArrayLike
) -> Float[Array, "*batch"]:
    """Loss on fresh data of denoisers trained on n points with all noise averaged, at any d/n:

        E L = Σ_k L*_k + w Σ_k S_k (E D_kk - ψ*_k)² + w Σ_kl S_l Var D_kl,

    L* the loss no linear network can remove. The last term is what overfitting costs. (...,) -> (...,). Raises
    ValueError as `expected_gain_over_data`.
    """
    mean = expected_gain_over_data(denoiser, tau, noise_level, data)
    variance = gain_variance_over_data(denoiser, tau, noise_level, data)
    level = jnp.broadcast_to(floating(noise_level), mean.shape[:-1])
    regression = regression_at(denoiser, level)
    scales = scales_at(denoiser, level)
    skip, scale = scales.skip[..., None], scales.linear[..., None]
    # Half the curvature of the loss in D's own gain.
    power = regression.curvature / (2 * scale**2)
    missed = (mean - skip - scale * regression.optimal_gain) ** 2 + jnp.sum(
        variance * power[..., None, :], axis=-1
    ) / power
    return jnp.sum(regression.minimum_loss + power * missed, axis=-1)


@of_sample_covariance
def expected_generated_variance_over_data(denoiser: OneLayer, tau: ArrayLike, data: ArrayLike) -> Modes:
    """E u_kᵀ Σ̃(τ) u_k over data sets of n points with all noise averaged, Σ̃ = λ̃(τ; Σ̂) the generated covariance.

    λ̃(τ; z), the generated variance of a mode of variance z, is an entire function of z for τ < ∞; its average over Σ̂
    is the deterministic equivalent of Cauchy's integral, at any d/n. `generated_variance` is its value at the
    population's λ_k. `tau` (...,) -> (..., d). Raises ValueError as `expected_gain_over_data`.
    """

    def mean(tau: Array) -> Array:
        def one_tau(z: Array) -> Array:
            return denoiser.generated_variance(jnp.zeros_like(tau))[0] * jnp.exp(2 * log_growth_of(denoiser, tau, z))

        return expected_function(one_tau, denoiser.spectrum.variance, data, smallest_margin(denoiser, tau))

    tau = floating(tau).astype(denoiser.spectrum.variance.dtype)
    return jax.lax.map(mean, tau.ravel()).reshape(*tau.shape, denoiser.spectrum.dimension)


def _gain_of(denoiser: OneLayer, initial: Array, tau: Array, level: Array, variance: Array) -> Complex[Array, " nodes"]:
    """Gain of the denoiser on a mode of complex variance z, (nodes,): Eq. 7 continued analytically."""
    regression = regression_at(denoiser, level, variance)
    scales = scales_at(denoiser, level)
    exponent = regression.curvature * scaled_time(tau, denoiser.learning_rate)
    # A complex exponential of minus infinity is not a number; past 700 nothing of the initial gain is left.
    settled = jnp.real(exponent) > 700
    lost = jnp.where(settled, 1.0, -jnp.expm1(-jnp.where(settled, 0.0, exponent)))
    return scales.skip + scales.linear * (initial + (regression.optimal_gain - initial) * lost)


def log_growth_of(denoiser: OneLayer, tau: Array, variance: Array) -> Complex[Array, " nodes"]:
    """½ ln[λ̃(τ)/λ̃(0)] of a mode of complex variance z, (nodes,), by the panels of `generation.variance_by_quadrature`.

    Relative to the untrained network, whose λ̃(0) is the same for every z: ∫ α σ [ψ(τ) - ψ(0)]/(cσ - eα) dℓ over ℓ =
    ln(α/σ). Its exponential is what training multiplies the sampling map by.
    """
    process, start, initial = denoiser.process, jnp.zeros_like(tau), denoiser.initial_gain[0]
    edges, nodes = panel_edges(denoiser).astype(tau.dtype), jnp.asarray((1 + NODES) / 2, tau.dtype)

    def growth(log_ratio: Array) -> Array:
        time = process.time_from_log_snr(2 * log_ratio)
        alpha, sigma = process.scales_at_log_ratio(log_ratio)
        learned = _gain_of(denoiser, initial, tau, time, variance) - _gain_of(denoiser, initial, start, time, variance)
        return alpha * sigma / denoiser.objective.target.determinant(alpha, sigma) * learned

    def add_panel(total: Array, start: Array, width: Array) -> Array:
        rates = jax.vmap(growth)(start + width * nodes)
        return total + width * jnp.tensordot(jnp.asarray(NODE_WEIGHTS / 2, rates.dtype), rates, 1)

    return over_panels(add_panel, jnp.zeros_like(variance), edges)


def _margin(denoiser: OneLayer, tau: Array, level: Array) -> Array:
    """How far left of z = 0 the gain is analytic and of order one: σ²/α² + 1/2wα²t, the latter at most λ_max."""
    alpha, sigma = denoiser.process.signal_scale(level), denoiser.process.noise_scale(level)
    top = jnp.max(denoiser.spectrum.variance)
    rate = 2 * effective_weight(denoiser, level) * alpha**2 * scaled_time(tau, denoiser.learning_rate)
    return jnp.minimum((sigma / alpha) ** 2, top) + 1 / jnp.maximum(rate, 1 / top)


def smallest_margin(denoiser: OneLayer, tau: Array) -> Array:
    """How far left of z = 0 what is generated is analytic: the smallest margin of all levels that sampling passes."""
    log_ratio = panel_edges(denoiser).astype(tau.dtype)
    return jnp.min(_margin(denoiser, tau, denoiser.process.time_from_log_snr(2 * log_ratio)))
