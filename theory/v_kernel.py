"""V-kernels: how learned scores at two places and times vary together over draws of the training set.

V(z; z') = D_t Cov[ŝ(z), ŝ(z')] D_t' with z = (x, t), the covariance taken over independent sets of P training triples
(Vastola 2025, Sec. 3). A network linear in features, output(z) = W φ(z), has a covariance of its weights; the
score is b x + a W φ for the target it is trained on (`score_coefficients`), and

    Cov[ŝ(z), ŝ(z')] = a a' (I ⊗ φ)ᵀ Cov[vec W] (I ⊗ φ').

Every kernel keeps a factor L of Cov[vec W] = L Lᵀ, so V is positive semi-definite whatever the points.
"""

import abc
from functools import singledispatch
from typing import Literal, get_args

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Bool, Float, PRNGKeyArray

from theory.checks import check_count, check_not_negative, checked_jit
from theory.deterministic_equivalent import effective_ridge
from theory.leverage import damped_regression, inflated_noise
from theory.objectives import AbstractTarget, AbstractWeight, DenoiserTarget
from theory.population import (
    FeatureMap,
    KernelFunction,
    NoiseVarianceWeight,
    Population,
    Regression,
    Z,
    design_covariance,
    feature_regression,
    gradient_covariance,
    moment_spectrum,
    normal_equations,
    nystrom_features,
    score_coefficients,
    where_kept,
)
from theory.processes import AbstractProcess
from theory.special import difference_filter, relaxation_filter
from theory.targets import PointMasses

Number = float | Array
Weights = Float[Array, "dim F"]
WeightCovariance = Float[Array, "dim F dim F"]
LinearOrder = Literal["leading", "corrected", "deterministic_equivalent", "local_equivalent"]
LazyOrder = Literal["fixed_design", "first_order", "corrected"]


class AbstractVKernel(eqx.Module):
    """A covariance of learned scores over training draws, times the diffusion coefficient at both ends."""

    @abc.abstractmethod
    def __call__(self, z: Z, z_prime: Z) -> Float[Array, "*batch dim dim"]:
        """V(z; z') = D_t Cov[ŝ(z), ŝ(z')] D_t' for x (..., D) and t (...,); batch axes broadcast."""


class AbstractFeatureVKernel(AbstractVKernel):
    """V of estimators linear in features: ŝ(z) = b(t) x + a(t) W φ(z), W normal over training draws.

    `mean_weights` is the average of W and `weight_factor` L with Cov[W_if, W_jg] = Σ_r L_ifr L_jgr. Both are in the
    units of the network's output, that of its `target`.
    """

    data: eqx.AbstractVar[PointMasses]
    process: eqx.AbstractVar[AbstractProcess]
    features: eqx.AbstractVar[FeatureMap]
    target: eqx.AbstractVar[AbstractTarget]
    mean_weights: eqx.AbstractVar[Weights]
    weight_factor: eqx.AbstractVar[Float[Array, "dim F rank"]]

    @eqx.filter_jit
    def __call__(self, z: Z, z_prime: Z) -> Float[Array, "*batch dim dim"]:
        return _product(self, z, z_prime, diffused=True)

    @eqx.filter_jit
    def score_covariance(self, z: Z, z_prime: Z) -> Float[Array, "*batch dim dim"]:
        """Cov[ŝ(z), ŝ(z')] over training draws."""
        return _product(self, z, z_prime, diffused=False)

    @eqx.filter_jit
    def mean_score(self, z: Z) -> Float[Array, "*batch dim"]:
        """The learned score averaged over training draws, b x + a ⟨W⟩ φ; the exact score where φ can express it."""
        x, time = z
        time = jnp.broadcast_to(time, x.shape[:-1])
        known, scale = score_coefficients(self.target, self.process, time)
        return known[..., None] * x + scale[..., None] * (self.features(x, time) @ self.mean_weights.T)

    @checked_jit(models=check_count)
    def draw_weights(self, key: PRNGKeyArray, models: int) -> Float[Array, "models dim F"]:
        """Weights of `models` independent networks under the Gaussian closure: one score field per draw.

        Raises ValueError for fewer than one model.
        """
        noise = jax.random.normal(key, (models, self.weight_factor.shape[-1]), self.weight_factor.dtype)
        return self.mean_weights[None] + jnp.einsum("mr,ifr->mif", noise, self.weight_factor)


