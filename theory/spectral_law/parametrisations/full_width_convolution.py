"""The circular convolution with one filter as wide as the data, on a ring or a torus."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Float

from theory.definitions.arrays import Time
from theory.definitions.objectives import Objective
from theory.definitions.processes import AbstractProcess
from theory.definitions.spectra import Spectrum, reflected, whole_lengths
from theory.spectral_law.denoiser import gradient_flow_window
from theory.spectral_law.modewise_denoiser import AbstractModewiseDenoiser, assign_modewise_fields
from theory.spectral_law.regression import ModeRegression, Modes, gradient_flow, scaled_time
from theory.spectral_law.relaxation import relaxation_variance


class FullWidthConvolution(AbstractModewiseDenoiser):
    """D(x)_i = Σ_o w(o) x_{i+o}, circular, with N taps for N points (Wang & Pehlevan 2025, Prop. 5.3).

    One filter sees the loss of all N pixels, so every Fourier mode relaxes as in `OneLayer`, N times as fast:

        γ_k(τ) = ψ*_k + (Q_k - ψ*_k) e^{-2Nητ(α²λ_k + σ²)},   γ_k = Σ_o w(o) e^{2πi k·o/N}.

    The printed bracket has γ_k(τ) in place of Q_k = γ_k(0). λ_k is the spectrum of the covariance averaged over all
    shifts (`definitions.spectra.shift_average`), so that non-stationary data are fitted as if augmented by all
    their shifts (App. G.3.2); the generated distribution is stationary. Data centred at one mean for all positions.

    Finite gradient steps η_j are those of `theory.spectral_law.regression.gradient_descent` with N η_j for step size.

    **Arguments:** `spectrum`, from `Spectrum.from_autocovariance`; `process`; `initial_gain` Q, a number (w(0) = Q at
    the centre, zero elsewhere) or one per Fourier mode; `learning_rate` η; `objective` as for `OneLayer`; `grid`, the
    shape of the data in pixels, (N,) when not given.

    Raises ValueError if variances or initial gains differ between k and -k (the filter would not be real, or the data
    not stationary), if the grid does not have as many points as there are modes, and as `OneLayer` does.

    ```python
    >>> from theory import EDM, FullWidthConvolution
    >>> denoiser = FullWidthConvolution.from_autocovariance([2.0, 1.0, 0.5, 1.0], EDM(), 0.5, learning_rate=1.0)
    >>> denoiser.gain(0.0, 1.0).shape, denoiser.weights(0.0, 1.0).round(3).tolist() == [0.0, 0.0, 0.5, 0.0]
    ((4,), True)

    ```
    """

    spectrum: Spectrum
    process: AbstractProcess
    objective: Objective
    initial_gain: Float[Array, " modes"]
    learning_rate: Float[Array, ""]
    grid: tuple[int, ...] = eqx.field(static=True)

    def __init__(
        self,
        spectrum: Spectrum,
        process: AbstractProcess,
        initial_gain: ArrayLike,
        learning_rate: ArrayLike,
        objective: Objective | None = None,
        grid: tuple[int, ...] | None = None,
    ) -> None:
        assign_modewise_fields(self, spectrum, process, initial_gain, learning_rate, objective)
        self.grid = stationary_grid(spectrum, grid)
        check_symmetric("initial_gain", self.initial_gain, self.grid)

    @classmethod
    def from_autocovariance(
        cls,
        autocovariance: Float[ArrayLike, "*grid"],
        process: AbstractProcess,
        initial_gain: ArrayLike,
        learning_rate: ArrayLike,
        objective: Objective | None = None,
    ) -> "FullWidthConvolution":
        """The convolution for stationary data of autocovariance (N,) or (H, W); see `Spectrum.from_autocovariance`."""
        spectrum = Spectrum.from_autocovariance(autocovariance)
        return cls(spectrum, process, initial_gain, learning_rate, objective, np.shape(autocovariance))

    def mode_solution(
        self, regression: ModeRegression, initial_gain: Modes, tau: Array, learning_rate: Float[Array, ""]
    ) -> Modes:
        """γ_k(τ) of Prop. 5.3, frequencies in row order."""
        return gradient_flow(regression, initial_gain, scaled_time(self.spectrum.dimension * tau, learning_rate))

    def weights_of_gain(self, gain: Modes) -> Float[Array, "..."]:
        """The filter w by offset, (..., N) or (..., H, W): tap j of an axis of length N is at o = j - N // 2.

        Cross-correlation convention: D(x)_i = Σ_o w(o) x_{i+o}, as everywhere in the paper's App. G. These filters are
        even, for which it is the same as convolution.
        """
        axes = tuple(range(-len(self.grid), 0))
        taps = jnp.fft.ifftn(gain.reshape(*gain.shape[:-1], *self.grid), axes=axes).real
        return jnp.fft.fftshift(taps, axes=axes)

    def generated_variance(self, tau: Time) -> Modes:
        """Prop. 4.2 and its kin with η → Nη, per Fourier mode: see `theory.spectral_law.relaxation`."""
        return relaxation_variance(self, tau, speed=self.spectrum.dimension)

    def training_window(self) -> tuple[Array, Array]:
        return gradient_flow_window(self)


def stationary_grid(spectrum: Spectrum, grid: tuple[int, ...] | None) -> tuple[int, ...]:
    """The grid of a spectrum in Fourier modes, a ring when not given. Raises ValueError unless λ_k = λ_-k on it."""
    grid = (spectrum.dimension,) if grid is None else whole_lengths("the lengths of a grid", grid)
    if np.prod(grid) != spectrum.dimension:
        raise ValueError(f"the grid must have one point for each of {spectrum.dimension} modes; got shape {grid}")
    check_symmetric("the spectrum of stationary data", spectrum.variance, grid)
    return grid


def check_symmetric(name: str, per_mode: Float[Array, " modes"], grid: tuple[int, ...]) -> None:
    """Raises ValueError if a known array differs between frequencies k and -k by more than round-off."""
    if isinstance(per_mode, Tracer):
        return
    on_grid = per_mode.reshape(grid)
    tolerance = 1e3 * np.finfo(per_mode.dtype).eps * np.max(np.abs(per_mode))
    if np.any(np.abs(np.asarray(on_grid) - np.asarray(reflected(on_grid))) > tolerance):
        raise ValueError(f"{name} must be the same at frequencies k and -k; got {per_mode}")
