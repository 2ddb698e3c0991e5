"""Likelihood: the nats that a network loses by what it has not learned, mode by mode, and when it has.

A denoiser D gives the variational bound ∫ E|x_0 - D(x)|² ρ^-3 dρ on -ln p(x_0), ρ = σ/α, but for what does not depend
on D; the best one gives -ln p(x_0) itself (Kong, Brekelmans & Ver Steeg 2023, arXiv 2302.03792). For Gaussian data
that leaves λρ²/(λ + ρ²) of a mode, whose integral is information (I-MMSE: Guo et al. 2005), and any other linear D adds
its excess:

    ∫ E(x_0 - D)² ρ^-3 dρ = ½ ln[(1 + λ/ρ_0²)/(1 + λ/ρ_T²)] + ∫ (ψ - ψ*)² (λ + ρ²) ρ^-3 dρ,

ψ the gain on x/α. The excess is the divergence of the paths of the reverse diffusion with D from those with the best
one. It bounds what that diffusion's samples lose. It is not the divergence of the probability-flow ODE's samples, which
is `theory.kl_divergence` of a denoiser.

One layer from the gain Q on EDM, with c = 2ητ, loses (closed form: `theory.derivations`, "likelihood_nats")

    (1 - Q)² e^{-2cλ} λ/2σ_0²   for σ_0² ≪ λ and 1/c,

where one nat is left too much by .007, .05, .3 and 2 % for λ = 10, 1, .1 and .01 (σ_0 = .002, Q = 0). So one nat is
left at cλ = ½ ln[(1 - Q)² λ/2σ_0²], 11 to 6 times as late as samples have half of their way, in logarithms. That is not
a power of λ, with the local exponent -d ln τ/d ln λ = 1 - 1/ln[(1 - Q)² λ/2σ_0²]: .914 is that of
.1 ≤ λ ≤ 10, .903 that of .01 ≤ λ ≤ 10. It belongs to a *fixed* number of nats. A fixed share of those at τ = 0 is left
at cλ = -½ ln(share), with the exponent 1; half of them *before* samples have half of their way. (This project.)
"""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from theory.definitions.arrays import Time, floating, is_traced
from theory.definitions.checks import check_training_time, checked_jit, nan_unless
from theory.numerics.matrix_functions import diagonal_matrix
from theory.spectral_law.denoiser import AbstractDenoiser, over_modes
from theory.spectral_law.emergence import first_passages
from theory.spectral_law.generation import PanelSum, TrainingTime, over_panels, panel_edges, with_enough_panels
from theory.spectral_law.regression import Modes, mode_regression


def excess_nats(denoiser: AbstractDenoiser, tau: TrainingTime) -> Modes:
    """∫ E(u_kᵀ(D - D*))² ρ^-3 dρ of every mode over the levels of sampling, in nats; its sum over k is the network's.

    D* is the best linear denoiser. With target y = c x_0 + e ε and its network's gain ψ the integrand over ln(α/σ) is
    α²/(cσ - eα)² (ψ - ψ*)² (α²λ + σ²), by Gauss-Legendre panels; where modes mix (ψ - ψ*)² S is a sum over the map's
    row and the offset. For every parametrisation. The panels are refined as by `generated_variance_by_quadrature`.

    A weight that does not vanish at ρ → 0 has no integral there: on flow matching, whose ratio has no end, the nats are
    those up to ln(α/σ) = 40 and grow by λ(1 - ψ)² at t = 1 with each unit of it.

    **Arguments:** `tau`, training time, (...,). **Returns:** (..., d), in nats, right to 1e-8 (double precision; in
    single precision to 1e-3 from a nat on). Raises ValueError for training times below zero or NaN, and for gains that
    panels do not resolve (NaN where that is traced).
    """
    return with_enough_panels(lambda refinement: _excess_nats(denoiser, tau, refinement))


@checked_jit(tau=check_training_time)
def _excess_nats(denoiser: AbstractDenoiser, tau: TrainingTime, refinement: int) -> Modes:
    return _by_quadrature(denoiser, floating(tau), refinement)


def _by_quadrature(denoiser: AbstractDenoiser, tau: Time, refinement: int = 1) -> Modes:
    dtype = jnp.result_type(tau, denoiser.spectrum.variance)
    tau = tau.astype(dtype)

    def add_panel(total: PanelSum, start: Array, width: Array) -> PanelSum:
        return total.plus_nodes(start, width, lambda node: _excess_rate(denoiser, tau, node))

    start = PanelSum.zero((*tau.shape, denoiser.spectrum.dimension), dtype)
    return over_panels(add_panel, start, panel_edges(denoiser, refinement).astype(dtype)).trusted()


