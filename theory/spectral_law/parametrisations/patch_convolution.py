"""The circular convolution with a filter narrower than the data, on a ring or a torus."""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Float, Int

from theory.definitions.arrays import Time, floating
from theory.definitions.checks import resolved
from theory.definitions.objectives import Objective
from theory.definitions.processes import AbstractProcess
from theory.definitions.spectra import Spectrum, fourier_transform, patch_offsets, whole_lengths
from theory.numerics.matrix_functions import matrix_functions_action
from theory.spectral_law.denoiser import (
    AbstractDiagonalDenoiser,
    assign_common_fields,
    batched,
    gradient_flow_window,
    preconditioned,
    regression_at,
)
from theory.spectral_law.generation import variance_by_quadrature
from theory.spectral_law.parametrisations.full_width_convolution import stationary_grid
from theory.spectral_law.regression import Modes, gradient_descent, gradient_flow, scaled_time
from theory.spectral_law.relaxation import closed_log_variance

Taps = Float[Array, "*batch taps"]


class PatchConvolution(AbstractDiagonalDenoiser):
    """D(x)_i = Σ_o w(o) x_{i+o} with one filter of fewer taps than points (Wang & Pehlevan 2025, Prop. 5.4).

    The filter regresses the centre of a patch on the patch. With the covariance Σ_patch = Σ_j ν_j v_j v_jᵀ of patches
    (`definitions.spectra.patch_covariance`) and the loss summed over N pixels each component relaxes as one mode of
    `OneLayer`, N times as fast: for the EDM denoiser

        v_jᵀw(τ) = ψ*_j v_j(0) + (v_jᵀw(0) - ψ*_j v_j(0)) e^{-2Nητ(ν_j + σ²)},   ψ*_j = ν_j/(ν_j + σ²),

    with v_j(0) the centre's entry. At any τ the gain of Fourier mode k mixes all components: unlike a full matrix the
    converged filter does not generate the data's spectrum, but one whose logarithm is a trigonometric polynomial with
    no more frequencies than the filter has offsets. `spectrum` is that of the data all the same, so that
    `wasserstein2`, `emergence_time` and others measure against the data.

    **Arguments:** see `from_autocovariance`. The constructor itself takes the data's `spectrum` in Fourier modes, the
    `initial_filter` w(0), whose shape is the width, and the `grid` of the data, (N,) when not given.

    Raises ValueError for a filter of even width, or wider than the grid, along any axis; if the filter is not finite;
    if λ_k differs from λ_-k; for a grid that misfits; as `OneLayer` does for the learning rate; and for patches of data
    so smooth that single precision does not resolve their smallest component (NaN where that is traced).

    ```python
    >>> from theory import EDM, PatchConvolution, generated_variance
    >>> patch = PatchConvolution.from_autocovariance([2.0, 1.0, 0.5, 0.5, 1.0], 3, EDM(), 0.5, learning_rate=1.0)
    >>> patch.weights(0.0, 1.0).round(3).tolist() == [0.0, 0.5, 0.0], generated_variance(patch, 0.5).shape
    (True, (5,))

    ```
    """

    spectrum: Spectrum
    process: AbstractProcess
    objective: Objective
    initial_filter: Float[Array, "*width"]
    learning_rate: Float[Array, ""]
    grid: tuple[int, ...] = eqx.field(static=True)

    def __init__(
        self,
        spectrum: Spectrum,
        process: AbstractProcess,
        initial_filter: Float[ArrayLike, "*width"],
        learning_rate: ArrayLike,
        objective: Objective | None = None,
        grid: tuple[int, ...] | None = None,
    ) -> None:
        assign_common_fields(self, spectrum, process, learning_rate, objective)
        self.grid = stationary_grid(spectrum, grid)
        self.initial_filter = floating(initial_filter).astype(spectrum.variance.dtype)
        _odd_widths(self.initial_filter.shape, self.grid)
        if not isinstance(self.initial_filter, Tracer) and not np.isfinite(self.initial_filter).all():
            raise ValueError(f"initial_filter must be finite; got {self.initial_filter}")
        if spectrum.variance.dtype != np.float64:
            components = jnp.linalg.eigvalsh(_patch_covariance(self))
            smallest = jnp.maximum(components[0], 0.0) + jnp.exp(-2 * process.log_ratio_range()[1])
            self.initial_filter = resolved("PatchConvolution", components[-1], smallest) * self.initial_filter

    @classmethod
    def from_autocovariance(
        cls,
        autocovariance: Float[ArrayLike, "*grid"],
        width: int | tuple[int, ...],
        process: AbstractProcess,
        initial_gain: ArrayLike | None,
        learning_rate: ArrayLike,
        objective: Objective | None = None,
        initial_filter: Float[ArrayLike, "*width"] | None = None,
    ) -> "PatchConvolution":
        """The convolution of `width` taps (odd; one number, or one per axis) for autocovariance (N,) or (H, W).

        It starts from w(0) = Q at the centre and zero elsewhere, Q = `initial_gain`, or from `initial_filter`; the
        other must be None. Raises ValueError otherwise, and for an even or too large width.
        """
        grid = np.shape(autocovariance)
        widths = _odd_widths(width, grid)
        if (initial_gain is None) == (initial_filter is None):
            raise ValueError(
                f"one of initial_gain and initial_filter must be None; got {initial_gain} and {initial_filter}"
            )
        if initial_gain is not None:
            if np.shape(initial_gain) != ():
                raise ValueError(f"initial_gain of a filter must be one number; got shape {np.shape(initial_gain)}")
            initial_filter = _centre(widths).reshape(widths) * floating(initial_gain)
        assert initial_filter is not None
        if np.shape(initial_filter) != widths:
            raise ValueError(f"initial_filter must have the shape {widths}; got {np.shape(initial_filter)}")
        spectrum = Spectrum.from_autocovariance(autocovariance)
        return cls(spectrum, process, initial_filter, learning_rate, objective, grid)

    def weights(self, tau: Time, noise_level: Time) -> Float[Array, "..."]:
        """The filter w(τ) by offset in its native shape, (..., *width): tap j of an axis is at o = j - width // 2.

        Cross-correlation convention: D(x)_i = Σ_o w(o) x_{i+o}, as in App. G.
        """
        taps = self._taps(tau, noise_level)
        return taps.reshape(*taps.shape[:-1], *self.initial_filter.shape)

    def gain(self, tau: Time, noise_level: Time) -> Modes:
        """Re Σ_o w(o) e^{2πi k·o/N}, (...,) and (...,) -> (..., N), frequencies in row order.

        The odd part of a filter turns the sine and cosine of a frequency into each other without changing their sum of
        squares, so it plays no part in generated variances.
        """
        return preconditioned(self, noise_level, filter_gain(self, self._taps(tau, noise_level)))

    def generated_variance(self, tau: Time) -> Modes:
        """λ̃_k(τ) in closed form wherever `OneLayer` has one, (...,) -> (..., N); quadrature otherwise.

            ln λ̃_k = Σ_j a_jk ln λ̃(ν_j),   a_jk = v̂_j(k) v_j(0),   Σ_j a_jk = 1,   v̂_j(k) = Σ_o v_j(o) e^{2πi k·o/N}

        with λ̃(ν) the variance that one layer generates for a mode of variance ν at rate Nη: d ln x_k is linear in the
        gain and the gain is linear in the components of the filter. For the EDM denoiser, τ → ∞ and σ_T → ∞,
        λ̃_k = exp{DFT_k[log(Σ_patch + σ_0²) e_0]}. A general w(0) takes λ̃ at Q = 0 and adds, in the same way, the slope
        of ln λ̃ in Q times v_jᵀw(0); ln λ̃ is linear in Q. (This project's; the paper integrates numerically, App. G.4.)
        """
        skip = self.objective.preconditioning.constant_skip()
        if closed_log_variance(self) is None or skip is None:
            return variance_by_quadrature(self, tau)
        start = self.initial_filter.ravel()
        start = start + skip * _centre(self.initial_filter.shape).astype(start.dtype)
        return jnp.exp(filter_gain(self, _apply(self, start, _log_variances, (self, tau))))

    def training_window(self) -> tuple[Array, Array]:
        return gradient_flow_window(self)

    def _taps(self, tau: Time, noise_level: Time) -> Taps:
        return _apply(self, self.initial_filter.ravel(), _flows, (self, floating(tau), floating(noise_level)))


