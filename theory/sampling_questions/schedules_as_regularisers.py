"""Noise schedules as regularisers: which modes a schedule lets a network generate first.

A variance-preserving process with schedule α(t), t uniform, trains every noise level as often as its log
signal-to-noise ratio ℓ = ln α²/σ² comes up, with density p(ℓ) = |dt/dℓ|. For a linear network on denoised data the rate
of a mode is 2η w p(ℓ)(α²λ + σ²). With the weight w = α²/σ² (that of unit weight on the noise), from gain 0 and at the
level λ/2, the local exponents -d ln τ*/d ln λ of noise levels σ/α in [.002, 80] are

| schedule | λ = 1e-3 | 1 | 1e3 | limits |
|---|---|---|---|---|
| cosine, α = cos(πt/2) | .49 | -.31 | -1.51 | 1/2, -3/2 |
| linear, β = .05 to 10 | .75 | -.18 | -1.10 | 1, -1 |
| sigmoid, -3 to 3 | .87 | -.38 | -1.98 | 1, -2 |
| flow matching | .47 | -.38 | -1.48 | 1/2, -3/2 |
| EDM, ln σ ~ N(-1.2, 1.2²) | .94 | -.83 | -2.61 | none |

Cosine is `CosineSchedule(0.0)` here: with the usual offset .008 its first column is .72. They cross 0 between λ = .3
and .7, of EDM between .1 and .3: small modes emerge in the order of their variance, large ones the *other way round*.
Where p ∝ ρ^{b} for ρ = σ/α → 0 and ρ^{-b'} for ρ → ∞, the limits are b/2 for small λ and -(1 + b'/2) for large: a level
of ρ ≪ √λ is learned at the rate λρ^{-2} p(1 + ρ²)^{-1}, and the mode is generated when ρ = √λ is. All of this belongs
to the weight and the level: at the geometric mean of λ̃(0) and λ the same exponents lie between .60 and .96, and with
unit weight on the data they are 1 up to λ of about 10 (.85 to 1.00, at λ/2).

Values of -1.2, -.8 and -1.6 that were noted once for the first three schedules at the upper end are not those of λ =
1e3. Straight lines through whole ranges are less steep than local exponents: -1.18, -.88 and -1.18 over λ = 1 to 100,
-1.31, -.97 and -1.46 over 1 to 1e3. (This project.)
"""

import abc
from collections.abc import Mapping
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from theory.definitions.arrays import Scalar, Time, floating, is_traced
from theory.definitions.checks import checked_jit, finite, positive
from theory.definitions.objectives import Objective
from theory.definitions.processes import EDM, AbstractProcess
from theory.definitions.spectra import Spectrum
from theory.definitions.targets import DenoiserTarget
from theory.definitions.weights import AbstractSmoothWeight, positive_noise_scale
from theory.spectral_law.emergence import Mean, emergence_time
from theory.spectral_law.parametrisations.one_layer import OneLayer


class AbstractLogSNRDensity(eqx.Module):
    """How often training visits a log signal-to-noise ratio ℓ = ln α²/σ²."""

    @abc.abstractmethod
    def __call__(self, log_snr: Time) -> Time:
        """p(ℓ), which integrates to one over all of ℓ that the schedule has; same shape."""


class UniformTimes(AbstractLogSNRDensity):
    """p(ℓ) = |dt/dℓ| = σ²/2|D| for times drawn uniformly in [0, 1], D = σσ' - σ² d ln α/dt of the process.

    σ²/2β for a variance-preserving one: sech(ℓ/2)/2π for α = cos(πt/2). sech²(ℓ/4)/8 for flow matching. Given at every
    ℓ, also where the schedule has no time: the linear one ends at ℓ = ln[α²/(1 - α²)] of t = 1. Of flow matching, whose
    time is near 1 there, it is right to 1e-3 up to ℓ = 60, in single precision up to 20.
    """

    process: AbstractProcess

    def __call__(self, log_snr: Time) -> Time:
        _, sigma = self.process.scales_at_log_ratio(log_snr / 2)
        return sigma**2 / (2 * jnp.abs(self.process.diffusion_coefficient(self.process.time_from_log_snr(log_snr))))


class LogNormalLevels(AbstractLogSNRDensity):
    """p(ℓ) of ln σ ~ N(m, s²), α = 1: normal with the mean -2m and the standard deviation 2s.

    m = `log_mean` and s = `log_std` are those of Karras et al. 2022.
    """

    log_mean: Scalar = eqx.field(default=-1.2, converter=partial(finite, "log_mean"))
    log_std: Scalar = eqx.field(default=1.2, converter=partial(positive, "log_std"))

    def __call__(self, log_snr: Time) -> Time:
        return jax.scipy.stats.norm.pdf(log_snr, -2 * self.log_mean, 2 * self.log_std)


class ScheduledWeight(AbstractSmoothWeight):
    """p(ℓ) (α²/σ²)^a α² at ρ = σ/α: what a variance-preserving network sees, as a weight on the process with α = 1.

    In x/α its input has the variance λ + ρ², so that its rate w p (α²λ + σ²) is w p α² (λ + ρ²), with α² = 1/(1 + ρ²).
    a = `snr_power` is 0 for the unit weight on denoised data, and 1 for that on the noise.
    """

    density: AbstractLogSNRDensity
    snr_power: Scalar = eqx.field(default=1.0, converter=partial(finite, "snr_power"))

    def __call__(self, process: AbstractProcess, time: Time) -> Time:
        level = positive_noise_scale(process, time)
        return self.density(-2 * jnp.log(level)) * level ** (-2 * self.snr_power) / (1 + level**2)

    def noise_power(self) -> float | None:
        return None


def _check_variances(arguments: Mapping[str, Any]) -> None:
    variance = arguments["variance"]
    if is_traced(variance):
        return
    if not (np.ndim(variance) == 1 and np.all(np.asarray(variance) > 0) and np.all(np.isfinite(variance))):
        raise ValueError(f"variances must be a sequence of positive and finite numbers; got {variance}")


def scheduled_denoiser(variance: Float[Array, " modes"], weight: ScheduledWeight, levels: EDM) -> OneLayer:
    """One layer from gain 0 on denoised data, with η = 1, and sampled over the noise levels σ/α of `levels`."""
    spectrum = Spectrum(jnp.zeros_like(variance), variance)
    return OneLayer(spectrum, levels, 0.0, 1.0, Objective(DenoiserTarget(), weight))


@checked_jit(_check_variances)
def schedule_exponents(
    variance: Float[Array, " modes"], weight: ScheduledWeight, levels: EDM | None = None, mean: Mean = "arithmetic"
) -> Float[Array, " modes"]:
    """-d ln τ*/d ln λ at every λ of `variance`, (d,), of a network that is trained with a schedule.

    **Arguments:** `weight`; `levels`, the smallest and largest noise level σ/α of sampling, .002 and 80 if not given;
    `mean`, the level of `emergence_time`: the arithmetic mean of λ̃(0) = σ_0² and λ, which is λ/2 but for σ_0²/2 and
    moves exponents by .004 at λ = 1e-3. NaN where a mode never emerges. **Raises** ValueError for variances that are
    not positive and finite.
    """
    process = EDM() if levels is None else levels

    def log_time(log_variance: Float[Array, " modes"]) -> Float[Array, " modes"]:
        return jnp.log(emergence_time(scheduled_denoiser(jnp.exp(log_variance), weight, process), mean))

    logs = jnp.log(floating(variance))
    found, slope = jax.jvp(log_time, (logs,), (jnp.ones_like(logs),))
    return jnp.where(jnp.isfinite(found), -slope, jnp.nan)
