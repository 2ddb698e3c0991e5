"""Mean and covariance of what a frozen denoiser generates, also where its maps do not commute (App. C.5).

A network that mixes modes, or whose bias is still being learned, is carried through the probability flow as a matrix.
With z = (x - αμ)/α in mode coordinates and the map of `affine_map`, every process reads

    dz/dℓ = -σ[(c - αM) z - offset]/(cσ - eα),    ℓ = ln(α/σ),

for the target y = c x_0 + e ε (see `theory.spectral_law.generation`).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from theory.definitions.arrays import Scalar, Time, floating
from theory.definitions.checks import check_training_time, checked_jit
from theory.definitions.processes import at_both_ends
from theory.numerics.matrix_functions import diagonal_matrix
from theory.numerics.panel_quadrature import COEFFICIENTS, NODE_WEIGHTS, NODES
from theory.spectral_law.denoiser import AbstractDenoiser, AffineMap
from theory.spectral_law.generation import (
    TrainingTime,
    check_schedule,
    generated_variance,
    over_panels,
    panel_edges,
)
from theory.spectral_law.regression import Modes

_PICARD_ITERATIONS = 20  # 1e-13 for maps of gain up to 4


class Propagator(NamedTuple):
    """Where sampling takes a point: (x - αμ)/(α + σ) at the end is matrix · (that at the start) + offset, in modes."""

    matrix: Float[Array, "*batch modes modes"]
    offset: Modes


@checked_jit(tau=check_training_time)
def propagator(denoiser: AbstractDenoiser, tau: TrainingTime) -> Propagator:
    """The affine map from the start to the end of sampling, by collocation on the panels of the quadrature oracle.

    In the coordinate (x - αμ)/(α + σ) neither end of any process is singular. On each panel the linear equation is
    solved at the Gauss-Legendre nodes by Picard iteration, whose error after k steps falls like (panel width · rate)^k
    /k!: everything is a fixed number of matrix products, so derivatives are as accurate as values.

    `tau` (...,) -> (..., d, d), (..., d).
    """
    tau = floating(tau).astype(denoiser.spectrum.variance.dtype)
    dimension, dtype = denoiser.spectrum.dimension, tau.dtype
    nodes, inner, outer = (jnp.asarray(x, dtype) for x in ((1 + NODES) / 2, _integration_matrix(), NODE_WEIGHTS / 2))

    def add_panel(carried: Array, start: Array, width: Array) -> Array:
        rates, sources = jax.vmap(lambda at: _velocity(denoiser, tau, at))(start + width * nodes)

        def refine(_, inside: Array) -> Array:
            return carried[None] + width * jnp.tensordot(inner, rates @ inside + sources, 1)

        inside = jnp.broadcast_to(carried, (nodes.size, *carried.shape))
        inside = jax.lax.fori_loop(0, _PICARD_ITERATIONS, refine, inside)
        return carried + width * jnp.tensordot(outer, rates @ inside + sources, 1)

    identity = jnp.eye(dimension, dimension + 1, dtype=dtype)
    initial = jnp.broadcast_to(identity, (*tau.shape, *identity.shape))
    carried = over_panels(add_panel, initial, panel_edges(denoiser).astype(dtype))
    return Propagator(carried[..., :-1], carried[..., -1])


def _velocity(denoiser: AbstractDenoiser, tau: Time, log_ratio: Array) -> tuple[Array, Array]:
    """The matrix (..., d, d) and the source (..., d, d+1) of d[X v]/dℓ at ℓ = `log_ratio`."""
    process, target = denoiser.process, denoiser.objective.target
    time = process.time_from_log_snr(2 * log_ratio)
    alpha, sigma = process.scales_at_log_ratio(log_ratio)
    signal, _ = target.coefficients(alpha, sigma)
    matrix, offset = denoiser.affine_map(tau, time)
    removed = sigma / target.determinant(alpha, sigma)
    identity = diagonal_matrix(jnp.ones_like(offset))
    rate = (jax.nn.sigmoid(-log_ratio) - removed * signal) * identity + removed * alpha * matrix
    source = jax.nn.sigmoid(log_ratio) * removed * offset
    return rate, jnp.concatenate([jnp.zeros_like(matrix), source[..., None]], axis=-1)


def _integration_matrix() -> np.ndarray:
    """∫_0^{x_i} of the Lagrange polynomials of the Gauss-Legendre nodes x on [0, 1], (nodes, nodes)."""
    legendre = np.polynomial.legendre
    return legendre.legval(NODES, legendre.legint(COEFFICIENTS, lbnd=-1)).T / 2


@checked_jit(tau=check_training_time)
def mode_covariance(denoiser: AbstractDenoiser, tau: TrainingTime) -> Float[Array, "*tau modes modes"]:
    """Uᵀ Σ̃ U: the generated covariance in the data's eigenbasis; (...,) -> (..., d, d)."""
    if not denoiser.mixes_modes:
        return diagonal_matrix(generated_variance(denoiser, tau))
    return covariance_by_propagator(denoiser, propagator(denoiser, tau))


def covariance_by_propagator(denoiser: AbstractDenoiser, carried: Propagator) -> Float[Array, "*tau modes modes"]:
    """The same from the propagator: L Lᵀ of `factor_by_propagator`."""
    factor = factor_by_propagator(denoiser, carried)
    return factor @ jnp.swapaxes(factor, -1, -2)


def factor_by_propagator(denoiser: AbstractDenoiser, carried: Propagator) -> Float[Array, "*tau modes modes"]:
    """L with L Lᵀ = Uᵀ Σ̃ U, from the propagator X: (prior variance)^½ (α_0 + σ_0)/(α_T + σ_T) X."""
    start, end = _ends(denoiser)
    return denoiser.process.prior_variance**0.5 * (sum(end) / sum(start)) * carried.matrix


