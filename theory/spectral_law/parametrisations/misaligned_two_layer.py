"""The tied two-layer denoiser from an initialisation that is not aligned with the data, to first order (App. E.1.2)."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Float, Int

from theory.definitions.arrays import Time, floating, jit
from theory.definitions.checks import nan_unless
from theory.definitions.objectives import Objective
from theory.definitions.processes import AbstractProcess
from theory.definitions.spectra import Spectrum
from theory.numerics.matrix_functions import diagonal_matrix
from theory.numerics.special import relaxation_filter
from theory.spectral_law.coupled_denoiser import AbstractCoupledDenoiser
from theory.spectral_law.denoiser import (
    AffineMap,
    assign_common_fields,
    gradient_flow_window,
    regression_at,
    scales_at,
)
from theory.spectral_law.parametrisations.symmetric_two_layer import tied_growth
from theory.spectral_law.regression import scaled_time


def _round_off(matrix: Float[Array, "modes modes"]) -> Float[Array, ""]:
    """Of its eigenvalues."""
    return 10 * len(matrix) * jnp.finfo(matrix.dtype).eps * jnp.max(jnp.abs(matrix))


class MisalignedTwoLayer(AbstractCoupledDenoiser):
    """Two tied layers, D(x) = μ + P Pᵀ(x - αμ), whose P(0) P(0)ᵀ has small overlaps C_km between modes.

    To first order in the overlaps the diagonal is that of `SymmetricTwoLayer` and (Wang & Pehlevan 2025, App. E.1.2)

        C_km(τ) = C_km(0) e^{4η(h_k + h_m)τ} D_k^{-(3s_k + s_m)/4s_k} D_m^{-(s_k + 3s_m)/4s_m},
        D_k = 1 + (s_k Q_k/h_k)(e^{8ηh_kτ} - 1),

    with s = α²λ + σ² and h = sψ* (h = λ for the EDM denoiser). An overlap rises at the rate 4η(h_k + h_m) until the
    first of its two modes is learned and then decays at 2η(s_k + s_m)(ψ*_k + ψ*_m): modes mix only in passing.

    **Arguments:** as for `SymmetricTwoLayer`, with `initial_overlap` C(0) = Uᵀ P(0) P(0)ᵀ U, (d, d), in place of the
    initial gains, which are its diagonal. Raises ValueError unless it is symmetric and positive semi-definite. The
    relative error is that of the first order, of the size of C_km/√(C_kk C_mm).
    """

    spectrum: Spectrum
    process: AbstractProcess
    objective: Objective
    initial_overlap: Float[Array, "modes modes"]
    learning_rate: Float[Array, ""]

    def __init__(
        self,
        spectrum: Spectrum,
        process: AbstractProcess,
        initial_overlap: ArrayLike,
        learning_rate: ArrayLike,
        objective: Objective | None = None,
    ) -> None:
        assign_common_fields(self, spectrum, process, learning_rate, objective)
        overlap = floating(initial_overlap).astype(spectrum.variance.dtype)
        size = spectrum.dimension
        if overlap.shape != (size, size):
            raise ValueError(f"initial_overlap must be a matrix of shape {(size, size)}; got shape {overlap.shape}")
        if isinstance(overlap, Tracer):
            lowest = jnp.linalg.eigvalsh(jax.lax.stop_gradient(overlap))[0]
            inside = jnp.allclose(overlap, overlap.T) & (lowest >= -_round_off(overlap))
            overlap = nan_unless(inside, overlap)
        else:
            if not np.allclose(overlap, overlap.T):
                raise ValueError(f"initial_overlap must be symmetric; got {overlap}")
            if not np.linalg.eigvalsh(overlap)[0] >= -_round_off(overlap):
                raise ValueError(
                    "initial_overlap must be positive semi-definite, as P Pᵀ is; got the eigenvalue "
                    f"{np.linalg.eigvalsh(overlap)[0]}"
                )
        self.initial_overlap = overlap

    def weights(self, tau: Time, noise_level: Time) -> Float[Array, "*batch modes modes"]:
        """P(τ) P(τ)ᵀ, (..., d, d), in the data's coordinates; P is free up to a rotation of hidden units."""
        overlap, basis = self._overlap(tau, noise_level), self.spectrum.basis
        return overlap if basis is None else basis @ overlap @ basis.T

    def affine_map(self, tau: Time, noise_level: Time) -> AffineMap:
        """The map in mode coordinates, overlaps included; the bias is at its optimum."""
        return _total_map(self, self._overlap(tau, noise_level), floating(noise_level))

    def training_window(self) -> tuple[Array, Array]:
        return gradient_flow_window(self)

    def _overlap(self, tau: Time, noise_level: Time) -> Float[Array, "*batch modes modes"]:
        """C(τ) in mode coordinates, with the growing exponentials taken out of ln D: nothing overflows at τ = ∞."""
        tau, noise_level = jnp.broadcast_arrays(floating(tau), floating(noise_level))
        regression = regression_at(self, noise_level)
        drive, inputs = regression.pull / 2, regression.curvature / 2
        time = scaled_time(tau, self.learning_rate)[..., None]
        initial = jnp.broadcast_to(jnp.diagonal(self.initial_overlap), drive.shape)
        # ln D = 8ητ max(h, 0) + remainder
        growing = jnp.maximum(drive, 0.0)
        saturation = inputs * initial * relaxation_filter(jnp.abs(drive), 8 * time)
        remainder = jnp.log(jnp.where(drive > 0, jnp.exp(-8 * time * growing), 1.0) + saturation)

        ratio = inputs[..., None, :] / inputs[..., :, None]  # s_m/s_k
        share = (3 + ratio) / 4
        exponent = 4 * drive[..., :, None] - 8 * growing[..., :, None] * share
        exponent = time[..., None] * (exponent + jnp.swapaxes(exponent, -1, -2))
        lost = share * remainder[..., :, None]
        between = self.initial_overlap - jnp.diag(jnp.diagonal(self.initial_overlap))
        overlap = jnp.broadcast_to(between, exponent.shape) * jnp.exp(exponent - lost - jnp.swapaxes(lost, -1, -2))
        return overlap + diagonal_matrix(tied_growth(regression, initial, time))


