"""The linear denoiser D(x) = W x + b trained with momentum."""

import math

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from theory.definitions.arrays import Time
from theory.definitions.objectives import Objective
from theory.definitions.processes import AbstractProcess
from theory.definitions.spectra import Spectrum
from theory.numerics.damped_oscillator import damped_motion, damped_wave
from theory.spectral_law.denoiser import (
    batched,
    bounds_of_curvature,
    one_positive_number,
    over_modes,
    regression_at,
    scales_at,
)
from theory.spectral_law.modewise_denoiser import AbstractModewiseDenoiser, assign_modewise_fields
from theory.spectral_law.oscillating_generation import Oscillation, variance_by_oscillatory_quadrature
from theory.spectral_law.regression import ModeRegression, Modes, saturated


class HeavyBall(AbstractModewiseDenoiser):
    """One linear layer, as `OneLayer`, trained by gradient descent with momentum (Polyak's heavy ball).

    Every mode is a damped oscillator that starts from rest,

        ψ'' + γψ' = -2η(sψ - h),   ψ(0) = Q,   ψ'(0) = 0,   s = w(α²λ + σ²),   h = sψ*,

    with the damping γ = `damping`. With ω² = 2ηs - γ²/4 and a = γτ/2

        ψ = ψ* + (Q - ψ*) e^-a [cos ωτ + (γ/2ω) sin ωτ]

    where γ² < 8ηs, and the same with hyperbolic functions where it is larger. For γ → ∞ this is gradient flow at the
    time τ/γ. For γ → 0 a gain arrives after a quarter of its period, π/√(8ηs), in the square root of gradient flow's
    time: emergence times τ* ∝ λ^-α become λ^-α/2, and the inverse-variance law an inverse square root. In between the
    exponent changes, where γ² is about 8ηλ. Weights overshoot, and so may the generated variance.

    **Steps.** Gradient descent with momentum, v ← μv + g and θ ← θ - εv (`optax.sgd(ε, momentum=μ)`), in a unit of time
    h per step is this with

        η = 2ε/((1 + μ)h²),   γ = 2(1 - μ)/((1 + μ)h),   τ = (n + ½)h after n steps,

    up to O(h²): central differences, and a start at rest half a step before the first. With h = √ε, η ≈ 1 and γ ≈
    (1 - μ)/√ε for μ near one.

    **Arguments:** as for `OneLayer`, and `damping` γ > 0, in units of 1/τ; η is then in units of 1/(τ² length²). Raises
    ValueError for values that do not fit; γ = 0 is one of them, since training would not end.

    **Generated variance** is a quadrature, of the gain's steady and of its swinging part apart, however quickly it
    swings in ln σ (`variance_by_oscillatory_quadrature`). Errors are below 1e-9 where the curvature is monotone in σ.
    Near a noise level where it stands still, as it does under a density of noise levels, they grow with the number of
    swings, and above 1e-4 the answer is refused.

    ```python
    >>> from theory import EDM, HeavyBall, Spectrum
    >>> spectrum = Spectrum.from_variances([3.0, 0.1])
    >>> denoiser = HeavyBall(spectrum, EDM(), initial_gain=0.0, learning_rate=1.0, damping=0.5)
    >>> bool((denoiser.gain(1.0, 0.5) > 3.0 / 3.25).any())  # overshoot
    True

    ```
    """

    spectrum: Spectrum
    process: AbstractProcess
    objective: Objective
    initial_gain: Float[Array, " modes"]
    learning_rate: Float[Array, ""]
    damping: Float[Array, ""]

    def __init__(
        self,
        spectrum: Spectrum,
        process: AbstractProcess,
        initial_gain: ArrayLike,
        learning_rate: ArrayLike,
        objective: Objective | None = None,
        *,
        damping: ArrayLike,
    ) -> None:
        assign_modewise_fields(self, spectrum, process, initial_gain, learning_rate, objective)
        self.damping = one_positive_number("damping", damping, spectrum)

    def mode_solution(
        self, regression: ModeRegression, initial_gain: Modes, tau: Array, learning_rate: Float[Array, ""]
    ) -> Modes:
        """ψ_k(τ) = Q K + 2ηh M, with K and M of `damped_motion`."""
        kept, forced = damped_motion(self.damping, learning_rate * regression.curvature, tau)
        return initial_gain * kept + learning_rate * regression.pull * forced

    def weights_of_gain(self, gain: Modes) -> Float[Array, "*batch modes modes"]:
        """W, (..., d, d)."""
        return self.spectrum.matrix(gain)

    def generated_variance(self, tau: Time) -> Modes:
        """By quadrature; (...,) -> (..., d)."""
        return variance_by_oscillatory_quadrature(self, tau, lambda time: self._oscillation(tau, time))

    def training_window(self) -> tuple[Array, Array]:
        """Motion is less than both 2ηsτ²/2 and 2ηsτ/γ of its way at first; it ends at the slower of 2ηs/γ and γ/2."""
        slowest, fastest = (jnp.log(2 * self.learning_rate * curvature) for curvature in bounds_of_curvature(self))
        damping = jnp.log(self.damping)
        first = jnp.maximum(math.log(2e-2) - fastest / 2, math.log(2e-4) + damping - fastest)
        return first, jnp.maximum(math.log(2e4) + damping - slowest, math.log(2e2) - damping)

    def _oscillation(self, tau: Time, noise_level: Array) -> Oscillation:
        """The denoiser's gain at one noise level, its optimum and its swing about that apart."""
        tau, level = batched(tau, noise_level)
        (initial,) = over_modes(tau, self.initial_gain)
        regression, scales = regression_at(self, level[..., 0]), scales_at(self, noise_level)
        stiffness = self.learning_rate * regression.curvature
        wave = damped_wave(self.damping, stiffness, saturated(tau, self.learning_rate))
        swing = scales.linear * (initial - regression.optimal_gain)
        steady = scales.skip + scales.linear * regression.optimal_gain
        return Oscillation(wave.oscillates, steady, swing * wave.amplitude, wave.phase)
