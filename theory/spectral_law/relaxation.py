"""Modes that relax exponentially, the one-layer network and the full-width convolution, and what they generate."""

from collections.abc import Callable
from functools import partial

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike

from theory.definitions.arrays import Time
from theory.numerics.special import ein_difference, erf_average
from theory.spectral_law.denoiser import AbstractDenoiser, batched, noise_range_of_closed_forms, over_modes
from theory.spectral_law.generation import variance_by_quadrature
from theory.spectral_law.modewise_denoiser import AbstractModewiseDenoiser
from theory.spectral_law.regression import Modes, scaled_time

# (λ, initial gain of the denoiser, 2ητ) -> ln λ̃, arrays that broadcast.
LogVariance = Callable[[Modes, Modes, Array], Modes]


def relaxation_variance(denoiser: AbstractModewiseDenoiser, tau: Time, speed: float = 1.0) -> Modes:
    """λ̃ of modes with ψ = ψ* + (Q - ψ*)e^{-curvature·speed·ητ}: closed form where there is one, else quadrature.

    A plain skip connection only moves the initial gain (App. D.1.2). (...,) -> (..., d).
    """
    log_variance, skip = closed_log_variance(denoiser), denoiser.objective.preconditioning.constant_skip()
    if log_variance is None or skip is None:
        return variance_by_quadrature(denoiser, tau)
    tau, _ = batched(tau, 0.0)
    rate = 2 * speed * scaled_time(tau, denoiser.learning_rate)
    variance, initial = over_modes(tau, denoiser.spectrum.variance, denoiser.initial_gain)
    return jnp.exp(log_variance(variance, initial + skip, rate))


def closed_log_variance(denoiser: AbstractDenoiser) -> LogVariance | None:
    """The formula that fits the process and the objective: EDM with w = 1 or w = σ^-2, flow matching with w = 1."""
    objective, process = denoiser.objective, denoiser.process
    power = objective.weight.noise_power()
    if objective.preconditioning.constant_skip() is None or power not in (0, 1):
        return None
    if power == 0 and process.is_straight() and objective.target.constant_coefficients() == (1, -1):
        return flow_log_variance
    ends = noise_range_of_closed_forms(denoiser)
    if ends is None:
        return None
    low, high = ends
    formula = edm_log_variance if power == 0 else inverse_noise_log_variance
    return partial(formula, low=low**2, high=high**2)


def edm_log_variance(variance: Modes, initial: Modes, rate: Array, low: ArrayLike, high: ArrayLike) -> Modes:
    """ln λ̃ of the EDM denoiser (Wang & Pehlevan 2025, Prop. 4.2), in the form that has neither overflow nor 0·∞.

    With c = 2ητ (`rate`), σ_0² and σ_T² (`low`, `high`) and Ein(x) = ∫_0^x (1 - e^{-t})/t dt,

        ln λ̃ = ln σ_T² + Ein(c(λ + σ_0²)) - Ein(c(λ + σ_T²))
               - (1-Q) e^{-cλ} [ln(σ_T²/σ_0²) + Ein(cσ_0²) - Ein(cσ_T²)].

    It follows from d ln x/dσ = (1 - ψ)/σ and 1 - ψ = (1 - ψ*)(1 - e^{-cs}) + (1-Q) e^{-cs}, s = λ + σ². The
    printed form has Ei of both signs of its argument and loses everything at small and large c.
    """
    # The last factor does not depend on the mode: two special functions per time, not per mode.
    untrained = jnp.log(high / low) + ein_difference(rate * low, rate * high)
    learned = ein_difference(rate * (variance + low), rate * (variance + high))
    return jnp.log(high) + learned - (1 - initial) * jnp.exp(-rate * variance) * untrained


def inverse_noise_log_variance(variance: Modes, initial: Modes, rate: Array, low: ArrayLike, high: ArrayLike) -> Modes:
    """ln λ̃ of the EDM denoiser trained with the weight w = σ^-2; arguments as in `edm_log_variance`.

        ln λ̃ = ln σ_0² + Ein(c(1 + λ/σ_0²)) - Ein(c(1 + λ/σ_T²))
               + Q e^{-c} [ln(σ_T²/σ_0²) - Ein(cλ/σ_0²) + Ein(cλ/σ_T²)]

    For Q = 0, σ_0 → 0 and σ_T → ∞ it is ln λ - E1(c): every mode at the same time, no spectral bias. (This project;
    it is not in the paper.)
    """
    learned = ein_difference(rate * (1 + variance / low), rate * (1 + variance / high))
    initially = jnp.log(high / low) - ein_difference(rate * variance / low, rate * variance / high)
    return jnp.log(low) + learned + initial * jnp.exp(-rate) * initially


def flow_log_variance(variance: Modes, initial: Modes, rate: Array) -> Modes:
    """ln λ̃ of one-layer flow matching (Wang & Pehlevan 2025, App. H), c = 2ητ (`rate`).

        ln λ̃ = Ein(cλ) - Ein(c) + 2Q/(1+λ) · e^{-cλ/(1+λ)} [K(c/(1+λ)) + λ K(cλ²/(1+λ))],  K(z) = ∫_0^1 e^{-zu²} du

    The paper's λ exp{Ei(-c) - Ei(-cλ)} and error functions over √c are 0·∞ and 0/0 at λ = 0 and at τ = 0.
    """
    total = 1 + variance
    bracket = erf_average(rate / total) + variance * erf_average(rate * variance * (variance / total))
    initially = 2 * initial / total * jnp.exp(-rate * (variance / total)) * bracket
    return ein_difference(rate * variance, rate) + initially
