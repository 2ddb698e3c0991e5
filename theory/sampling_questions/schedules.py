"""What a finite schedule of noise levels generates, mode by mode, from any linear denoiser.

In x/α every process explodes in variance: noise level ρ = σ/α, and a denoiser of gain ψ multiplies x/α by αψ. One step
of DDIM from ρ to ρ' (Euler's in σ where α = 1) multiplies mode k by 1 - h (1 - αψ_k), h = 1 - ρ'/ρ, so that errors of
the network and of the solver are one product. For the ideal denoiser and tan ϑ = ρ/√λ the factor is
cos(ϑ - ϑ') cos ϑ/cos ϑ', and over a schedule that ends at ρ = 0 (Song et al. 2021 for DDIM; this project)

    λ̃/λ = (prior variance)/(α_T² λ + σ_T²) Π_i cos²(ϑ_i - ϑ_{i+1}).

Levels here are ρ, (steps + 1,), falling to a last one of 0. Gains are functions of a training time and process times,
(), (steps,) -> (steps, d), of the denoised data: `denoiser.gain` where that is the target, else `DenoisedGain`. They
answer for modes that do not mix: all parametrisations but `MisalignedTwoLayer` and `OneLayerWithBias` of data with a
mean, for which gains do not say it all.
"""

from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from theory.definitions.arrays import Time, is_traced, jit
from theory.definitions.checks import check_not_negative, checked_jit, whole_arguments
from theory.definitions.processes import EDM, AbstractProcess
from theory.definitions.spectra import Spectrum
from theory.spectral_law.denoiser import AbstractDenoiser, check_modes_apart
from theory.spectral_law.regression import Modes

Gain = Callable[[Any, Time], Modes]
Levels = Float[Array, " levels"]


class IdealGain(eqx.Module):
    """αλ/(α²λ + σ²), of the posterior mean; it ignores the training time."""

    spectrum: Spectrum
    process: AbstractProcess

    def __call__(self, tau: ArrayLike | None, noise_level: Time) -> Modes:
        alpha, sigma = self.process.signal_scale(noise_level), self.process.noise_scale(noise_level)
        covariance = jnp.multiply.outer(alpha, self.spectrum.variance)
        return covariance / (alpha[..., None] * covariance + sigma[..., None] ** 2)


class DenoisedGain(eqx.Module):
    """(σψ - e)/(cσ - eα), of what a network of gain ψ with the target c x_0 + e ε says of the data."""

    denoiser: AbstractDenoiser

    def __call__(self, tau: Time, noise_level: Time) -> Modes:
        process, target = self.denoiser.process, self.denoiser.objective.target
        alpha, sigma = process.signal_scale(noise_level), process.noise_scale(noise_level)
        noise, divisor = target.coefficients(alpha, sigma)[1], target.determinant(alpha, sigma)
        return (sigma[..., None] * self.denoiser.gain(tau, noise_level) - noise[..., None]) / divisor[..., None]


def check_gain(gain: Gain | None) -> None:
    """Raises ValueError for `denoiser.gain` of a denoiser whose target is another, or whose modes mix."""
    owner = gain.denoiser if isinstance(gain, DenoisedGain) else getattr(gain, "__self__", None)
    if not isinstance(owner, AbstractDenoiser):
        return
    check_modes_apart(owner, "since gains do not say it all")
    if owner is not getattr(gain, "denoiser", None) and owner.objective.target.constant_coefficients() != (1, 0):
        raise ValueError("gain must be that of denoised data; give DenoisedGain(denoiser) for another target")


def _check_schedule(arguments: Mapping[str, Any]) -> None:
    check_gain(arguments["gain"])
    check_not_negative("tau, a training time,", 0.0 if arguments.get("tau") is None else arguments["tau"])
    check_levels("levels", arguments["levels"])