@eqx.filter_jit
def score_factor(kernel: AbstractFeatureVKernel, z: Z, *, diffused: bool) -> Float[Array, "*batch dim rank"]:
    """a(t) L φ(z), times D_t if `diffused`: its products are the covariance of the score, or V."""
    x, time = z
    time = jnp.broadcast_to(time, x.shape[:-1])
    _, scale = score_coefficients(kernel.target, kernel.process, time)
    if diffused:
        scale = scale * kernel.process.diffusion_coefficient(time)
    return jnp.einsum("...f,ifr->...ir", scale[..., None] * kernel.features(x, time), kernel.weight_factor)


def _product(kernel: AbstractFeatureVKernel, z: Z, z_prime: Z, *, diffused: bool) -> Float[Array, "*batch dim dim"]:
    left, right = (score_factor(kernel, point, diffused=diffused) for point in (z, z_prime))
    return jnp.einsum("...ir,...jr->...ij", left, right)


@singledispatch
def kernel_matrix(kernel: AbstractVKernel, z: Z) -> Float[Array, "n dim n dim"]:
    """V between all pairs of n points, for x (n, D) and t (n,)."""
    x, time = z
    pairs = kernel((x[:, None], time[:, None]), (x[None], time[None]))
    return jnp.swapaxes(pairs, 1, 2)


@kernel_matrix.register
def _(kernel: AbstractFeatureVKernel, z: Z) -> Float[Array, "n dim n dim"]:
    factor = score_factor(kernel, z, diffused=True)
    return jnp.tensordot(factor, factor, axes=(2, 2))


class LinearVKernel(AbstractFeatureVKernel):
    """Least squares with ridge in fixed features (Vastola 2025, Prop. 5.1), fitted to P triples.

    W minimises (1/P) Σ_n w_n |y_n - W φ_n|² + ξ|W|². With Σ = E[w φφᵀ], C_y = Cov(y|z) and y - ⟨W⟩φ the misfit,

    | order | Cov[vec W] | ⟨W⟩ |
    |---|---|---|
    | leading, Eq. 13 | R E[w² C_y φφᵀ] R/P, R = (Σ + ξ)⁻¹ | E[w yφᵀ] R |
    | corrected | the same over 1 - F/P | the same |
    | deterministic_equivalent | R Cov[w (y - ⟨W⟩φ)φ] R/(P - df₂), R = (Σ + κ)⁻¹ | E[w yφᵀ] R |
    | local_equivalent | R M R/P with every sample's own leverage, see `theory.leverage` | E[w̃ yφᵀ] R |

    κ - ξ = κ Tr[Σ(Σ + κ)⁻¹]/P and df₂ = Tr[Σ²(Σ + κ)⁻²]. Eq. 13 holds to leading order in F/P: App. F.5 of the paper
    replaces Σ̂ by Σ. The third order is exact for Gaussian features at any F/P, up to 1/P. The last does not need
    samples to be alike, and is the one to use for localised features or a weight that varies strongly. It costs some
    twenty passes over the population: seconds for F = 256, a minute or two for F = 1000 in two coordinates, where the
    third takes seconds. There is no bias; a constant among the features acts as one, and takes the
    place of the "1" in the paper's Q.

    **Arguments:** point masses, process and features; `draws` P; `ridge` ξ, on the un-normalised Σ; `target` and
    `weight` w of the loss (by default λ = σ² on the score: α²/σ² for the denoiser, as in the paper's figures);
    `population`, the points that E is a sum over (`lattice_population` by default).

    Raises ValueError for fewer than one draw, a negative ridge, an unknown order, P ≤ F with "corrected" or, without a
    ridge, with "local_equivalent", or features of another number of coordinates than the data.
    """

    data: PointMasses
    process: AbstractProcess
    features: FeatureMap
    target: AbstractTarget
    mean_weights: Weights
    weight_factor: Float[Array, "dim F rank"]
    effective_ridge: Float[Array, ""]  # κ for the deterministic equivalent, ξ for the others
    degrees_of_freedom: Float[Array, ""]  # df₂
    resolvent: Float[Array, "F F"]  # R; a sample at z has the leverage ℓ = w φᵀRφ/P

    def __init__(
        self,
        data: PointMasses,
        process: AbstractProcess,
        features: FeatureMap,
        draws: Number = 1024,
        ridge: Number = 0.1,
        *,
        order: LinearOrder = "local_equivalent",
        target: AbstractTarget | None = None,
        weight: AbstractWeight | None = None,
        population: Population | None = None,
    ) -> None:
        _check_choice("order", order, get_args(LinearOrder))
        check_not_negative("the ridge", ridge)
        bare = order == "local_equivalent" and not isinstance(ridge, Tracer) and bool(ridge == 0)
        _check_draws(draws, features.number, more_than_features=order == "corrected" or bare)
        self.data, self.process, self.features = data, process, features
        self.target = DenoiserTarget() if target is None else target
        regression = feature_regression(data, process, features, self.target, weight, population)
        law = _least_squares(regression, jnp.asarray(draws, dtype=float), jnp.asarray(ridge, dtype=float), order)
        self.mean_weights, self.weight_factor, self.effective_ridge, self.degrees_of_freedom, self.resolvent = law


