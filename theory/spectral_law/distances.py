"""How far the generated Gaussian is from the data's: divergences, transport distance, alignment of the bases.

Where modes mix, all is made of a factor L of the generated covariance, Σ̃ = L Lᵀ: products of covariances, whose
eigenvalues span twice as many decades, would lose the small modes.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.definitions.checks import check_training_time, checked_jit
from theory.spectral_law.denoiser import AbstractDenoiser
from theory.spectral_law.generation import TrainingTime, generated_variance
from theory.spectral_law.moments import (
    factor_by_propagator,
    mean_error,
    mean_error_by_propagator,
    mode_covariance,
    propagator,
)
from theory.spectral_law.regression import Modes


@checked_jit(tau=check_training_time)
def kl_divergence(denoiser: AbstractDenoiser, tau: TrainingTime) -> Float[Array, "*tau"]:
    """KL(p̃‖p) from the generated Gaussian to the data's, in nats (Wang & Pehlevan 2025, App. C.6).

        ½ [tr Σ⁻¹Σ̃ - d - ln det Σ̃/det Σ + (μ̃-μ)ᵀ Σ⁻¹ (μ̃-μ)]

    With commuting covariances it is ½ Σ_k [r_k - 1 - ln r_k + (u_kᵀ(μ̃-μ))²/λ_k], r = λ̃/λ. Infinite where a data
    variance is zero. `tau` (...,) -> (...,).
    """
    target = denoiser.spectrum.variance
    absent = target == 0
    safe = jnp.where(absent, 1.0, target)
    if denoiser.mixes_modes:
        whitened, shift = _whitened(denoiser, tau, safe)
        excess = jnp.sum(whitened**2, axis=(-2, -1)) - target.size - _log_determinant(whitened)
        divergence = (excess + jnp.sum(shift**2, axis=-1)) / 2
    else:
        shift, generated = mean_error(denoiser, tau), generated_variance(denoiser, tau)
        safe = jnp.broadcast_to(safe, generated.shape)
        log_ratio = jnp.log(generated) - jnp.log(safe)
        divergence = jnp.sum(jnp.expm1(log_ratio) - log_ratio + shift**2 / safe, axis=-1) / 2
    return jnp.where(absent.any(), jnp.inf, divergence)


@checked_jit(tau=check_training_time)
def reverse_kl_divergence(denoiser: AbstractDenoiser, tau: TrainingTime) -> Float[Array, "*tau"]:
    """KL(p‖p̃) from the data's Gaussian to the generated one, in nats: `kl_divergence` with the two exchanged.

    Infinite where a data variance is zero, as the entropy of p is. `tau` (...,) -> (...,).
    """
    target = denoiser.spectrum.variance
    absent = target == 0
    safe = jnp.where(absent, 1.0, target)
    if denoiser.mixes_modes:
        whitened, shift = _whitened(denoiser, tau, safe)
        identity = jnp.broadcast_to(jnp.eye(target.size, dtype=whitened.dtype), whitened.shape)
        back = jnp.linalg.solve(whitened, jnp.concatenate([identity, shift[..., None]], axis=-1))
        divergence = (jnp.sum(back**2, axis=(-2, -1)) - target.size + _log_determinant(whitened)) / 2
    else:
        shift, generated = mean_error(denoiser, tau), generated_variance(denoiser, tau)
        log_ratio = jnp.log(jnp.broadcast_to(safe, generated.shape)) - jnp.log(generated)
        divergence = jnp.sum(jnp.expm1(log_ratio) - log_ratio + shift**2 / generated, axis=-1) / 2
    return jnp.where(absent.any(), jnp.inf, divergence)


@checked_jit(tau=check_training_time)
def wasserstein2(denoiser: AbstractDenoiser, tau: TrainingTime) -> Float[Array, "*tau"]:
    """W₂ between the generated Gaussian and the data's, in the units of the data (App. C.6).

        W₂² = ‖μ̃-μ‖² + tr[Σ̃ + Σ - 2(Σ^½ Σ̃ Σ^½)^½],  with commuting covariances ‖μ̃-μ‖² + Σ_k (√λ̃_k - √λ_k)²

    The trace is ‖L R - Σ^½‖²_F for Σ̃ = L Lᵀ and the rotation R that makes it smallest, a sum of squares in which
    nothing cancels. Where modes mix derivatives are first ones only. `tau` (...,) -> (...,).
    """
    root = jnp.sqrt(denoiser.spectrum.variance)
    if denoiser.mixes_modes:
        factor, shift = _factor_and_shift(denoiser, tau)
        # At the minimum the rotation's own derivative has no effect, so that equal singular values do no harm.
        overlap = jnp.swapaxes(factor, -1, -2) * jnp.broadcast_to(root, factor.shape)
        left, _, right = jnp.linalg.svd(jax.lax.stop_gradient(overlap))
        transported = factor @ (left @ right) - jnp.broadcast_to(jnp.diag(root), factor.shape)
        spread = jnp.sum(transported**2, axis=(-2, -1))
    else:
        shift, generated = mean_error(denoiser, tau), generated_variance(denoiser, tau)
        spread = jnp.sum((jnp.sqrt(generated) - jnp.broadcast_to(root, generated.shape)) ** 2, axis=-1)
    squared = spread + jnp.sum(shift**2, axis=-1)
    # The distance has a cone at zero: its value there is exact and its gradient taken as zero.
    return jnp.where(squared <= 0, 0.0, jnp.sqrt(jnp.where(squared <= 0, 1.0, squared)))


@checked_jit(tau=check_training_time)
def alignment(denoiser: AbstractDenoiser, tau: TrainingTime) -> Float[Array, "*tau"]:
    """Σ_k (u_kᵀ Σ̃ u_k)²/‖Σ̃‖²_F: the share of the generated covariance that lies on the data's principal axes.

    1 where every network commutes with the data covariance, less while modes mix. `tau` (...,) -> (...,).
    """
    if not denoiser.mixes_modes:
        return jnp.where(jnp.isnan(generated_variance(denoiser, tau)[..., 0]), jnp.nan, 1.0)
    covariance = mode_covariance(denoiser, tau)
    diagonal = jnp.diagonal(covariance, axis1=-2, axis2=-1)
    return jnp.sum(diagonal**2, axis=-1) / jnp.sum(covariance**2, axis=(-2, -1))


def _factor_and_shift(denoiser: AbstractDenoiser, tau: TrainingTime) -> tuple[Float[Array, "*tau modes modes"], Modes]:
    """L with L Lᵀ = Uᵀ Σ̃ U, and u_kᵀ(μ̃ - μ), of a network that mixes modes."""
    carried = propagator(denoiser, tau)
    return factor_by_propagator(denoiser, carried), mean_error_by_propagator(denoiser, carried)


def _whitened(
    denoiser: AbstractDenoiser, tau: TrainingTime, variance: Modes
) -> tuple[Float[Array, "*tau modes modes"], Modes]:
    """The same in units of the data's standard deviation of each mode, λ^-½ L and λ^-½ u_kᵀ(μ̃ - μ)."""
    factor, shift = _factor_and_shift(denoiser, tau)
    deviation = jnp.broadcast_to(jnp.sqrt(variance), shift.shape)
    return factor / deviation[..., None], shift / deviation


def _log_determinant(factor: Float[Array, "*batch modes modes"]) -> Float[Array, "*batch"]:
    """ln det F Fᵀ."""
    return 2 * jnp.linalg.slogdet(factor)[1]
