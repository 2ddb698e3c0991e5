"""What a function of the sample covariance of n Gaussian vectors is on average, and how much it fluctuates.

For Σ̂ = (1/n) Σ_i x_i x_iᵀ with x_i ~ N(0, Σ), resolvents have the deterministic equivalent

    Σ̂(Σ̂ + l)⁻¹ ≍ Σ(Σ + κ)⁻¹,    κ - l = (κ/n) Tr[Σ(Σ + κ)⁻¹]

at any ratio d/n, and analytic functions follow by Cauchy's integral. All is diagonal in the eigenbasis of Σ.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Complex, Float, Inexact

from theory.definitions.arrays import floating
from theory.definitions.checks import check_finite, check_not_negative, nan_unless, whole_arguments

# z (nodes,) complex -> f(z), analytic around the spectrum and real on the real axis.
AnalyticFunction = Callable[[Array], Array]

_ITERATIONS = 200
_NEWTON_STEPS = 12
_NODES = 256
_PAIR_NODES = 160  # where the contour is gone round twice
_HALF_HEIGHT = np.pi / 4  # of the contour in the logarithm; at π/2 it would reach points where e^-cz is not bounded


def effective_ridge(
    eigenvalues: Float[ArrayLike, " d"], samples: ArrayLike, ridge: Inexact[ArrayLike, "*batch"]
) -> Inexact[Array, "*batch"]:
    """κ with κ - l = (κ/n) Tr[Σ(Σ + κ)⁻¹]: the ridge l as the population covariance sees it.

    For l ≥ 0 the difference of both sides is convex in κ and negative at 0: Newton's method from above approaches the
    only positive root without overshooting it. For a complex l = -z off the negative axis, the solution in the
    half-plane of l, which is one over the Stieltjes transform of the spectrum of the Gram matrix. The right side maps
    that half-plane into itself, so that iterating it converges from anywhere; Newton's steps finish.
    First derivatives are carried by the last step.

    **Arguments:** `eigenvalues` of Σ, (d,), positive or zero; `samples` n; `ridge` l, (...,). **Returns:** (...,).
    Raises ValueError for eigenvalues that are not a vector or negative, unless 0 < n < ∞, and for a real ridge below
    zero, infinite or NaN; where that is traced, κ is NaN.
    """
    eigenvalues = _checked(eigenvalues, samples)
    if jnp.iscomplexobj(ridge):
        ridge = jnp.asarray(ridge)
    else:
        check_not_negative("ridge", ridge)
        # Below zero Newton's method would go on for ever.
        ridge = floating(ridge)
        check_finite(ridge, f"ridge must be finite; got {ridge}")
        ridge = nan_unless((ridge >= 0) & jnp.isfinite(ridge), ridge)
    return _solve(eigenvalues, jnp.asarray(samples), ridge)


@jax.jit
def _solve(eigenvalues: Array, samples: Array, ridge: Array) -> Array:
    column = eigenvalues.reshape((1,) * ridge.ndim + eigenvalues.shape)
    fixed = jax.lax.stop_gradient((column, samples, ridge))
    start = fixed[2] + jnp.sum(fixed[0]) / fixed[1]
    kappa = _iterated(start, *fixed) if jnp.iscomplexobj(ridge) else _descended(start, *fixed)
    return _newton(jax.lax.stop_gradient(kappa), column, samples, ridge)


def _newton(kappa: Array, column: Array, samples: Array, ridge: Array) -> Array:
    """Newton's step, written without its cancellation: [l + (κ²/n) Σ_k λ_k/(λ_k + κ)²]/(1 - df₂/n)."""
    shifted = column + kappa[..., None]
    if not jnp.iscomplexobj(kappa):  # κ and eigenvalues may vanish together: its square has to stay a normal number
        shifted = jnp.maximum(shifted, jnp.sqrt(jnp.finfo(kappa.dtype).tiny) * 4)
    share = column / shifted
    inflow = kappa**2 * jnp.sum(share / shifted, axis=-1) / samples
    # 1 - df₂/n, mode by mode: 1 - share² would lose all of its digits where the share is close to one, and share² those
    # of n where all of n are close to one, so that the latter are counted.
    learned = column > jnp.abs(kappa)[..., None]
    left = jnp.where(learned, kappa[..., None] / shifted * (1 + share), -(share**2))
    slack = ((samples - jnp.sum(learned, axis=-1)) + jnp.sum(left, axis=-1)) / samples
    vanishes = slack == 0  # at κ = 0 of as many samples as modes: without ridge the solution is zero
    return jnp.where(vanishes, ridge, (ridge + inflow) / jnp.where(vanishes, 1.0, slack))


