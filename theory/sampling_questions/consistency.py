"""Consistency: how alike two models are that saw different data, when they sample from the same noise.

A linear denoiser that is trained on n points with all noise averaged is a function of their covariance Σ̂, and so is the
map x_0 = A x_T of its probability-flow ODE at every training time τ,

    A = f(Σ̂),  f(z) = √[λ̃(τ; z)/s²],  s² the variance of x_T;   τ = ∞, EDM: f = √[(z + σ_0²)/(z + σ_T²)].

Over data sets E A and Var A_kl are deterministic equivalents (`theory.finite_data`), at any ratio d/n. Elements of A in
different places are uncorrelated unless transposed. Two models of their own data, with one x_T ~ N(0, s²I), are

    E|x_0 - x_0'|² = 2 s² Σ_kl Var A_kl,    E x_0·x_0'/E|x_0|² = Σ_k (E A_kk)²/[Σ_k (E A_kk)² + Σ_kl Var A_kl]

apart and alike; the second is 1 for the same samples and 0 for unrelated ones. In Wang, Zavatone-Veth & Pehlevan 2026
(arXiv 2602.02908), Props. 4.1 and 4.2 are of the denoiser at the end of training, which at any τ are
`expected_gain_over_data` and `gain_variance_over_data`; Props. 5.1 and 5.2 are `square_root_over_data` at σ_0 = 0.
Their variances factorise into direction and position, and lack a Wick term that doubles those along one mode.

For `OneLayer` on any process, target, weight and preconditioning, with one initial gain for all modes. Gains of other
parametrisations are no functions of Σ̂ that can be continued around its spectrum in closed form, or mix modes. The mean
of the data is known. Corrections are of relative order 1/n; the data are Gaussian, but see `with_fourth_moments`.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from theory.definitions.arrays import floating, is_traced
from theory.definitions.checks import check_not_negative, check_one_number, nan_unless
from theory.finite_data.deterministic_equivalent import effective_ridge, expected_function, variance_of_function
from theory.finite_data.learning_curves import log_growth_of, of_sample_covariance, smallest_margin
from theory.finite_data.weight_covariances import Elements
from theory.spectral_law.parametrisations.one_layer import OneLayer
from theory.spectral_law.regression import Modes

_NODES = 320


class OverData(NamedTuple):
    """Mean and variance over data sets of a symmetric matrix, in the population's eigenbasis."""

    mean: Modes  # of the diagonal elements; that of others is zero
    variance: Elements  # [k, l]: of u_kᵀ A u_l

    @property
    def agreement(self) -> Float[Array, "*batch"]:
        """E x·x'/E|x|² of the images of common isotropic noise under matrices of two data sets."""
        kept = jnp.sum(self.mean**2, axis=-1)
        return kept / (kept + jnp.sum(self.variance, axis=(-2, -1)))

    def squared_distance(self, prior_variance: ArrayLike) -> Float[Array, "*batch"]:
        """E|x - x'|² of the same images, for noise of this variance in every direction."""
        return 2 * jnp.sum(self.variance, axis=(-2, -1)) * jnp.asarray(prior_variance)


@of_sample_covariance
def sampling_map_over_data(denoiser: OneLayer, tau: ArrayLike, data: ArrayLike) -> OverData:
    """The map from x_T to x_0 of networks frozen at `tau` that were trained on n = `data` points each.

    `tau` (...,), infinity for the end of training -> mean (..., d) and variance (..., d, d), right to 1e-10 of the
    equivalent. **Raises** ValueError as `expected_gain_over_data`.
    """

    def of_time(tau: Array) -> OverData:
        untrained = jnp.sqrt(denoiser.generated_variance(jnp.zeros_like(tau))[0] / denoiser.process.prior_variance)

        def transport(z: Array) -> Array:
            return untrained * jnp.exp(log_growth_of(denoiser, tau, z))

        where = denoiser.spectrum.variance, data, smallest_margin(denoiser, tau)
        return OverData(expected_function(transport, *where), variance_of_function(transport, *where))

    tau = floating(tau).astype(denoiser.spectrum.variance.dtype)
    flat = jax.lax.map(of_time, tau.ravel())
    return jax.tree.map(lambda leaf: leaf.reshape(*tau.shape, *leaf.shape[1:]), flat)


