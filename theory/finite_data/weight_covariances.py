"""One linear denoiser over independent training sets: its mean is the spectral law, its covariance the V-kernel.

A `OneLayer` denoiser D = c_skip x + scale·Wx is trained by gradient flow on n Gaussian data with m noises each, for
every noise level apart. In the data's eigenbasis, with inputs x = α x_0 + σ ε, S = α²λ + σ², t = ητ, w the effective
weight, Δ_k = Q_k - ψ*_k, the residual r_k = y_k - ψ*_k x_k of variance ρ_k and the sample means ⟨·⟩,

    W_kl(τ) - E W_kl = A_l ⟨r_k x_l⟩ - Δ_k G_kl ⟨x_k x_l - E x_k x_l⟩ + O(1/n),
    A_l = (1 - e^{-2wS_l t})/S_l,    G_kl = (e^{-2wS_k t} - e^{-2wS_l t})/(S_l - S_k).

The first term is noise of the targets, which Vastola 2025's Prop. 5.2 computes; the second is noise of the design,
which it misses. Fresh pairs (m = 1) are Vastola's ensemble; m = ∞ is that of Wang, Zavatone-Veth & Pehlevan 2026.
Beyond leading order in d/n, averages over the design are deterministic equivalents (`deterministic_equivalent`);
`theory.finite_data.learning_curves` has those of data sets of which every noise is seen.

A bias at its optimum changes nothing at these orders. Networks of different noise levels share a draw or do not: the
formulas are for each level alone.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Float

from theory.definitions.arrays import floating, jit
from theory.definitions.checks import (
    check_coordinates,
    check_count,
    check_double_precision,
    check_finite_count,
    check_training_time,
    checked_jit,
)
from theory.definitions.processes import process_time
from theory.finite_data.deterministic_equivalent import expected_function, variance_of_function
from theory.numerics.special import difference_filter, relaxation_filter
from theory.spectral_law.denoiser import (
    batched,
    check_noise_level,
    effective_weight,
    over_modes,
    regression_at,
    scales_at,
)
from theory.spectral_law.parametrisations.one_layer import OneLayer
from theory.spectral_law.regression import Modes, scaled_time

Elements = Float[Array, "*batch modes modes"]  # indexed [k, l]: output mode, input mode


class DrawVariance(NamedTuple):
    """Var W_kl over training sets and its two parts."""

    targets: Elements  # noise of the targets, at given inputs
    design: Elements  # noise of the inputs' covariance

    @property
    def total(self) -> Elements:
        return self.targets + self.design


class _Responses(NamedTuple):
    """What the first order in the fluctuations of one training set is made of."""

    target_filter: Elements  # A_l, (..., 1, d)
    design_response: Elements  # Δ_k G_kl, (..., d, d)
    input_variance: Modes  # S
    residual_variance: Modes  # ρ
    residual_signal: Modes  # coefficient of x_0 in r
    signal_scale: Modes  # α, (..., 1)


@checked_jit(check_noise_level, tau=check_training_time, draws=check_count)
def weight_variance_over_draws(
    denoiser: OneLayer, tau: ArrayLike, noise_level: ArrayLike, draws: ArrayLike
) -> DrawVariance:
    """Var W_kl(τ) over sets of P = `draws` independent triples (x_0, x, σ), to order 1/P:

        P Var W_kl = ρ_k A_l² S_l + Δ_k² G_kl² S_k S_l (1 + δ_kl).

    For the EDM denoiser ρ_k = σ²λ_k/s_k. The first term alone is Vastola 2025, Prop. 5.2, Eq. 16: the covariance over
    x_0 at fixed inputs. At d/P that is not small see `weight_variance_at_ratio`; at τ = ∞ the exact value is that of
    `weight_variance_of_least_squares`.

    **Arguments:** `tau` and `noise_level` (process time), (...,). **Returns:** (..., d, d) each, of the network's W
    inside the preconditioning, in the data's eigenbasis. Raises ValueError for fewer than one draw.
    """
    responses = _responses(denoiser, tau, noise_level)
    s, rho = responses.input_variance, responses.residual_variance
    targets = rho[..., :, None] * responses.target_filter**2 * s[..., None, :]
    design = responses.design_response**2 * s[..., :, None] * s[..., None, :]
    return DrawVariance(targets / draws, design * _pairs_of(s) / draws)


@checked_jit(check_noise_level, tau=check_training_time, data=check_count, noises=check_count)
def weight_variance_of_shared_data(
    denoiser: OneLayer, tau: ArrayLike, noise_level: ArrayLike, *, data: ArrayLike, noises: ArrayLike
) -> Elements:
    """Var W_kl(τ) over sets of n = `data` points with m = `noises` noises each, to order 1/n:

        n Var W_kl = (1 - 1/m)(1 + δ_kl) λ_k λ_l (α p_k A_l - α² Δ_k G_kl)² + (1/m) P Var W_kl[P triples],

    p_k = σ(cσ - eα)/S_k the coefficient of x_0 in r_k. At τ = ∞ the EDM denoiser has

        n Var W_kl = (1 - 1/m) σ⁴λ_kλ_l(1 + δ_kl)/s_k²s_l² + (1/m) σ²λ_k/s_k s_l.

    m = 1 is `weight_variance_over_draws`; m = ∞ (allowed) is Wang, Zavatone-Veth & Pehlevan 2026, Prop. 4.2, at κ → σ²,
    with the Wick term δ_kl that its factorised form lacks. What the data do to targets and design interferes, what
    fresh noise does to them does not. Arguments otherwise as in the former; (..., d, d). Raises ValueError for fewer
    than one point or noise.
    """
    fresh = weight_variance_over_draws(denoiser, tau, noise_level, data).total
    responses = _responses(denoiser, tau, noise_level)
    alpha = responses.signal_scale[..., None]
    response = alpha * responses.residual_signal[..., :, None] * responses.target_filter
    response = response - alpha**2 * responses.design_response
    lam = jnp.broadcast_to(denoiser.spectrum.variance, responses.input_variance.shape)
    shared = lam[..., :, None] * lam[..., None, :] * _pairs_of(lam) * response**2 / data
    return shared + (fresh - shared) / noises


def weight_variance_of_least_squares(denoiser: OneLayer, noise_level: ArrayLike, draws: ArrayLike) -> Elements:
    """Var W_kl at τ = ∞, exact: ρ_k/[S_l (P - d - 1)], as E(XXᵀ)⁻¹ of Gaussian inputs is S⁻¹/(P - d - 1).

    1/(1 - d/P) times the limit of `weight_variance_over_draws`, to order 1/P. `noise_level` (...,) -> (..., d, d).
    Raises ValueError unless draws > d + 1.
    """
    check_count("draws", draws)
    if not isinstance(draws, Tracer) and not np.all(np.asarray(draws) > denoiser.spectrum.dimension + 1):
        raise ValueError(f"draws of least squares must be more than d + 1; got {draws}")
    process_time("noise_level", noise_level, denoiser.process)
    return _variance_of_least_squares(denoiser, noise_level, draws)


@jit
def _variance_of_least_squares(denoiser: OneLayer, noise_level: ArrayLike, draws: ArrayLike) -> Elements:
    excess = draws - denoiser.spectrum.dimension - 1
    responses = _responses(denoiser, jnp.inf, noise_level)
    return responses.residual_variance[..., :, None] / (responses.input_variance[..., None, :] * excess)


@checked_jit(check_noise_level, tau=check_training_time, draws=check_finite_count)
def weight_mean_over_draws(denoiser: OneLayer, tau: ArrayLike, noise_level: ArrayLike, draws: ArrayLike) -> Modes:
    """E W_kk(τ) over sets of P triples, at any d/P: ψ*_k + (Q_k - ψ*_k) E[e^{-2wtM̂}]_kk, M̂ = (1/P) Σ x xᵀ.

    P → ∞ is the spectral law (Wang & Pehlevan 2025, Eq. 7); slow modes are spread by the others at finite P. At τ = ∞
    with P > d the estimator is unbiased. `tau`, `noise_level` (...,) -> (..., d); E W_kl = 0 for k ≠ l. Raises
    ValueError for fewer than one draw and in single precision.
    """
    check_double_precision("weight_mean_over_draws, by contour integrals,", denoiser.spectrum.variance)

    def mean(tau: Array, level: Array) -> Array:
        regression = regression_at(denoiser, level)
        inputs, rate, margin = _inputs(denoiser, tau, level)
        kept = expected_function(lambda z: jnp.exp(-rate * z), inputs, draws, margin)
        return regression.optimal_gain + (denoiser.initial_gain - regression.optimal_gain) * kept

    return over_batch(mean, tau, noise_level)


@checked_jit(check_noise_level, tau=check_training_time, draws=check_finite_count)
def weight_variance_at_ratio(
    denoiser: OneLayer, tau: ArrayLike, noise_level: ArrayLike, draws: ArrayLike
) -> DrawVariance:
    """The variance of `weight_variance_over_draws` at any d/P, with M̂ = (1/P) Σ x xᵀ:

        Var W_kl = (ρ_k/P) E[M̂⁻¹(1 - e^{-2wtM̂})²]_ll + Δ_k² Var[e^{-2wtM̂}]_kl.

    At τ = ∞ and P > d it is ρ_k/[P S_l (1 - d/P)]. Shapes as there; raises as it does, and in single precision.
    """
    check_double_precision("weight_variance_at_ratio, by contour integrals,", denoiser.spectrum.variance)

    def variance(tau: Array, level: Array) -> DrawVariance:
        regression = regression_at(denoiser, level)
        inputs, rate, margin = _inputs(denoiser, tau, level)
        learned = expected_function(lambda z: jnp.expm1(-rate * z) ** 2 / z, inputs, draws, margin)
        kept = variance_of_function(lambda z: jnp.exp(-rate * z), inputs, draws, margin)
        rho = regression.minimum_loss / effective_weight(denoiser, level)
        gap = denoiser.initial_gain - regression.optimal_gain
        return DrawVariance(rho[:, None] * learned[None] / draws, gap[:, None] ** 2 * kept)

    return over_batch(variance, tau, noise_level)


class OneLayerVKernel(eqx.Module):
    """Covariance over training sets of the score that a denoiser learned, at one time of its training.

    With a = u_kᵀ(x - αμ) and a' in mode coordinates,

        Cov[ŝ_k(x), ŝ_k'(x')] = f² (δ_kk' Σ_l Var W_kl a_l a'_l + (1 - δ_kk') a_k' a'_k Cov[W_kk', W_k'k]),

    f the factor from network to score. Vastola 2025's V(z; z') is D(t)² times this, for z and z' of one noise level;
    levels with draws of their own have no covariance with each other. Positive semi-definite on any set of points.
    Build one with `one_layer_v_kernel`.
    """

    denoiser: OneLayer
    variance: Float[Array, "modes modes"]  # Var W_kl
    transposed: Float[Array, "modes modes"]  # Cov[W_kl, W_lk], zero for k = l
    factor: Float[Array, ""]  # f
    signal_scale: Float[Array, ""]  # α

    @jit
    def __call__(self, x: Float[Array, "*batch dim"], x_prime: Float[Array, "*batch dim"]) -> Elements:
        """Cov[ŝ(x), ŝ(x')] in the data's coordinates, (..., d) and (..., d) -> (..., d, d).

        Raises ValueError for another number of coordinates.
        """
        spectrum = self.denoiser.spectrum
        for each in (x, x_prime):
            check_coordinates(each, spectrum.dimension)
        centre = self.signal_scale * spectrum.mean
        shape = jnp.broadcast_shapes(jnp.shape(x), jnp.shape(x_prime))
        a, b = (jnp.broadcast_to(each, shape) - jnp.broadcast_to(centre, shape) for each in (x, x_prime))
        if spectrum.basis is not None:
            a, b = a @ spectrum.basis, b @ spectrum.basis
        same = (a * b) @ self.variance.T
        diagonal = same[..., None] * jnp.broadcast_to(jnp.eye(shape[-1], dtype=same.dtype), (*shape, shape[-1]))
        covariance = diagonal + b[..., :, None] * a[..., None, :] * jnp.broadcast_to(self.transposed, diagonal.shape)
        covariance = self.factor**2 * covariance
        return covariance if spectrum.basis is None else spectrum.basis @ covariance @ spectrum.basis.T


@checked_jit(check_noise_level, tau=check_training_time, draws=check_count)
def one_layer_v_kernel(denoiser: OneLayer, tau: ArrayLike, noise_level: ArrayLike, draws: ArrayLike) -> OneLayerVKernel:
    """The V-kernel resolved in training time, to order 1/P; `tau` and `noise_level` are single numbers.

    Cov[W_kl, W_lk] = Δ_kΔ_l G_kl² S_k S_l/P for k ≠ l, by the symmetry of the design's covariance; elements that share
    neither both indices nor both transposed have no covariance. The score of a network with target y = c x_0 + e ε is
    ŝ = [α (σŷ - e x)/(cσ - eα) - x]/σ², hence f = α/σ(cσ - eα) times the scale of its preconditioning.
    Raises ValueError for fewer than one draw, and for several training times or noise levels.
    """
    if jnp.ndim(tau) or jnp.ndim(noise_level):
        raise ValueError(
            f"tau and noise_level must be one number each; got shapes {jnp.shape(tau)} and {jnp.shape(noise_level)}"
        )
    level, process = floating(noise_level), denoiser.process
    alpha, sigma = process.signal_scale(level), process.noise_scale(level)
    determinant = denoiser.objective.target.determinant(alpha, sigma)
    responses = _responses(denoiser, tau, level)
    s = responses.input_variance
    off_diagonal = 1 - jnp.eye(s.size, dtype=s.dtype)
    transposed = responses.design_response * responses.design_response.T * s[:, None] * s[None] * off_diagonal / draws
    factor = scales_at(denoiser, level).linear * alpha / (sigma * determinant)
    variance = weight_variance_over_draws(denoiser, tau, level, draws).total
    return OneLayerVKernel(denoiser, variance, transposed, factor, alpha)


def _responses(denoiser: OneLayer, tau: ArrayLike, noise_level: ArrayLike) -> _Responses:
    tau, level = batched(tau, noise_level)
    regression, weight = regression_at(denoiser, level[..., 0]), effective_weight(denoiser, level)
    time = scaled_time(tau, denoiser.learning_rate)
    (initial,) = over_modes(tau, denoiser.initial_gain)
    curvature, rate = regression.curvature, 2 * weight
    # Both filters of theory.numerics.special are per unit of curvature 2wS instead of S.
    difference = difference_filter(curvature[..., :, None], curvature[..., None, :], time[..., None])
    alpha, sigma = denoiser.process.signal_scale(level), denoiser.process.noise_scale(level)
    determinant, scale = denoiser.objective.target.determinant(alpha, sigma), scales_at(denoiser, level).linear
    input_variance = curvature / rate
    return _Responses(
        (rate * relaxation_filter(curvature, time))[..., None, :],
        (initial - regression.optimal_gain)[..., :, None] * rate[..., None] * difference,
        input_variance,
        regression.minimum_loss / weight,
        sigma * determinant / (scale * input_variance),
        alpha,
    )


def _pairs_of(modes: Modes) -> Elements:
    """1 + δ_kl: the two ways in which a Gaussian pair with itself is contracted."""
    size = modes.shape[-1]
    return jnp.broadcast_to(1 + jnp.eye(size, dtype=modes.dtype), (*modes.shape, size))


def _inputs(denoiser: OneLayer, tau: Array, level: Array) -> tuple[Modes, Array, Array]:
    """Variances S of the inputs, the rate 2wt of e^{-2wtM̂}, and how far left of zero that stays of order one."""
    rate = 2 * effective_weight(denoiser, level)
    inputs = regression_at(denoiser, level).curvature / rate
    rate = rate * scaled_time(tau, denoiser.learning_rate)
    top = jnp.max(inputs)
    # Beyond ten decades of the spectrum nothing is left to learn but the exact zeros of P < d, which stay as they were.
    rate = jnp.minimum(rate, 1e10 / top)
    return inputs, rate, 1 / jnp.maximum(rate, 1 / top)


def over_batch(function: Callable[[Array, Array], Any], tau: ArrayLike, noise_level: ArrayLike) -> Any:
    """The function of one τ and one noise level at each of their broadcast values, one after the other."""
    tau, level = jnp.broadcast_arrays(floating(tau), floating(noise_level))
    flat = jax.lax.map(lambda pair: function(*pair), (tau.ravel(), level.ravel()))
    return jax.tree.map(lambda leaf: leaf.reshape(*tau.shape, *leaf.shape[1:]), flat)