@checked_jit(tau=check_training_time)
def generated_covariance(denoiser: AbstractDenoiser, tau: TrainingTime) -> Float[Array, "*tau modes modes"]:
    """Covariance Σ̃(τ) of the generated samples in the data's coordinates; (...,) -> (..., d, d)."""
    covariance, basis = mode_covariance(denoiser, tau), denoiser.spectrum.basis
    return covariance if basis is None else basis @ covariance @ basis.T


@checked_jit(tau=check_training_time)
def generated_mean(denoiser: AbstractDenoiser, tau: TrainingTime) -> Modes:
    """Mean μ̃(τ) of the generated samples in the data's coordinates; (...,) -> (..., d).

    Sampling starts from mean zero, so an untrained mode keeps part of -μ: with the bias at its optimum
    u_kᵀ(μ̃ - α_0μ) = -α_T (λ̃_k/prior variance)^½ u_kᵀμ.
    """
    spectrum = denoiser.spectrum
    error = mean_error(denoiser, tau)
    modes = jnp.broadcast_to(spectrum.mode_mean, error.shape) + error
    return modes if spectrum.basis is None else modes @ spectrum.basis.T


@checked_jit(tau=check_training_time)
def mean_error(denoiser: AbstractDenoiser, tau: TrainingTime) -> Modes:
    """u_kᵀ(μ̃ - μ), without the digits that μ would take from a small error; (...,) -> (..., d)."""
    if denoiser.mixes_modes:
        return mean_error_by_propagator(denoiser, propagator(denoiser, tau))
    variance = generated_variance(denoiser, tau)
    (start_alpha, _), (end_alpha, _) = _ends(denoiser)
    kept = -start_alpha * jnp.sqrt(variance / denoiser.process.prior_variance)
    return (end_alpha - 1 + kept) * jnp.broadcast_to(denoiser.spectrum.mode_mean, variance.shape)


def mean_error_by_propagator(denoiser: AbstractDenoiser, carried: Propagator) -> Modes:
    """The same from the propagator, which starts from -α_T μ."""
    mean = denoiser.spectrum.mode_mean
    (start_alpha, start_sigma), (end_alpha, end_sigma) = _ends(denoiser)
    moved = (carried.matrix @ mean) * (-start_alpha / (start_alpha + start_sigma)) + carried.offset
    return (end_alpha - 1) * jnp.broadcast_to(mean, moved.shape) + (end_alpha + end_sigma) * moved


class ModeMoments(NamedTuple):
    """Mean and covariance of generated samples in the data's eigenbasis, u_kᵀμ̃ and Uᵀ Σ̃ U."""

    mean: Modes
    covariance: Float[Array, "*batch modes modes"]


@checked_jit(check_schedule)
def moments_on_schedule(denoiser: AbstractDenoiser, maps: AffineMap, times: Float[Array, " steps"]) -> ModeMoments:
    """Moments of samples when the probability-flow ODE is solved by Heun's method on a finite schedule of times.

    Comparing them with `generated_mean` and `generated_covariance` separates the solver's error from the network's.

    **Arguments:** `maps` in mode coordinates at those times, (steps, ..., d, d) and (steps, ..., d); `times` (steps,)
    from noise to data. **Returns:** (..., d) and (..., d, d). Raises ValueError as `generated_variance_on_schedule`.
    """
    spectrum, process, target = denoiser.spectrum, denoiser.process, denoiser.objective.target
    mean = spectrum.mode_mean
    state, output = process.flow_coefficients(target, times)
    alpha = process.signal_scale(times)
    signal, _ = target.coefficients(alpha, process.noise_scale(times))
    identity = diagonal_matrix(jnp.ones_like(maps.offset))

    def per_step(x: Array, like: Array) -> Array:
        return x.reshape(x.shape + (1,) * (like.ndim - 1))

    # dx/dt = A x + a with the network N(x) = cμ + M (x - αμ) + offset.
    matrices = per_step(state, identity) * identity + per_step(output, identity) * maps.matrix
    centre = per_step(signal, maps.offset) * jnp.broadcast_to(mean, maps.offset.shape)
    vectors = per_step(output, maps.offset) * (
        centre - per_step(alpha, maps.offset) * (maps.matrix @ mean) + maps.offset
    )

    def step(moments: ModeMoments, ends) -> tuple[ModeMoments, None]:
        (first, first_vector), (second, second_vector), size = ends
        heun = identity[0] + size / 2 * (first + second @ (identity[0] + size * first))
        shift = size / 2 * (first_vector + second_vector + size * (second @ first_vector[..., None])[..., 0])
        moved = (heun @ moments.mean[..., None])[..., 0] + shift
        return ModeMoments(moved, heun @ moments.covariance @ jnp.swapaxes(heun, -1, -2)), None

    start = ModeMoments(jnp.zeros_like(vectors[0]), process.prior_variance * identity[0])
    ends = ((matrices[:-1], vectors[:-1]), (matrices[1:], vectors[1:]), jnp.diff(times))
    return jax.lax.scan(step, start, ends)[0]


def _ends(denoiser: AbstractDenoiser) -> tuple[tuple[Scalar, Scalar], tuple[Scalar, Scalar]]:
    """(α, σ) where sampling starts and where it ends."""
    process = denoiser.process
    alpha, sigma = at_both_ends(process, process.signal_scale), at_both_ends(process, process.noise_scale)
    return (alpha[0], sigma[0]), (alpha[1], sigma[1])