def _descended(start: Array, *equation: Array) -> Array:
    """Newton's method from above, until no κ falls any more."""

    def falls(state: tuple[Array, Array]) -> Array:
        return jnp.any(state[1] < state[0] * (1 - 4 * jnp.finfo(start.dtype).eps))

    def better(state: tuple[Array, Array]) -> tuple[Array, Array]:
        return state[1], jnp.minimum(state[1], _newton(state[1], *equation))

    return jax.lax.while_loop(falls, better, (start, _newton(start, *equation)))[1]


def _iterated(start: Array, column: Array, samples: Array, ridge: Array) -> Array:
    def seen(kappa: Array) -> Array:
        return ridge + jnp.sum(column * kappa[..., None] / (column + kappa[..., None]), axis=-1) / samples

    kappa = jax.lax.fori_loop(0, _ITERATIONS, lambda _, kappa: seen(kappa), start)
    return jax.lax.fori_loop(0, _NEWTON_STEPS, lambda _, kappa: _newton(kappa, column, samples, ridge), kappa)


def degrees_of_freedom(
    eigenvalues: Float[ArrayLike, " d"], kappa: Inexact[ArrayLike, "*batch"], other: Inexact[ArrayLike, "*batch"]
) -> Inexact[Array, "*batch"]:
    """df₂(κ, κ') = Tr[Σ²(Σ + κ)⁻¹(Σ + κ')⁻¹]; κ' = 0 gives df₁ = Tr[Σ(Σ + κ)⁻¹] of positive eigenvalues."""
    kappa, other = jnp.broadcast_arrays(jnp.asarray(kappa), jnp.asarray(other))
    column = floating(eigenvalues).reshape((1,) * kappa.ndim + (-1,))
    return jnp.sum(column**2 / ((column + kappa[..., None]) * (column + other[..., None])), axis=-1)


class Contour(NamedTuple):
    """Upper half of a closed path around the spectrum of Σ̂ and zero; the lower half is its mirror image."""

    points: Complex[Array, " nodes"]  # z
    weights: Complex[Array, " nodes"]  # dz/2πi, so that f(a) is twice the real part of Σ f(z)/(z - a)·weight


@whole_arguments("nodes")
def spectral_contour(
    eigenvalues: Float[Array, " d"], samples: ArrayLike, margin: ArrayLike, nodes: int = _NODES
) -> Contour:
    """An ellipse in w = ln(z + margin) around z = 0 … λ_max(1 + √(d/n))², the largest the spectrum can reach.

    The integrand has to be analytic and of moderate size where Re z > -margin. In the logarithm the path keeps clear
    of z = -margin and of the spectrum alike, however small the margin: the trapezoidal rule then converges like
    exp(-π·nodes/(w_max - w_min)): to 1e-12 for a spectrum that spans twelve decades above the margin.
    """
    top = jnp.max(eigenvalues) * (1 + jnp.sqrt(eigenvalues.size / samples)) ** 2
    length = jnp.log1p(top / margin)
    half_length = jnp.sqrt((length / 2) ** 2 + _HALF_HEIGHT**2)  # foci at the two ends
    angle = jnp.pi * (jnp.arange(nodes, dtype=length.dtype) + 0.5) / nodes
    log_shifted = jax.lax.complex(length / 2 + half_length * jnp.cos(angle), _HALF_HEIGHT * jnp.sin(angle))
    slope = jax.lax.complex(-half_length * jnp.sin(angle), _HALF_HEIGHT * jnp.cos(angle))
    margin = jnp.asarray(margin, length.dtype)
    points = margin * jnp.expm1(log_shifted)
    # Half of 2π/2πi over the nodes of half a turn.
    return Contour(points, -0.5j / nodes * margin * jnp.exp(log_shifted) * slope)