class LazyVKernel(AbstractFeatureVKernel):
    """Gradient flow to training time τ in a fixed kernel K = Σ_k a_k φ_k φ_k' (Vastola 2025, Prop. 5.2), from W = 0.

    dŜ/dτ = (1/P) K Λ (ỹ - Ŝ): in features, dW/dτ = (1/P) Σ_n w_n (y_n - Wφ_n)φ_nᵀ A, A = diag(a) the `prior`. To
    order 1/P, δW accumulates the noise of the gradient at the mean flow ⟨W⟩(τ') through that flow. In coordinates
    where A^½ E[w φφᵀ] A^½ = diag(l), δω(τ) = (1/P) Σ_n (G_n - E G),

        G_nk = w_n φ_nk ∫_0^τ e^{-l_k(τ-τ')} (y_n - ⟨ω⟩(τ')·φ_n) dτ'
             = w_n φ_nk [(y_n - ω*·φ_n)(1 - e^{-l_kτ})/l_k + Σ_j ω*_j φ_nj (e^{-l_jτ} - e^{-l_kτ})/(l_k - l_j)].

    | order | Cov[vec W] |
    |---|---|
    | fixed_design, Eq. 16 | the part of Cov[G]/P that is the variance of y given (x, t) |
    | first_order | Cov[G]/P |
    | corrected | Cov[G]/(P - df₂), df₂ = Σ_k (1 - e^{-l_kτ})² |

    The paper has only the first, the covariance at fixed (x_n, t_n); for triples drawn anew the rest dominates early
    in training. At τ = ∞ "corrected" is least squares without ridge. Training time is that of the loss
    ½ Σ w|y - Wφ|²/P; the paper divides w by its average, so its τ is E[w] times this one. A network with an output f_0
    at the start is covered if f - f_0 is what is trained; the variance of a random f_0 is not included.

    **Arguments:** as `LinearVKernel`, without ridge; `tau`, zero to infinity; `prior` (F,), the eigenvalues a_k of K,
    one by default. `from_kernel` starts from a kernel function instead.

    Raises ValueError for fewer than one draw, a negative τ, an unknown order, a prior that is not F positive numbers,
    "corrected" with P ≤ F at τ = ∞, or features of another number of coordinates than the data;
    `equinox.EquinoxRuntimeError` for "corrected" with P ≤ df₂.
    """

    data: PointMasses
    process: AbstractProcess
    features: FeatureMap
    target: AbstractTarget
    mean_weights: Weights
    weight_factor: Float[Array, "dim F rank"]
    rates: Float[Array, " F"]  # l_k
    degrees_of_freedom: Float[Array, ""]  # df₂

    def __init__(
        self,
        data: PointMasses,
        process: AbstractProcess,
        features: FeatureMap,
        draws: Number = 1024,
        tau: Number = jnp.inf,
        *,
        prior: ArrayLike | None = None,
        order: LazyOrder = "first_order",
        target: AbstractTarget | None = None,
        weight: AbstractWeight | None = None,
        population: Population | None = None,
    ) -> None:
        _check_choice("order", order, get_args(LazyOrder))
        endless = not isinstance(tau, Tracer) and bool(jnp.isinf(jnp.asarray(tau)))
        _check_draws(draws, features.number, more_than_features=order == "corrected" and endless)
        check_not_negative("training time", tau)
        prior = jnp.ones(features.number) if prior is None else jnp.asarray(prior, dtype=float)
        if prior.shape != (features.number,) or not (isinstance(prior, Tracer) or bool(jnp.all(prior > 0))):
            raise ValueError(f"the prior must be {features.number} positive numbers; got shape {prior.shape}")
        self.data, self.process, self.features = data, process, features
        self.target = DenoiserTarget() if target is None else target
        regression = feature_regression(data, process, features, self.target, weight, population)
        self.mean_weights, self.weight_factor, self.rates, self.degrees_of_freedom = _gradient_flow(
            regression, jnp.asarray(draws, dtype=float), jnp.asarray(tau, dtype=float), prior, order
        )

    @classmethod
    def from_kernel(
        cls,
        kernel: KernelFunction,
        data: PointMasses,
        process: AbstractProcess,
        draws: Number = 1024,
        tau: Number = jnp.inf,
        *,
        population: Population,
        order: LazyOrder = "first_order",
        target: AbstractTarget | None = None,
        weight: AbstractWeight | None = None,
    ) -> "LazyVKernel":
        """The same for a kernel function (an empirical tangent kernel, say), which takes (x, t) of n and of m points.

        K acts alike on all D coordinates of the output. Its eigenfunctions on the N points of `population`, with the
        Gram matrix √(p w) K √(p w), are the features and their eigenvalues the prior; between the points they are
        continued by Nyström's formula. Costs N³: a thousand or two points.
        """
        target = DenoiserTarget() if target is None else target
        weight = NoiseVarianceWeight(target) if weight is None else weight
        mass = population.mass * weight(process, population.time)
        features = nystrom_features(kernel, (population.x, population.time), mass)
        options = {"prior": features.values, "order": order, "target": target, "weight": weight}
        return cls(data, process, features, draws, tau, population=population, **options)


