"""The linear denoiser D(x) = W x + b with independent weights at every noise level."""

from jaxtyping import Array, ArrayLike, Float

from theory.definitions.arrays import Time
from theory.definitions.objectives import Objective
from theory.definitions.processes import AbstractProcess
from theory.definitions.spectra import Spectrum
from theory.spectral_law.denoiser import gradient_flow_window
from theory.spectral_law.modewise_denoiser import AbstractModewiseDenoiser, assign_modewise_fields
from theory.spectral_law.regression import ModeRegression, Modes, gradient_flow, scaled_time
from theory.spectral_law.relaxation import relaxation_variance


class OneLayer(AbstractModewiseDenoiser):
    """One linear layer, D(x) = μ + W(x - αμ), from W(0) = Σ_k Q_k u_k u_kᵀ (Wang & Pehlevan 2025, Sec. 4).

    Gradient flow relaxes every mode on its own, ψ_k(τ) = ψ*_k + (Q_k - ψ*_k) e^{-2ητ(α²λ_k + σ²)} (Eq. 7), where
    ψ* = λ/(λ + σ²) for the EDM denoiser. The bias is at its optimum (data centred); `OneLayerWithBias` trains it.

    A residual network is an objective: with the preconditioning `ConstantSkip(c)` the denoiser is c x + W x and its
    gain starts from c + Q (App. D.1.2).

    **Arguments:** `spectrum`; `process`; `initial_gain` Q, a number or one per mode; `learning_rate` η; `objective`,
    the process's own when not given (velocity for flow matching, else the denoised data; uniform weight).

    Raises ValueError for an initial gain or learning rate of the wrong shape or not finite.

    ```python
    >>> from theory import EDM, OneLayer, Spectrum
    >>> denoiser = OneLayer(Spectrum.from_variances([3.0, 0.1]), EDM(), initial_gain=0.1, learning_rate=1.0)
    >>> denoiser.gain(0.0, 1.0).tolist() == [0.1, 0.1]
    True

    ```
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
        assign_modewise_fields(self, spectrum, process, initial_gain, learning_rate, objective)

    def mode_solution(
        self, regression: ModeRegression, initial_gain: Modes, tau: Array, learning_rate: Float[Array, ""]
    ) -> Modes:
        """ψ_k(τ) of Eq. 7."""
        return gradient_flow(regression, initial_gain, scaled_time(tau, learning_rate))

    def weights_of_gain(self, gain: Modes) -> Float[Array, "*batch modes modes"]:
        """W, (..., d, d)."""
        return self.spectrum.matrix(gain)

    def generated_variance(self, tau: Time) -> Modes:
        """Prop. 4.2 and its kin: see `theory.spectral_law.relaxation`. (...,) -> (..., d)."""
        return relaxation_variance(self, tau)

    def training_window(self) -> tuple[Array, Array]:
        return gradient_flow_window(self)