def expected_function(
    function: AnalyticFunction, eigenvalues: Float[ArrayLike, " d"], samples: ArrayLike, margin: ArrayLike
) -> Float[Array, " d"]:
    """u_kᵀ E[f(Σ̂)] u_k ≍ (1/2πi) ∮ f(z) (κ(-z)/z) (λ_k + κ(-z))⁻¹ dz, at any d/n, up to relative order 1/n.

    For polynomials the order left out is explicit: E Σ̂² = Σ² + Σ Tr Σ/n + Σ²/n, without the last term here.
    Off-diagonal elements vanish. Zero is a point of the spectrum for n < d, so f has to be analytic there.

    **Arguments:** `function` f; `eigenvalues` of Σ, (d,); `samples` n; `margin`, how far to the left of zero f stays
    analytic and of moderate size. **Returns:** (d,). Raises ValueError as `effective_ridge`.
    """
    eigenvalues = _checked(eigenvalues, samples)
    points, weights = spectral_contour(eigenvalues, samples, margin)
    kappa = effective_ridge(eigenvalues, samples, -points)
    resolvent = (kappa / points)[:, None] / (eigenvalues[None] + kappa[:, None])
    return 2 * jnp.real((function(points) * weights) @ resolvent)


def variance_of_function(
    function: AnalyticFunction, eigenvalues: Float[ArrayLike, " d"], samples: ArrayLike, margin: ArrayLike
) -> Float[Array, "d d"]:
    """Var[u_kᵀ f(Σ̂) u_l] ≍ (1/2πi)² ∮∮ g(z) g(z') Cov[...] dz dz', g = [f(z) - f(0)]/z, at any d/n.

    The covariance of two resolvents, with κ = κ(-z) and κ' = κ(-z'), is

        Cov[{Σ̂(Σ̂ - z)⁻¹}_kl, {Σ̂(Σ̂ - z')⁻¹}_kl] ≍ (1 + δ_kl) κκ'/(n - df₂(κ, κ')) ·
                                                     λ_k λ_l/[(λ_k + κ)(λ_k + κ')(λ_l + κ)(λ_l + κ')]

    (Wang, Zavatone-Veth & Pehlevan 2026, Prop. 5.2, arXiv 2602.02908; its factorised form lacks the Wick term δ_kl).
    n - df₂(κ, κ') = n(z - z')/(κ' - κ) is zero nowhere on one contour. Relative error
    of the quadrature: 1e-12 for a spectrum of seven decades above the margin, 1e-8 for eleven. Arguments as in
    `expected_function`; (d, d).
    """
    eigenvalues = _checked(eigenvalues, samples)
    points, weights = spectral_contour(eigenvalues, samples, margin, _PAIR_NODES)
    kappa = effective_ridge(eigenvalues, samples, -points)
    slope = (function(points) - function(jnp.zeros_like(points[:1]))) / points
    density = slope * weights * kappa
    shrinkage = jnp.sqrt(eigenvalues)[None] / (eigenvalues[None] + kappa[:, None])
    total = jnp.zeros((eigenvalues.size,) * 2, eigenvalues.dtype)
    # Pairs on the same half of the contour, and pairs of a point with a mirrored one; the other two are conjugates.
    for other_density, other_kappa, other_shrinkage in (
        (density, kappa, shrinkage),
        (density.conj(), kappa.conj(), shrinkage.conj()),
    ):
        shared = degrees_of_freedom(eigenvalues, kappa[:, None], other_kappa[None])
        pair = density[:, None] * other_density[None] / (samples - shared)
        for_mode = (shrinkage[:, None] * other_shrinkage[None]).reshape(-1, eigenvalues.size)
        total = total + 2 * jnp.real((for_mode * pair.reshape(-1, 1)).T @ for_mode)
    return total * (1 + jnp.eye(eigenvalues.size, dtype=total.dtype))


def _checked(eigenvalues: ArrayLike, samples: ArrayLike) -> Float[Array, " d"]:
    """Eigenvalues as a vector. Raises ValueError where the docstrings above say so."""
    eigenvalues = floating(eigenvalues)
    if eigenvalues.ndim != 1:
        raise ValueError(f"eigenvalues must be a vector (d,); got shape {eigenvalues.shape}")
    if not isinstance(eigenvalues, Tracer) and not np.all(np.isfinite(eigenvalues) & (np.asarray(eigenvalues) >= 0)):
        raise ValueError(f"eigenvalues must be finite and not negative; got {eigenvalues}")
    if not isinstance(samples, Tracer):
        known = np.asarray(samples)
        if known.dtype.kind not in "iuf" or not np.all((known > 0) & (known < np.inf)):
            raise ValueError(f"the number of samples must be positive and finite; got {samples}")
    return eigenvalues