# --- From averages over the population to the law of the weights ---


class _Modes(eqx.Module):
    """The eigenmodes of Σ (of A^½ΣA^½ for a kernel with prior A): eigenvalues, basis of the features, filter."""

    eigenvalues: Float[Array, " F"]
    basis: Float[Array, "F F"]
    kept: Bool[Array, " F"]  # more than round-off; the others are excited by no sample and stay untrained
    response: Float[Array, " F"]  # what a mode of the gradient becomes in the weights: R, or (1 - e^{-lτ})/l

    def degrees_of_freedom(self) -> Float[Array, ""]:
        """df₂ = Σ_k (l_k response_k)²."""
        return jnp.sum((self.eigenvalues * self.response) ** 2)

    def resolvent(self) -> Float[Array, "F F"]:
        """The response as a matrix acting on gradients."""
        return (self.basis * self.response[None]) @ self.basis.T


def _least_squares(regression: Regression, draws: Array, ridge: Array, order: LinearOrder) -> tuple[Array, ...]:
    """Mean and factor of the weights, κ, df₂ and R, as in the table of `LinearVKernel`."""
    if order == "local_equivalent":
        regression = damped_regression(regression, draws, ridge)
    second_moment, cross = normal_equations(regression)
    modes, kappa = _ridge_modes(second_moment, draws, ridge, order == "deterministic_equivalent")
    mean, freedom = _mean_weights(modes, cross), modes.degrees_of_freedom()
    noise = gradient_covariance(regression, None if order in ("leading", "corrected") else mean)
    if order == "local_equivalent":
        noise = inflated_noise(regression, modes.resolvent(), noise, draws)
    lost = {"corrected": regression.features.number, "deterministic_equivalent": freedom}.get(order, 0.0)
    return mean, _weight_factor(modes, noise, None, draws - lost), kappa, freedom, modes.resolvent()