def patch_gradient_descent(
    denoiser: PatchConvolution,
    step_sizes: Float[Array, "stages #levels"] | Float[Array, " stages"],
    steps: Int[Array, " stages"],
    noise_levels: Float[Array, " levels"],
) -> Float[Array, "stages levels *width"]:
    """The filter at each noise level after each stage of gradient descent with finite steps.

    Stage i takes n_i steps of size η_i (per level where `step_sizes` is (stages, levels)):

        v_jᵀw = ψ*_j v_j(0) + (v_jᵀw(0) - ψ*_j v_j(0)) Π_i [1 - 2Nη_i(ν_j + σ²)]^{n_i}

    for the EDM denoiser of loss weight 1; stable for η < 1/[N(ν_max + σ²)]. `learning_rate` plays no part; `weights` is
    the limit of small steps with `learning_rate`·τ = Σ_i n_i η_i.
    """
    step_sizes = jnp.asarray(step_sizes)
    step_sizes = step_sizes[:, None] if step_sizes.ndim == 1 else step_sizes
    start = denoiser.initial_filter
    taps = _apply(denoiser, start.ravel(), _descents, (denoiser, step_sizes, steps, noise_levels))
    return taps.reshape(*taps.shape[:-1], *start.shape)


def filter_gain(denoiser: PatchConvolution, taps: Taps) -> Modes:
    """Re Σ_o w(o) e^{2πi k·o/N} of filters of the denoiser's width with their taps in row order, (..., taps)."""
    cosine, _ = _transform(denoiser)
    return taps @ cosine.astype(taps.dtype)


