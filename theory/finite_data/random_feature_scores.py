"""Scores that are linear in random features: their Gaussian equivalent, and their losses under gradient flow.

The model of Bonnaire, Urfin, Biroli & Mézard 2025, s_A(x) = (A/√p) f(Wx/√d), fits the score of x = αx_0 + σξ, with W
of p × d standard normal numbers, p = ψ_p d features, n = ψ_n d points x_0 and the average over the noise ξ taken
exactly. All that training sees are two averages over points and noise,

    U = (1/n) Σ_ν E_ξ[f fᵀ]   (p, p),      V = (1/n) Σ_ν E_ξ[f ξᵀ]   (p, d);

Ũ and Ṽ are the same averages over the law of the data. For d, n, p → ∞ together they may be replaced by matrices that
know of the activation f four numbers only.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from theory.definitions.arrays import Scalar, Time, floating, is_traced, jit
from theory.definitions.checks import check_finite, check_training_time, nan_unless, positive
from theory.definitions.spectra import Spectrum
from theory.numerics.special import relaxation_filter

Activation = Callable[[Array], Array]  # of numbers, element by element

_REACH = 9.0  # standard deviations
_NODES = 181


class FeatureCoefficients(NamedTuple):
    """What is left of an activation in high dimension, for x = αx_0 + σξ."""

    alpha: Float[Array, ""]  # e^-t of the paper's process
    sigma: Float[Array, ""]  # √Δ_t
    linear: Float[Array, ""]  # a_t
    noise: Float[Array, ""]  # b_t
    nonlinear: Float[Array, ""]  # v_t²
    remainder: Float[Array, ""]  # s_t²


class FeatureMoments(NamedTuple):
    """U and V, or Ũ and Ṽ."""

    second: Float[Array, "p p"]
    cross: Float[Array, "p d"]


def feature_coefficients(
    spectrum: Spectrum, alpha: Scalar, sigma: Scalar, activation: Activation = jnp.tanh
) -> FeatureCoefficients:
    """a_t, b_t, v_t² and s_t² of an activation f, with Y = ασ_x u + σv, u and v standard normal, σ_x² = Tr Σ/d:

        a_t = E[f(Y)u]/(ασ_x),            b_t = E[f(Y)v] = σa_t,
        v_t² = Var_u(m(u)) - (αa_tσ_x)²,  m(u) = E_v f(Y),
        s_t² = E f(Y)² - E m² - b_t²

    (Bonnaire et al. 2025, Sec. 4 and appendix; E f² there is over Γ_t u, and Γ_t² = α²σ_x² + σ² its variance, not its
    root as the text has it). v_t² is without the mean of f, which gives U one eigenvalue far from the others. Both are
    summed as mean squares of residuals, so that they keep their digits where they are small.

    By the trapezoidal rule, whose error for an f that is analytic in a strip of half-width w is e^{-60w/Γ_t} or so: for
    tanh round-off. Kinks cost 1e-3 of E f². Gauss-Hermite nodes, whose error for tanh falls like e^{-√nodes}, do not
    reach that.

    **Arguments:** `spectrum` of the data, of which the mean variance σ_x² enters; scales α and σ of x; `activation` f,
    of arrays, element by element. **Raises** ValueError for scales that are not positive and finite, for data without
    variance, and where f is not finite; NaN for what is traced.
    """
    return _coefficients(jnp.mean(spectrum.variance), positive("alpha", alpha), positive("sigma", sigma), activation)


def _coefficients(variance: Array, alpha: Scalar, sigma: Scalar, activation: Activation) -> FeatureCoefficients:
    if not is_traced(variance) and not variance > 0:
        raise ValueError("the data must have a variance above zero in some mode; got none")
    alpha, sigma = (jnp.asarray(scale, variance.dtype) for scale in (alpha, sigma))
    signal = alpha * jnp.sqrt(variance)
    nodes = jnp.linspace(-_REACH, _REACH, _NODES, dtype=variance.dtype)
    weights = jnp.exp(-(nodes**2) / 2)
    weights = weights / jnp.sum(weights)
    values = activation(signal * nodes[:, None] + sigma * nodes[None])  # (u, v)
    given = values @ weights  # m(u)
    # By parts E[f v] = σ E f': the sum over both variables has the smaller error.
    linear = weights @ (signal * nodes * given + sigma * (values @ (weights * nodes))) / (signal**2 + sigma**2)
    noise = sigma * linear
    nonlinear = weights @ (given - weights @ given - linear * signal * nodes) ** 2
    remainder = weights @ ((values - given[:, None] - noise * nodes[None]) ** 2 @ weights)
    check_finite(nonlinear + remainder, "the activation must be finite on the real line; got NaN or inf")
    return FeatureCoefficients(alpha, sigma, linear, noise, nonlinear, remainder)


@jit
def equivalent_feature_moments(
    coefficients: FeatureCoefficients,
    weights: Float[Array, "p d"],
    points: Float[Array, "n d"],
    scatter: Float[Array, "p n"],
) -> FeatureMoments:
    """The Gaussian equivalents of U and V, which have their eigenvalues and losses for d, n, p → ∞ together:

        U ≃ GGᵀ/n + b_t² WWᵀ/d + s_t² I,    G = αa_t WXᵀ/√d + v_t Ω,    V ≃ b_t W/√d

    (Bonnaire et al. 2025, Lemma on Gaussian equivalence). For n → ∞ they are Ũ and Ṽ, see `population_feature_moments`.

    **Arguments:** `weights` W, `points` X as rows, and `scatter` Ω, of p × n standard normal numbers.
    **Raises** ValueError for shapes that do not fit.
    """
    if scatter.shape != (len(weights), len(points)) or weights.shape[1] != points.shape[1]:
        raise ValueError(
            f"weights (p, d), points (n, d) and scatter (p, n) must fit; got {weights.shape}, {points.shape} and "
            f"{scatter.shape}"
        )
    dimension = weights.shape[1]
    mapped = weights / jnp.sqrt(dimension)
    seen = coefficients.alpha * coefficients.linear * mapped @ points.T + jnp.sqrt(coefficients.nonlinear) * scatter
    second = seen @ seen.T / len(points) + coefficients.noise**2 * mapped @ mapped.T
    second = second + coefficients.remainder * jnp.eye(len(weights), dtype=second.dtype)
    return FeatureMoments(second, coefficients.noise * mapped)


@jit
def population_feature_moments(
    coefficients: FeatureCoefficients, weights: Float[Array, "p d"], spectrum: Spectrum
) -> FeatureMoments:
    """Ũ ≃ W(α²a_t²Σ + b_t²I)Wᵀ/d + (v_t² + s_t²) I and Ṽ ≃ b_t W/√d, for data of covariance Σ and mean zero.

    **Arguments:** `weights` W. **Raises** ValueError for weights of another dimension than the data.
    """
    if weights.shape[1] != spectrum.dimension:
        raise ValueError(f"weights must have {spectrum.dimension} columns; got shape {weights.shape}")
    mapped = weights / jnp.sqrt(spectrum.dimension)
    in_modes = mapped if spectrum.basis is None else mapped @ spectrum.basis
    learned = (coefficients.alpha * coefficients.linear) ** 2 * spectrum.variance + coefficients.noise**2
    second = (in_modes * learned[None]) @ in_modes.T
    scatter = coefficients.nonlinear + coefficients.remainder
    return FeatureMoments(second + scatter * jnp.eye(len(weights), dtype=second.dtype), coefficients.noise * mapped)


class FeatureLosses(NamedTuple):
    """Losses of denoising score matching per coordinate, E|σs_A(x) + ξ|²/d: 1 for A = 0."""

    train: Time
    test: Time


def feature_losses(moments: FeatureMoments, population: FeatureMoments, sigma: Scalar, tau: ArrayLike) -> FeatureLosses:
    """Losses after the training time τ of gradient flow from A = 0, on the points behind U and V and on fresh ones.

    dA/dτ = -2σ²(d/p) AU - (2dσ/√p) Vᵀ is solved by A/√p = -σ⁻¹ VᵀU⁻¹(1 - e^{-2σ²Uτ/ψ_p}), and

        L_train = 1 + (σ²/d) Tr(AUAᵀ/p) + (2σ/d) Tr(AV/√p),    L_test: the same with Ũ and Ṽ

    (Bonnaire et al. 2025, Sec. 4 and appendix). In the eigenbasis of U; an eigenvalue of zero learns nothing.

    **Arguments:** `moments` U, V and `population` Ũ, Ṽ; σ; training times `tau` (...,), answered in the same shape, in
    the paper's unit, in which k steps of gradient descent of the size η on L are τ = kη/d²; infinity is the end of
    training. **Raises** ValueError for σ that is not positive, negative times, and shapes that do not fit.
    """
    sigma = positive("sigma", sigma)
    check_training_time("tau", tau)
    size = moments.cross.shape
    if any(pair.second.shape != 2 * size[:1] or pair.cross.shape != size for pair in (moments, population)):
        shapes = [part.shape for pair in (moments, population) for part in pair]
        raise ValueError(f"moments must be (p, p) and (p, d), those of the population too; got {shapes}")
    return _losses(moments, population, sigma, floating(tau))


@jit
def _losses(moments: FeatureMoments, population: FeatureMoments, sigma: Scalar, tau: Time) -> FeatureLosses:
    eigenvalues, basis = jnp.linalg.eigh(moments.second)
    features, dimension = moments.cross.shape
    cross, fresh = basis.T @ moments.cross, basis.T @ population.cross
    time = jnp.reshape(2 * sigma**2 * dimension / features * nan_unless(tau >= 0, tau), (-1, 1))
    # What round-off leaves of a zero would learn in the end.
    least = 4 * jnp.finfo(eigenvalues.dtype).eps * eigenvalues[-1]
    eigenvalues = jnp.where(eigenvalues > least, eigenvalues, 0.0)
    learned = relaxation_filter(eigenvalues[None], time)  # of U⁻¹(1 - e^-…)
    learned = jnp.where((eigenvalues > 0)[None] | jnp.isnan(time), learned, 0.0)
    own = jnp.sum(cross**2, axis=1)
    train = learned**2 @ (own * eigenvalues) - 2 * learned @ own
    quadratic = (cross @ cross.T) * (basis.T @ population.second @ basis)
    test = jnp.sum((learned @ quadratic) * learned, axis=1) - 2 * learned @ jnp.sum(cross * fresh, axis=1)
    return FeatureLosses(*(1 + jnp.reshape(loss, tau.shape) / dimension for loss in (train, test)))
