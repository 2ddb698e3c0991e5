"""Deep linear denoisers D(x) = W_L ⋯ W_1 x of any depth, balanced and aligned with the data (App. F.3)."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Int

from theory.definitions.arrays import Time
from theory.definitions.checks import whole, whole_arguments
from theory.definitions.objectives import Objective
from theory.definitions.processes import AbstractProcess
from theory.definitions.spectra import Spectrum
from theory.spectral_law.balanced_growth import balanced_growth
from theory.spectral_law.denoiser import gradient_flow_window
from theory.spectral_law.modewise_denoiser import AbstractModewiseDenoiser, assign_modewise_fields, variance_of_modes
from theory.spectral_law.regression import (
    ModeRegression,
    Modes,
    gradient_descent,
    gradient_flow,
    scaled_time,
    stage_sizes,
)


class DeepLinear(AbstractModewiseDenoiser):
    """L layers with equal gains ψ_k^{1/L} on every mode, D(x) = μ + W_L ⋯ W_1 (x - αμ), of total gain Q ≥ 0 at first.

    Balanced layers stay balanced, and the gain of a mode follows (Wang & Pehlevan 2025, App. F.3)

        dψ/dτ = 2ηL ψ^{2-2/L} (h - sψ),   s = α²λ + σ²,   h = sψ* (h = λ for the EDM denoiser).

    Its solution is implicit (a hypergeometric function, see `balanced_growth`) and is inverted to round-off. For L > 2
    and small Q a mode waits for τ ≈ Q^{2/L-1}/[2ηL(1 - 2/L)h]. Q = 0 is a fixed point for L ≥ 2; the gain cannot
    become negative.

    **Arguments:** as for `OneLayer`, and `depth` L = 1, 2, …. Raises ValueError for another depth or a negative
    gain.
    """

    spectrum: Spectrum
    process: AbstractProcess
    objective: Objective
    initial_gain: Float[Array, " modes"]
    learning_rate: Float[Array, ""]
    depth: int = eqx.field(static=True)

    def __init__(
        self,
        spectrum: Spectrum,
        process: AbstractProcess,
        initial_gain: ArrayLike,
        learning_rate: ArrayLike,
        depth: int = 3,
        objective: Objective | None = None,
    ) -> None:
        self.depth = whole("depth", depth)
        several = self.depth > 1
        assign_modewise_fields(self, spectrum, process, initial_gain, learning_rate, objective, non_negative=several)

    @classmethod
    def residual(
        cls,
        spectrum: Spectrum,
        process: AbstractProcess,
        initial_weight: ArrayLike,
        learning_rate: ArrayLike,
        depth: int = 3,
        objective: Objective | None = None,
    ) -> "DeepLinear":
        """A deep residual network Π_ℓ (I + V_ℓ) from V_ℓ(0) = w_0 on every mode: the same flow from Q = (1 + w_0)^L."""
        depth = whole("depth", depth)
        gain = (1 + jnp.asarray(initial_weight)) ** depth
        return cls(spectrum, process, gain, learning_rate, depth, objective)

    def mode_solution(
        self, regression: ModeRegression, initial_gain: Modes, tau: Array, learning_rate: Float[Array, ""]
    ) -> Modes:
        """ψ_k(τ): see `balanced_growth`."""
        time = scaled_time(tau, learning_rate)
        if self.depth == 1:
            return gradient_flow(regression, initial_gain, time)
        return balanced_growth(regression, initial_gain, time, self.depth)

    def weights_of_gain(self, gain: Modes) -> tuple[Float[Array, "*batch modes modes"], ...]:
        """The L equal factors Σ_k ψ_k^{1/L} u_k u_kᵀ, (..., d, d) each."""
        return self.depth * (self.spectrum.matrix(gain if self.depth == 1 else gain ** (1 / self.depth)),)

    def generated_variance(self, tau: Time) -> Modes:
        """Quadrature of the gain, graded about h = 0 for flow matching; (...,) -> (..., d)."""
        return variance_of_modes(self, tau)

    def training_window(self) -> tuple[Array, Array]:
        return gradient_flow_window(self)


@whole_arguments("depth")
def balanced_gradient_descent(
    regression: ModeRegression,
    initial_gain: Modes,
    depth: int,
    step_sizes: Float[Array, " stages"],
    steps: Int[Array, " stages"],
) -> Float[Array, "stages *batch modes"]:
    """Gain of `depth` balanced layers after each stage of gradient descent with finite steps.

    One step of size η takes every layer's gain w = ψ^{1/L} to w - 2ηw^{L-1}(sψ - h): balanced layers stay balanced.
    Stages and shapes as for `theory.spectral_law.regression.gradient_descent`, which it is for one layer.
    """
    if depth == 1:
        return gradient_descent(regression, initial_gain, step_sizes, steps)
    inputs, drive = regression.curvature / 2, regression.pull / 2
    start = jnp.broadcast_to(initial_gain, drive.shape).astype(drive.dtype) ** (1 / depth)

    def descend(layer: Modes, stage: tuple[Array, Array]) -> tuple[Modes, Modes]:
        size, count = stage

        def step(_, layer: Modes) -> Modes:
            return layer - 2 * size * layer ** (depth - 1) * (inputs * layer**depth - drive)

        layer = jax.lax.fori_loop(0, count, step, layer)
        return layer, layer**depth

    return jax.lax.scan(descend, start, (stage_sizes(step_sizes, regression).astype(drive.dtype), steps))[1]