def _transform(denoiser: PatchConvolution) -> tuple[Float[Array, "taps n"], Float[Array, "taps n"]]:
    return fourier_transform(denoiser.grid, patch_offsets(denoiser.initial_filter.shape, denoiser.grid))


def _apply(denoiser: PatchConvolution, start: Float[Array, " taps"], response, parameters) -> Taps:
    """h_0(Σ_patch) e_0 + h_1(Σ_patch) w(0), with h_0 what a mode learns from Q = 0 and h_1 its slope in Q."""
    vectors = jnp.stack([_centre(denoiser.initial_filter.shape).astype(start.dtype), start])
    return matrix_functions_action(_patch_covariance(denoiser), vectors, response, parameters)


def _patch_covariance(denoiser: PatchConvolution) -> Float[Array, "taps taps"]:
    """Σ_patch = (1/N) Σ_k λ_k (c_k c_kᵀ + s_k s_kᵀ), the entries of `patch_covariance`."""
    variance = denoiser.spectrum.variance
    cosine, sine = (x.astype(variance.dtype) for x in _transform(denoiser))
    return ((cosine * variance[None]) @ cosine.T + (sine * variance[None]) @ sine.T) / variance.size


def _flows(variance: Float[Array, " modes"], parameters: tuple) -> Float[Array, "2 *batch modes"]:
    """The gain of modes at rate Nη: its value for Q = 0 and its slope in Q."""
    denoiser, tau, noise_level = parameters
    tau, noise_level = batched(tau, noise_level)
    regression = regression_at(denoiser, noise_level[..., 0], variance)
    time = denoiser.spectrum.dimension * scaled_time(tau, denoiser.learning_rate)
    return _linear_in_start(partial(gradient_flow, regression, scaled_time=time), regression.curvature)


def _descents(variance: Float[Array, " modes"], parameters: tuple) -> Float[Array, "2 stages levels modes"]:
    """The same after finite steps."""
    denoiser, step_sizes, steps, noise_levels = parameters
    regression = regression_at(denoiser, noise_levels, variance)
    sizes = denoiser.spectrum.dimension * step_sizes[..., None]
    return _linear_in_start(
        lambda start: gradient_descent(regression, start, sizes, steps), jnp.zeros_like(regression.curvature)
    )


def _log_variances(variance: Float[Array, " modes"], parameters: tuple) -> Float[Array, "2 *batch modes"]:
    """ln λ̃ of modes at rate Nη: its value for Q = 0 and its slope in Q."""
    denoiser, tau = parameters
    log_variance = closed_log_variance(denoiser)
    assert log_variance is not None
    tau, _ = batched(tau, 0.0)
    rate = 2 * denoiser.spectrum.dimension * scaled_time(tau, denoiser.learning_rate)
    variance = variance.reshape((1,) * (tau.ndim - 1) + variance.shape)
    return _linear_in_start(lambda start: log_variance(variance, start, rate), variance)


def _linear_in_start(function, like: Modes) -> Float[Array, "2 *batch modes"]:
    """Value at Q = 0 and slope of a function that is linear in Q, (2, ..., modes)."""
    start = jnp.zeros_like(like)
    return jnp.stack(jax.jvp(function, (start,), (jnp.ones_like(start),)))


def _centre(widths: tuple[int, ...]) -> Float[Array, " taps"]:
    """e_0, one at the middle of a filter with its taps in row order."""
    size = int(np.prod(widths))
    return jnp.zeros(size).at[size // 2].set(1.0)


def _odd_widths(width: int | tuple[int, ...], grid: tuple[int, ...]) -> tuple[int, ...]:
    """One width per axis. Raises ValueError unless each is odd and fits the grid."""
    patch_offsets(width, grid)
    widths = whole_lengths("patch width", width, axes=len(grid))
    if any(each % 2 == 0 for each in widths):
        raise ValueError(f"widths of a filter must be odd, for it to have a centre; got {widths}")
    return widths