@eqx.filter_jit
def _ridge_modes(second_moment: Array, draws: Array, ridge: Array, equivalent: bool) -> tuple[_Modes, Array]:
    """Modes that respond by R = (Σ + κ)⁻¹, and κ (the ridge ξ itself at leading order)."""
    eigenvalues, basis, kept = moment_spectrum(second_moment)
    kappa = effective_ridge(eigenvalues, draws, ridge) if equivalent else ridge
    return _Modes(eigenvalues, basis, kept, where_kept(kept, 1 / jnp.where(kept, eigenvalues + kappa, 1.0))), kappa


def _gradient_flow(
    regression: Regression, draws: Array, tau: Array, prior: Array, order: LazyOrder
) -> tuple[Array, ...]:
    """Mean and factor of the weights, rates l and df₂, as in the table of `LazyVKernel`."""
    second_moment, cross = normal_equations(regression)
    modes = _flow_modes(second_moment, tau, prior)
    noise, design = gradient_covariance(regression, None), None
    if order != "fixed_design":
        design = _design_covariance(regression, modes, cross, tau)
    freedom, left = modes.degrees_of_freedom(), draws
    if order == "corrected":
        left = eqx.error_if(draws - freedom, freedom >= draws, "1/(1 - df₂/P) needs more draws than df₂")
    return _mean_weights(modes, cross), _weight_factor(modes, noise, design, left), modes.eigenvalues, freedom


@eqx.filter_jit
def _flow_modes(second_moment: Array, tau: Array, prior: Array) -> _Modes:
    """Modes that respond by (1 - e^{-lτ})/l."""
    root = jnp.sqrt(prior)
    rates, rotation, kept = moment_spectrum(root[:, None] * second_moment * root[None])
    response = where_kept(kept, relaxation_filter(jnp.where(kept, rates, 1.0), tau))
    return _Modes(rates, root[:, None] * rotation, kept, response)


@eqx.filter_jit
def _design_covariance(regression: Regression, modes: _Modes, cross: Weights, tau: Array) -> WeightCovariance:
    """Covariance of the mean of G given (x, t), in the eigenbasis."""
    safe = jnp.where(modes.kept, modes.eigenvalues, 1.0)
    optimum = where_kept(modes.kept, cross @ modes.basis / safe[None])
    lag = difference_filter(safe[:, None], safe[None], tau) * modes.kept[:, None] * modes.kept[None]
    return design_covariance(regression, modes.basis, optimum, modes.response, modes.eigenvalues, lag)


@eqx.filter_jit
def _mean_weights(modes: _Modes, cross: Weights) -> Weights:
    """E[w yφᵀ] through the response of every mode."""
    return cross @ modes.resolvent()


@eqx.filter_jit
def _weight_factor(
    modes: _Modes, noise: WeightCovariance, design: WeightCovariance | None, draws: Array
) -> Float[Array, "dim F dim*F"]:
    """L with L Lᵀ = (response · noise · response + design)/draws, `noise` of the features, `design` of the modes.

    Decomposed in units of √l ω, what each mode adds to the output, so that round-off stays small against the largest
    of those. Negative eigenvalues are round-off.
    """
    dimension, number = noise.shape[:2]
    response = modes.basis * modes.response[None]
    covariance = jnp.einsum("fk,ifjg,gl->ikjl", response, noise, response, optimize="optimal")
    covariance = (covariance if design is None else covariance + design) / draws
    root = where_kept(modes.kept, jnp.sqrt(modes.eigenvalues))
    scaled = (covariance * root[None, :, None, None] * root[None, None, None, :]).reshape(dimension * number, -1)
    values, vectors = jnp.linalg.eigh((scaled + scaled.T) / 2)
    factor = (vectors * jnp.sqrt(jnp.maximum(values, 0.0))[None]).reshape(dimension, number, -1)
    inverse = where_kept(modes.kept, 1 / jnp.where(modes.kept, root, 1.0))
    return jnp.einsum("fk,ikr->ifr", modes.basis * inverse[None], factor)


def _check_choice(name: str, choice: str, choices: tuple[str, ...]) -> None:
    if choice not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}; got {choice!r}")


def _check_draws(draws: Number, number: int, *, more_than_features: bool) -> None:
    if isinstance(draws, Tracer):
        return
    if not draws >= 1:
        raise ValueError(f"a kernel needs at least one training draw; got {draws}")
    if more_than_features and not draws > number:
        raise ValueError(f"this order needs more draws than the {number} features; got {draws}")