def square_root_over_data(
    eigenvalues: Float[ArrayLike, " d"], data: ArrayLike, noise_level: ArrayLike = 0.0
) -> OverData:
    """√(Σ̂ + σ_0²), what perfectly trained linear denoisers make of x_T/σ_T for σ_T → ∞, at any d/n, also for σ_0 = 0:

        E = (2/π) ∫_0^∞ [σ_0² + u² λ_k/(λ_k + κ)]/l du,    l = σ_0² + u²,  κ = κ(l) the effective ridge,
        Var = (1 + δ_kl) (4/π²) ∬ (u²u'²/l l') κκ'/(n - df₂(κ, κ')) g_kg_l du du',  g = λ/[(λ + κ)(λ + κ')]

    (Wang, Zavatone-Veth & Pehlevan 2026, Props. 5.1 and 5.2, for σ_0 = 0 and without δ_kl). The integrals are over the
    real axis, and need no contour around zero, of which √z is a branch point: for n < d it is an eigenvalue of Σ̂. In ln
    u, where the trapezoidal rule converges like e^(-π²/step). Right to 1e-12 of the equivalent (single: 1e-4).

    **Arguments:** `eigenvalues` of Σ, (d,); `data` n; `noise_level` σ_0. **Returns:** (d,) and (d, d). **Raises**
    ValueError for eigenvalues that are not a vector, all zero or negative, unless 0 < n < ∞, and below σ_0 = 0.
    """
    check_one_number("noise_level", noise_level)
    check_not_negative("noise_level", noise_level)
    eigenvalues = floating(eigenvalues)
    if not is_traced(eigenvalues) and not np.any(np.asarray(eigenvalues) > 0):
        raise ValueError(f"some eigenvalue must be positive; got {eigenvalues}")
    level = jnp.asarray(noise_level, eigenvalues.dtype)
    floor = nan_unless(level >= 0, level) ** 2
    positive = jnp.where(eigenvalues > 0, eigenvalues, jnp.inf)
    ends = jnp.log(jnp.stack([floor + jnp.min(positive), floor + jnp.max(eigenvalues)])) / 2
    beyond = -np.log(np.finfo(eigenvalues.dtype).eps)  # in ln u; past it e^-beyond of the integral is left
    places = jnp.linspace(ends[0] - beyond, ends[1] + beyond, _NODES, dtype=eigenvalues.dtype)
    u = jnp.exp(places)
    weight, ridge = 2 / jnp.pi * (places[1] - places[0]) * u, floor + u**2
    kappa = effective_ridge(eigenvalues, data, ridge)
    return _on_real_axis(eigenvalues, data, weight, (floor / ridge, u**2 / ridge), kappa)


@jax.jit
def _on_real_axis(
    eigenvalues: Array, data: Array, weight: Array, shares: tuple[Array, Array], kappa: Array
) -> OverData:
    learned = eigenvalues[None] / (eigenvalues[None] + kappa[:, None])
    floor, slope = shares
    mean = weight @ (floor[:, None] + slope[:, None] * learned)
    # √(λκ)/(λ + κ), at most one half: products of four of them neither overflow nor vanish early.
    share = jnp.sqrt(learned * (1 - learned))
    pair = (weight * slope)[:, None] * (weight * slope)[None] / (data - learned @ learned.T)

    def add(total: Array, node: tuple[Array, Array]) -> tuple[Array, None]:
        own, row = node
        return total + own[:, None] * own[None] * ((share.T * row[None]) @ share), None

    total, _ = jax.lax.scan(add, jnp.zeros((eigenvalues.size,) * 2, eigenvalues.dtype), (share, pair))
    return OverData(mean, total * (1 + jnp.eye(eigenvalues.size, dtype=total.dtype)))


def variance_along(variance: Elements, direction: Modes, position: Modes) -> Float[Array, "*batch"]:
    """Var[vᵀ A x] = Σ_kl V_kl v_k²x_l² + Σ_{k≠l} V_kl v_k x_k v_l x_l, of a symmetric A with Var A_kl = V_kl over data.

    With V_kl = (1 + δ_kl) g_kg_l (Prop. 4.2) this is ◇(v)◇(x) + (Σ_k g_k v_k x_k)²; the paper has the first term alone,
    half of the truth for v ∥ x along one mode. In mode coordinates; (..., d) -> (...,).
    """
    own = jnp.einsum("...kl,...k,...l->...", variance, direction**2, position**2)
    both, off = direction * position, 1 - jnp.eye(variance.shape[-1], dtype=variance.dtype)
    return own + jnp.einsum("...kl,...k,...l->...", variance * off, both, both)


def with_fourth_moments(variance: Elements, eigenvalues: Modes, fourth: Float[Array, "d d"]) -> Elements:
    """Variances over data that are not Gaussian: V_kl times n Var Σ̂_kl, over (1 + δ_kl)λ_kλ_l of Gaussian data.

    `fourth` is E x_k²x_l² of centred data in mode coordinates, so that n Var Σ̂_kl = fourth_kl - δ_kl λ_k². Exact to
    order 1/n, where A_kl - E A_kl ∝ Σ̂_kl - Σ_kl; approximate at d/n of order one. Eigenvalues must be positive.
    """
    identity = jnp.eye(eigenvalues.shape[-1], dtype=eigenvalues.dtype)
    pairs = eigenvalues[:, None] * eigenvalues[None]
    return variance * (fourth - identity * pairs) / ((1 + identity) * pairs)