@jit
def map_after_steps(
    denoiser: MisalignedTwoLayer,
    noise_levels: Float[Array, " levels"],
    step_sizes: Float[Array, "stages levels"],
    steps: Int[Array, " stages"],
) -> AffineMap:
    """The map at each noise level after each stage of gradient descent with finite steps, to first order in overlaps.

    One step of size η on P takes C = P Pᵀ to A C A, A = I - 2η(CS + SC - 2H). With a_k = 1 - 4η(s_kψ_k - h_k),

        ψ_k → ψ_k a_k²,    C_km → C_km [a_k a_m - 2η(s_k + s_m)(ψ_k a_k + ψ_m a_m)],

    whose limit η → 0 is the closed form of `MisalignedTwoLayer`. Stage j takes n_j steps of size η_jl at level l.
    Returns (stages, levels, d, d) and (stages, levels, d), in mode coordinates as `MisalignedTwoLayer.affine_map`.
    """
    regression = regression_at(denoiser, noise_levels)
    drive, inputs = regression.pull / 2, regression.curvature / 2
    sums, along = inputs[..., :, None] + inputs[..., None, :], jnp.eye(drive.shape[-1], dtype=bool)

    def step(overlap: Array, size: Array) -> Array:
        gain = jnp.diagonal(overlap, axis1=-2, axis2=-1)
        factor = 1 - 4 * size[:, None] * (inputs * gain - drive)
        kept = factor * gain
        fed = sums * (kept[..., :, None] + kept[..., None, :])
        between = overlap * (factor[..., :, None] * factor[..., None, :] - 2 * size[:, None, None] * fed)
        return jnp.where(along[None], diagonal_matrix(kept * factor), between)

    def stage(overlap: Array, now: tuple[Array, Array]) -> tuple[Array, Array]:
        size, count = now
        overlap = jax.lax.fori_loop(0, count, lambda _, before: step(before, size), overlap)
        return overlap, overlap

    start = jnp.broadcast_to(denoiser.initial_overlap, (*drive.shape, drive.shape[-1])).astype(drive.dtype)
    overlaps = jax.lax.scan(stage, start, (step_sizes.astype(drive.dtype), steps))[1]
    return _total_map(denoiser, overlaps, jnp.broadcast_to(noise_levels, step_sizes.shape))


def _total_map(
    denoiser: MisalignedTwoLayer, overlap: Float[Array, "*batch modes modes"], noise_level: Time
) -> AffineMap:
    """The denoiser's map from the network's P Pᵀ, in mode coordinates."""
    scales = scales_at(denoiser, noise_level)
    diagonal = jnp.broadcast_to(scales.skip[..., None], overlap.shape[:-1])
    scale = jnp.broadcast_to(scales.linear[..., None, None], overlap.shape)
    return AffineMap(diagonal_matrix(diagonal) + scale * overlap, jnp.zeros_like(diagonal))