def check_levels(name: str, levels: Levels) -> None:
    if np.ndim(levels) != 1 or np.shape(levels)[0] < 2:
        raise ValueError(f"{name} must be a sequence of two or more; got shape {np.shape(levels)}")
    if not is_traced(levels) and not (np.all(np.diff(np.asarray(levels, float)) < 0) and levels[-1] == 0):
        raise ValueError(f"{name} must fall strictly to zero; got {levels}")


def log_ddim_variance(
    levels: Levels, gain: Gain, tau: ArrayLike | None, process: AbstractProcess, prior_variance: ArrayLike | None
) -> Modes:
    """ln λ̃ of `ddim_variance`, without its checks."""
    log_ratio = -jnp.log(levels[:-1])
    _, sigma = process.scales_at_log_ratio(log_ratio)
    # ρ times the factor of each step is finite at infinite noise too: ραψ = σψ.
    denoised = sigma[:, None] * gain(tau, process.time_from_log_snr(2 * log_ratio))
    carried = levels[1:, None] + (1 - levels[1:] / levels[:-1])[:, None] * denoised
    start = 0.0 if prior_variance is None else jnp.log(prior_variance / sigma[0] ** 2)
    return start + 2 * (jnp.sum(jnp.log(jnp.abs(carried)), axis=0) - jnp.sum(jnp.log(levels[1:-1])))


@checked_jit(_check_schedule)
def ddim_variance(
    levels: Levels,
    gain: Gain,
    tau: ArrayLike | None = None,
    *,
    process: AbstractProcess | None = None,
    prior_variance: ArrayLike | None = None,
) -> Modes:
    """λ̃ per mode of samples by DDIM at the given levels σ/α, of which the first may be infinite; (d,).

    **Arguments:** `tau`, one training time, for gains that have one; `process`, `EDM()` if not given;
    `prior_variance` of x_T, if not that of noise alone at the first level, σ_T². **Raises** ValueError for levels that
    do not fall to zero, and as `check_gain`.
    """
    return jnp.exp(log_ddim_variance(levels, gain, tau, EDM() if process is None else process, prior_variance))


@checked_jit(_check_schedule)
def heun_variance(
    levels: Levels,
    gain: Gain,
    tau: ArrayLike | None = None,
    *,
    process: AbstractProcess | None = None,
    prior_variance: ArrayLike | None = None,
) -> Modes:
    """The same for Heun's method in σ/α, whose last step is Euler's (Karras et al. 2022, Alg. 1), from a finite level.

    A step multiplies by 1 - h/2 [a + (ρ/ρ') a' (1 - h a)], a = 1 - αψ at ρ and a' at ρ'. Arguments as there.
    """
    process = EDM() if process is None else process
    log_ratio = -jnp.log(levels[:-1])
    alpha, sigma = process.scales_at_log_ratio(log_ratio)
    lost = 1 - alpha[:, None] * gain(tau, process.time_from_log_snr(2 * log_ratio))
    step, shrunk = (1 - levels[1:-1] / levels[:-2])[:, None], (levels[1:-1] / levels[:-2])[:, None]
    factors = 1 - step / 2 * (lost[:-1] + lost[1:] / shrunk * (1 - step * lost[:-1]))
    start = sigma[0] ** 2 if prior_variance is None else jnp.asarray(prior_variance)
    return start / alpha[0] ** 2 * (jnp.prod(factors, axis=0) * (1 - lost[-1])) ** 2


def gaussian_divergence(log_ratio: Modes) -> Float[Array, ""]:
    """KL(p̃‖p) = ½ Σ_k [r_k - 1 - ln r_k] in nats, of ln r = ln λ̃/λ."""
    return jnp.sum(jnp.expm1(log_ratio) - log_ratio) / 2


@whole_arguments("steps")
@jit
def uniform_time_levels(process: AbstractProcess, steps: int) -> Levels:
    """σ/α at times equally spaced from the process's start to its clean data: cosine and linear schedules as they are.

    Raises ValueError unless `steps` is 1, 2, …. For a variance-preserving process.
    """
    times = jnp.linspace(process.start_time, 0.0, steps + 1)
    return process.noise_scale(times) / process.signal_scale(times)