def _excess_rate(denoiser: AbstractDenoiser, tau: Time, log_ratio: Array) -> Modes:
    """Nats per unit of ln(α/σ), (...,) -> (..., d)."""
    process, target, variance = denoiser.process, denoiser.objective.target, denoiser.spectrum.variance
    time = process.time_from_log_snr(2 * log_ratio)
    alpha, sigma = process.scales_at_log_ratio(log_ratio)
    optimum, power = over_modes(
        tau[..., None], mode_regression(variance, process, target, time).optimal_gain, alpha**2 * variance + sigma**2
    )
    if denoiser.mixes_modes:
        learned = denoiser.affine_map(tau, time)
        wrong = learned.matrix - diagonal_matrix(jnp.broadcast_to(optimum, learned.offset.shape))
        missed = jnp.sum(wrong**2 * power[..., None, :], axis=-1) + learned.offset**2
    else:
        missed = (denoiser.gain(tau, time) - optimum) ** 2 * power
    return (alpha / target.determinant(alpha, sigma)) ** 2 * missed


@checked_jit(tau=check_training_time)
def denoising_nats(denoiser: AbstractDenoiser, tau: TrainingTime) -> Modes:
    """∫ E(u_kᵀ(x_0 - D))² ρ^-3 dρ: the information that is there, ½ ln[(1 + λ/ρ_0²)/(1 + λ/ρ_T²)], and the excess.

    `tau` (...,) -> (..., d), in nats; raises as `excess_nats`, but is NaN where panels of 1/4 do not resolve a gain.
    """
    excess = _by_quadrature(denoiser, floating(tau))
    variance = denoiser.spectrum.variance
    first, last = (jnp.log1p(variance * jnp.exp(2 * jnp.asarray(end))) for end in denoiser.process.log_ratio_range())
    return excess + jnp.broadcast_to((last - first) / 2, excess.shape)


def small_noise_excess_nats(
    variance: ArrayLike, scaled_time: ArrayLike, sigma_min: ArrayLike, initial_gain: ArrayLike = 0.0
) -> Array:
    """(1 - Q)² e^{-2cλ} λ/2σ_0², c = 2ητ: what one layer loses on EDM, denoised data, for σ_0² ≪ λ and 1/c.

    Its error is in the module's docstring. `scaled_time` is ητ; all arguments broadcast.
    """
    variance, time, level, start = (floating(each) for each in (variance, scaled_time, sigma_min, initial_gain))
    return (1 - start) ** 2 * jnp.exp(-4 * time * variance) * variance / (2 * level**2)


def _check_nats(arguments: Mapping[str, Any]) -> None:
    nats, modes = arguments.get("nats", 1.0), arguments["denoiser"].spectrum.dimension
    if np.shape(nats) not in ((), (modes,)):
        raise ValueError(f"nats must be a number or one per mode ({modes}); got shape {np.shape(nats)}")
    if not is_traced(nats) and not np.all(np.asarray(nats) > 0):
        raise ValueError(f"nats must be positive; got {nats}")


@checked_jit(_check_nats)
def likelihood_emergence_time(denoiser: AbstractDenoiser, nats: ArrayLike = 1.0) -> Float[Array, " modes"]:
    """First training time at which a mode's excess has fallen to `nats`, a number or one per mode: (d,), in units of τ.

    Where `emergence_time` asks of the variance of samples. 0 where the excess is no larger before training, inf where
    it stays larger. Derivatives are those of the implicit function. Raises ValueError for nats that are not positive.
    """
    level = jnp.broadcast_to(floating(nats).astype(denoiser.spectrum.variance.dtype), denoiser.spectrum.variance.shape)
    curve, start = _LogExcess(), jnp.zeros((), level.dtype)
    log_level = jnp.log(level)
    times = first_passages(curve, denoiser, log_level, jnp.zeros(level.shape, bool))
    ready = jax.lax.stop_gradient(curve(denoiser, start)) <= log_level
    return nan_unless(level > 0, jnp.where(ready, 0.0, times))


class _LogExcess(eqx.Module):
    """ln of the excess as a function of training time, of what underflows that of the smallest number."""

    def __call__(self, denoiser: AbstractDenoiser, tau: Time) -> Modes:
        nats = _by_quadrature(denoiser, tau)
        return jnp.log(jnp.maximum(nats, jnp.finfo(nats.dtype).tiny))
