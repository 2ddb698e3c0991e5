"""The tied two-layer linear denoiser D(x) = P Pᵀ x, aligned with the data at initialisation."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Int

from theory.definitions.arrays import Time
from theory.definitions.objectives import Objective
from theory.definitions.processes import AbstractProcess
from theory.definitions.spectra import Spectrum
from theory.numerics.special import relaxation_filter
from theory.spectral_law.denoiser import batched, gradient_flow_window, noise_range_of_closed_forms, over_modes
from theory.spectral_law.modewise_denoiser import AbstractModewiseDenoiser, assign_modewise_fields, variance_of_modes
from theory.spectral_law.regression import ModeRegression, Modes, saturated, scaled_time, stage_sizes


class SymmetricTwoLayer(AbstractModewiseDenoiser):
    """Two tied layers, D(x) = μ + P Pᵀ(x - αμ), from P(0) P(0)ᵀ = Σ_k Q_k u_k u_kᵀ (Wang & Pehlevan 2025, Sec. 5.1).

    Every mode follows a logistic equation, dψ/dτ = 8ηψ(h - Sψ) with S = α²λ + σ² and h = Sψ* (h = λ for the EDM
    denoiser), so that ψ(τ) = Q / [E + (S/h)Q(1 - E)], E = e^{-8ητh} (Prop. 5.1). Q = 0 is a fixed point: a mode
    that starts at zero is never learned. The gain cannot become negative, so a mode with ψ* < 0 (flow matching
    near the noise) decays to zero instead of being fitted.

    Arguments as for `OneLayer`. Raises ValueError for a negative initial gain as well.
    """

    spectrum: Spectrum
    process: AbstractProcess
    objective: Objective
    initial_gain: Float[Array, " modes"]
    learning_rate: Float[Array, ""]

    def __init__(
        self,
        spectrum: Spectrum,
        process: AbstractProcess,
        initial_gain: ArrayLike,
        learning_rate: ArrayLike,
        objective: Objective | None = None,
    ) -> None:
        assign_modewise_fields(self, spectrum, process, initial_gain, learning_rate, objective, non_negative=True)

    def mode_solution(
        self, regression: ModeRegression, initial_gain: Modes, tau: Array, learning_rate: Float[Array, ""]
    ) -> Modes:
        """ψ_k(τ) of Prop. 5.1."""
        return tied_growth(regression, initial_gain, scaled_time(tau, learning_rate))

    def weights_of_gain(self, gain: Modes) -> Float[Array, "*batch modes modes"]:
        """P = Σ_k √ψ_k u_k u_kᵀ, the aligned factor whose square is the total map; (..., d, d)."""
        return self.spectrum.matrix(jnp.sqrt(gain))

    def generated_variance(self, tau: Time) -> Modes:
        """Prop. 5.1 integrated for the EDM denoiser; quadrature otherwise, graded about h = 0 for flow matching.

        With E = e^{-8ητλ}, a = E + Q(1 - E) and b = Q(1 - E)/λ (→ 8ητQ at λ = 0),

            ln λ̃ = ln σ_0² + (Q/a) [ln(σ_T²/σ_0²) - ln((a + bσ_T²)/(a + bσ_0²))],

        the integral of d ln x/dσ = (1 - ψ)/σ with ψ = Q/(a + bσ²). At Q = 0 the derivative with respect to Q grows
        like 1/E = e^{8ητλ}; it is cut off where E² would underflow, so that gradients stay finite.
        """
        ends, objective = noise_range_of_closed_forms(self), self.objective
        if ends is None or objective.weight.noise_power() != 0 or not objective.preconditioning.is_identity():
            return variance_of_modes(self, tau)
        low, high = (sigma**2 for sigma in ends)
        tau, _ = batched(tau, 0.0)
        rate = 8 * scaled_time(tau, self.learning_rate)
        variance, initial = over_modes(tau, self.spectrum.variance, self.initial_gain)
        decay = _capped_exponential(rate * variance)
        scale = decay - initial * jnp.expm1(-rate * variance)
        slope = initial * relaxation_filter(variance, rate)
        # Logarithms first: the ratio's derivative would square numbers that are already huge at τ = ∞.
        captured = jnp.log(high / low) - (jnp.log(scale + slope * high) - jnp.log(scale + slope * low))
        return low * jnp.exp(initial / scale * captured)

    def training_window(self) -> tuple[Array, Array]:
        return gradient_flow_window(self)


def tied_growth(regression: ModeRegression, initial: Modes, scaled_time: Array) -> Modes:
    """ψ = Q/[E + SQ(1 - E)/h] for h > 0; multiplied through by 1/E for h < 0, so that E ≤ 1 either way."""
    rate = 8 * saturated(scaled_time)
    drive = regression.pull / 2
    decay = _capped_exponential(rate * jnp.abs(drive))
    saturation = regression.curvature / 2 * initial * relaxation_filter(jnp.abs(drive), rate)
    return jnp.where(drive < 0, initial * decay, initial) / (jnp.where(drive < 0, 1.0, decay) + saturation)


def tied_gradient_descent(
    regression: ModeRegression,
    initial_gain: Modes,
    step_sizes: Float[Array, " stages"],
    steps: Int[Array, " stages"],
) -> Float[Array, "stages *batch modes"]:
    """Gain of the tied network after each stage of gradient descent with finite steps.

    One step of size h on P takes an aligned mode from ψ to ψ [1 - 4h(Sψ - h_k)]², with S = curvature/2 and h_k = Sψ*:
    a discrete logistic map whose limit h → 0 is Prop. 5.1. Stage j takes n_j steps of size h_j, or of a size per
    mode when `step_sizes` is (stages, ..., modes).
    """
    input_variance = regression.curvature / 2
    drive = regression.pull / 2

    def descend(gain: Modes, stage: tuple[Array, Array]) -> tuple[Modes, Modes]:
        size, count = stage
        gain = jax.lax.fori_loop(
            0, count, lambda _, psi: psi * (1 - 4 * size * (input_variance * psi - drive)) ** 2, gain
        )
        return gain, gain

    start = jnp.broadcast_to(initial_gain, drive.shape).astype(drive.dtype)
    return jax.lax.scan(descend, start, (stage_sizes(step_sizes, regression).astype(drive.dtype), steps))[1]


def _capped_exponential(exponent: Array) -> Array:
    """e^{-x}, kept above the square root of the smallest number, so that 1/E² still exists.

    Only the ratio E/Q matters where it is used: the cap changes nothing for Q above 1e-130 (1e-15 in float32).
    """
    largest = 0.42 * jnp.log(jnp.finfo(exponent.dtype).max)
    return jnp.exp(-jnp.minimum(exponent, largest))
