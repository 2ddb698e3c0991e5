"""Exact noise of the gradients that learn one mean: by likelihood, denoising, a latent, two estimators, and a game.

Data are N(m, s²I) in d dimensions and δ is the error of the model's mean. All numbers are of a single sample (a batch
of B has 1/B of the variance). What an optimiser sees is the ratio |E g|²/tr Cov g, here the signal: factors that
multiply every gradient alike, such as loss weights, drop out of it. The formulas are this project's.
"""

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from theory.definitions.arrays import Scalar, floating, is_traced
from theory.definitions.checks import check_not_negative, nan_unless, positive, whole_arguments

Numbers = Float[Array, "..."]


@whole_arguments("dimension")
def likelihood_signal(squared_error: ArrayLike, variance: Scalar, dimension: int) -> Numbers:
    """|δ|²/(d s²), of the gradient of -ln N(x; m + δ, s²I).

    **Arguments:** `squared_error`, |δ|² (...,); `variance`, s²; `dimension`, d. **Raises** ValueError for a negative
    error, a variance that is not positive, and unless d is 1, 2, ….
    """
    return _not_negative("squared_error", squared_error) / (dimension * positive("variance", variance))


@whole_arguments("dimension")
def denoising_signal(squared_error: ArrayLike, variance: Scalar, dimension: int, level: ArrayLike) -> Numbers:
    """κ |δ|²/(d s²) with κ = σ²/(s² + σ²), of the gradient of ½w|s_μ(x) - u|² at one noise level σ.

    With T = s² + σ² the gradient is (w/T)(δ/T - (x_0 - m)/T + εs²/(σT)): mean wδ/T², variance w²ds²/(σ²T³). So no noise
    level has more signal than likelihood, and all of it is reached for much noise only.

    **Arguments:** as `likelihood_signal`, and `level`, σ (...,). **Raises** ValueError as it does, and for a negative
    level.
    """
    return _noise_share(level, variance) * likelihood_signal(squared_error, variance, dimension)


@whole_arguments("dimension")
def denoising_variance(
    variance: Scalar, dimension: int, level: ArrayLike, weight: ArrayLike = 1.0
) -> Float[Array, "..."]:
    """tr Cov g = w² d s² κ³, κ = σ²/(s² + σ²), of the gradient of ½w|D_μ(x) - x_0|² at one noise level σ.

    The weight `weight`, w (...,), decides how it changes with the level; `denoising_signal` does not know w. **Raises**
    ValueError as `denoising_signal`.
    """
    return floating(weight) ** 2 * dimension * variance * _noise_share(level, variance) ** 3


@whole_arguments("dimension")
def latent_signal(squared_error: ArrayLike, variance: Scalar, dimension: int, latent_variance: Scalar) -> Numbers:
    """(τ²/s²) |δ|²/(d s²), of the ELBO with the exact posterior, by a sampled latent.

    z ~ N(μ, τ²I), x ~ N(z, (s² - τ²)I); the gradient for μ is -(z - μ)/τ² with z from the posterior at the present μ:
    mean δ/s², variance d/τ².

    **Raises** ValueError as `likelihood_signal`, and unless 0 < τ² ≤ s²; NaN where that is traced.
    """
    share = floating(positive("latent_variance", latent_variance)) / positive("variance", variance)
    if not is_traced(share) and not share <= 1:
        raise ValueError(f"the latent variance must be at most {variance}; got {latent_variance}")
    return nan_unless(share <= 1, share) * likelihood_signal(squared_error, variance, dimension)


@whole_arguments("dimension")
def pathwise_variance(variance: Scalar, dimension: int) -> Numbers:
    """tr Cov g = dσ², of ∇_μ ½|z - a|² by reparametrisation z = μ + σε; `variance` is σ².

    **Raises** ValueError for a variance that is not positive, and unless d is 1, 2, ….
    """
    return floating(dimension * positive("variance", variance))


@whole_arguments("dimension")
def score_function_variance(
    squared_distance: ArrayLike, variance: Scalar, dimension: int, baseline: ArrayLike = 0.0
) -> Numbers:
    """tr Cov g of (f - b) ∇_μ ln N(z; μ, σ²I), f = ½|z - a|², which has the mean of the pathwise gradient.

    With A = |μ - a|²: (1/4σ²)[dA² + 4σ²A(d+2) + σ⁴d(d+2)(d+4) + 2Aσ²d(d+2)] - b[Ad + σ²d(d+2)]/σ² + b²d/σ² - A.
    The best baseline is b = ½(A + σ²(d+2)), close to E f = ½(A + σ²d).

    **Arguments:** `squared_distance`, A (...,); `variance`, σ²; `dimension`, d; `baseline`, b (...,). **Raises**
    ValueError for a negative A, a variance that is not positive, and unless d is 1, 2, ….
    """
    d, spread = dimension, positive("variance", variance)
    away, offset = _not_negative("squared_distance", squared_distance), floating(baseline)
    second = d * away**2 + 4 * spread * away * (d + 2) + spread**2 * d * (d + 2) * (d + 4)
    second = (second + 2 * away * spread * d * (d + 2)) / (4 * spread)
    crossed = offset * d * (away + spread * (d + 2)) / spread
    return second - crossed + offset**2 * d / spread - away


@whole_arguments("dimension", "batch_size")
def bilinear_game_distance(
    squared_distance: ArrayLike,
    variance: Scalar,
    dimension: int,
    *,
    steps: ArrayLike,
    rate: ArrayLike,
    batch_size: int,
) -> Numbers:
    """E r_k² = (1 + η²)^k r_0² + (2s²d/B)((1 + η²)^k - 1), r² = |θ - m|² + |ψ|², of a game of two linear players.

    A generator of mean θ and a critic ψ·x, by simultaneous gradient steps on ψ·(x̄ - x̄'), means over B data and B
    generated points of variance s². It moves away also without noise, where a regression contracts.

    **Arguments:** `squared_distance`, r_0² (...,); `steps`, k; `rate`, η; `batch_size`, B. **Raises** ValueError for
    negative distances, rates and steps, a variance that is not positive, and unless d and B are 1, 2, ….
    """
    start, count = _not_negative("squared_distance", squared_distance), _not_negative("steps", steps)
    grown = jnp.expm1(count * jnp.log1p(_not_negative("rate", rate) ** 2))
    noise = 2 * positive("variance", variance) * dimension / batch_size
    return start + grown * (start + noise)


def _not_negative(name: str, value: ArrayLike) -> Array:
    """The numbers themselves; NaN where a traced one is negative."""
    check_not_negative(name, value)
    found = floating(value)
    return nan_unless(found >= 0, found)


def _noise_share(level: ArrayLike, variance: Scalar) -> Array:
    """κ = σ²/(s² + σ²), also where σ² or the square of what it is divided by has no number."""
    squared, spread = _not_negative("level", level) ** 2, positive("variance", variance)
    little = squared <= spread
    return jnp.where(
        little, squared / (spread + jnp.where(little, squared, 0.0)), 1 / (1 + spread / jnp.where(little, 1.0, squared))
    )
