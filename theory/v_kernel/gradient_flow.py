"""The V-kernel of gradient flow on features (Vastola 2025, Prop. 5.2)."""

from typing import Literal, get_args

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Float

from theory.definitions.arrays import default_floating
from theory.definitions.checks import check_double_precision, check_not_negative, check_one_number, nan_unless
from theory.definitions.features import FeatureMap
from theory.definitions.processes import AbstractProcess
from theory.definitions.targets import AbstractTarget, DenoiserTarget
from theory.definitions.weights import AbstractWeight
from theory.exact_scores.point_masses import PointMasses
from theory.numerics.special import difference_filter, relaxation_filter
from theory.v_kernel.eigenfunctions import KernelFunction, nystrom_features
from theory.v_kernel.feature_kernels import AbstractFeatureVKernel
from theory.v_kernel.feature_regression import CleanCovariance, Regression, feature_regression
from theory.v_kernel.learned_scores import NoiseVarianceWeight
from theory.v_kernel.modes import Modes, moment_spectrum, trusted, where_kept
from theory.v_kernel.moments import design_covariance, gradient_covariance, normal_equations
from theory.v_kernel.orders import check_draws, check_order
from theory.v_kernel.population import Population
from theory.v_kernel.weight_law import Number, WeightCovariance, Weights, mean_weights, weight_factor

LazyOrder = Literal["fixed_design", "first_order", "corrected"]


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
    "corrected" with P ≤ df₂ (P ≤ F at τ = ∞), features of another number of coordinates than the data, and training so
    long that single precision would lose more than one per cent of V. Derivatives in τ and P are right everywhere;
    those in data, features, process and prior are those of eigenvectors: NaN where eigenvalues coincide.
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
        clean_covariance: CleanCovariance | None = None,
    ) -> None:
        check_order(order, get_args(LazyOrder))
        check_one_number("training time", tau)
        check_not_negative("training time", tau)
        endless = not isinstance(tau, Tracer) and bool(np.isinf(tau))
        check_draws(draws, features.number, more_than_features=order == "corrected" and endless)
        prior = jnp.ones(features.number) if prior is None else default_floating(prior)
        if prior.shape != (features.number,) or not (
            isinstance(prior, Tracer) or np.all(np.isfinite(prior) & (np.asarray(prior) > 0))
        ):
            raise ValueError(f"the prior must be {features.number} positive and finite numbers; got {prior}")
        self.data, self.process, self.features = data, process, features
        self.target = DenoiserTarget() if target is None else target
        regression = feature_regression(data, process, features, self.target, weight, population, clean_covariance)
        self.mean_weights, self.weight_factor, self.rates, self.degrees_of_freedom = _gradient_flow(
            regression, default_floating(draws), default_floating(tau), prior, order
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
        continued by Nyström's formula. Costs N³: a thousand or two points. Raises ValueError in single precision, whose
        round-off is far above the eigenvalues that still matter at long times.
        """
        target = DenoiserTarget() if target is None else target
        weight = NoiseVarianceWeight(target) if weight is None else weight
        mass = population.mass * weight(process, population.time)
        check_double_precision("LazyVKernel.from_kernel, by the eigenfunctions of a kernel,", mass)
        features = nystrom_features(kernel, (population.x, population.time), mass)
        options = {"prior": features.values, "order": order, "target": target, "weight": weight}
        return cls(data, process, features, draws, tau, population=population, **options)


def _gradient_flow(
    regression: Regression, draws: Array, tau: Array, prior: Array, order: LazyOrder
) -> tuple[Array, ...]:
    """Mean and factor of the weights, rates l and df₂, as in the table of `LazyVKernel`."""
    second_moment, cross = normal_equations(regression)
    root = jnp.sqrt(prior)
    trust = trusted(root[:, None] * second_moment * root[None], lambda smallest: relaxation_filter(smallest, tau))
    modes = _flow_modes(second_moment, tau, prior)
    noise, design = gradient_covariance(regression, None), None
    if order != "fixed_design":
        design = _design_covariance(regression, modes, cross, tau)
    freedom, left = modes.degrees_of_freedom(), draws
    if order == "corrected":
        if not isinstance(freedom, Tracer) and not isinstance(draws, Tracer) and freedom >= draws:
            raise ValueError(f"draws must be more than df₂ = {freedom:.4g} for 1/(1 - df₂/P); got {draws:g}")
        left = nan_unless(draws > freedom, draws - freedom)
    mean, factor = mean_weights(modes, cross), weight_factor(modes, noise, design, left)
    return trust * mean, trust * factor, modes.eigenvalues, freedom


@eqx.filter_jit
def _flow_modes(second_moment: Array, tau: Array, prior: Array) -> Modes:
    """Modes that respond by (1 - e^{-lτ})/l."""
    root = jnp.sqrt(prior)
    rates, rotation, kept = moment_spectrum(root[:, None] * second_moment * root[None])
    response = where_kept(kept, relaxation_filter(jnp.where(kept, rates, 1.0), tau))
    basis = root[:, None] * rotation
    return Modes(rates, basis, kept, response, basis * response[None])


@eqx.filter_jit
def _design_covariance(regression: Regression, modes: Modes, cross: Weights, tau: Array) -> WeightCovariance:
    """Covariance of the mean of G given (x, t), in the eigenbasis."""
    safe = jnp.where(modes.kept, modes.eigenvalues, 1.0)
    optimum = where_kept(modes.kept, cross @ modes.basis / safe[None])
    lag = difference_filter(safe[:, None], safe[None], tau) * modes.kept[:, None] * modes.kept[None]
    return design_covariance(regression, modes.basis, optimum, modes.response, modes.eigenvalues, lag)
