"""How far the generated Gaussian is from the data's: divergences, transport distance, alignment of the bases."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.definitions.checks import check_training_time, checked_jit
from theory.spectral_law.denoiser import AbstractDenoiser
from theory.spectral_law.generation import TrainingTime, generated_variance
from theory.spectral_law.moments import generated_mean, mode_covariance
from theory.spectral_law.regression import Modes


@checked_jit(tau=check_training_time)
def kl_divergence(denoiser: AbstractDenoiser, tau: TrainingTime) -> Float[Array, "*tau"]:
    """KL(p̃‖p) from the generated Gaussian to the data's, in nats (Wang & Pehlevan 2025, App. C.6).

        ½ [tr Σ⁻¹Σ̃ - d - ln det Σ̃/det Σ + (μ̃-μ)ᵀ Σ⁻¹ (μ̃-μ)]

    With commuting covariances it is ½ Σ_k [r_k - 1 - ln r_k + (u_kᵀ(μ̃-μ))²/λ_k], r = λ̃/λ. Infinite where a data
    variance is zero. `tau` (...,) -> (...,).
    """
    shift, target = _mean_error(denoiser, tau), denoiser.spectrum.variance
    generated, target = jnp.broadcast_arrays(generated_variance(denoiser, tau), target)
    present = target > 0
    safe = jnp.where(present, target, 1.0)
    if denoiser.mixes_modes:
        log_ratio = _log_determinant(mode_covariance(denoiser, tau)) - jnp.sum(jnp.log(safe), axis=-1)
        excess = jnp.sum(generated / safe - 1, axis=-1) - log_ratio
    else:
        log_ratio = jnp.log(generated) - jnp.log(safe)
        excess = jnp.sum(jnp.where(present, jnp.expm1(log_ratio) - log_ratio, 0.0), axis=-1)
    divergence = (excess + jnp.sum(shift**2 / safe, axis=-1)) / 2
    return jnp.where(present.all(axis=-1), divergence, jnp.inf)


@checked_jit(tau=check_training_time)
def reverse_kl_divergence(denoiser: AbstractDenoiser, tau: TrainingTime) -> Float[Array, "*tau"]:
    """KL(p‖p̃) from the data's Gaussian to the generated one, in nats: `kl_divergence` with the two exchanged.

    Infinite where a data variance is zero, as the entropy of p is. `tau` (...,) -> (...,).
    """
    shift, target = _mean_error(denoiser, tau), denoiser.spectrum.variance
    if denoiser.mixes_modes:
        covariance = mode_covariance(denoiser, tau)
        inverse = jnp.linalg.inv(covariance)
        diagonal = jnp.diagonal(inverse, axis1=-2, axis2=-1)
        present = target > 0
        log_ratio = jnp.sum(jnp.log(jnp.where(present, target, 1.0))) - _log_determinant(covariance)
        weighted = jnp.einsum("...i,...ij,...j->...", shift, inverse, shift)
        moments = jnp.sum(diagonal * jnp.broadcast_to(target, diagonal.shape) - 1, axis=-1)
        return jnp.where(present.all(), (moments - log_ratio + weighted) / 2, jnp.inf)
    generated, target = jnp.broadcast_arrays(generated_variance(denoiser, tau), target)
    present = target > 0
    log_ratio = jnp.log(jnp.where(present, target, 1.0)) - jnp.log(generated)
    terms = jnp.expm1(log_ratio) - log_ratio + shift**2 / generated
    return jnp.sum(jnp.where(present, terms, jnp.inf), axis=-1) / 2


@checked_jit(tau=check_training_time)
def wasserstein2(denoiser: AbstractDenoiser, tau: TrainingTime) -> Float[Array, "*tau"]:
    """W₂ between the generated Gaussian and the data's, in the units of the data (App. C.6).

        W₂² = ‖μ̃-μ‖² + tr[Σ̃ + Σ - 2(Σ^½ Σ̃ Σ^½)^½],  with commuting covariances ‖μ̃-μ‖² + Σ_k (√λ̃_k - √λ_k)²

    `tau` (...,) -> (...,).
    """
    shift = _mean_error(denoiser, tau)
    generated, target = jnp.broadcast_arrays(generated_variance(denoiser, tau), denoiser.spectrum.variance)
    if denoiser.mixes_modes:
        root = jnp.sqrt(target)
        inner = root[..., :, None] * mode_covariance(denoiser, tau) * root[..., None, :]
        overlap = jnp.sum(jnp.sqrt(jnp.maximum(jnp.linalg.eigvalsh(inner), 0.0)), axis=-1)
        spread = jnp.sum(generated + target, axis=-1) - 2 * overlap
    else:
        spread = jnp.sum((jnp.sqrt(generated) - jnp.sqrt(target)) ** 2, axis=-1)
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


def _mean_error(denoiser: AbstractDenoiser, tau: TrainingTime) -> Modes:
    """u_kᵀ(μ̃ - μ), (..., d)."""
    return denoiser.spectrum.to_modes(generated_mean(denoiser, tau))


def _log_determinant(covariance: Float[Array, "*batch modes modes"]) -> Float[Array, "*batch"]:
    return jnp.linalg.slogdet(covariance)[1]
