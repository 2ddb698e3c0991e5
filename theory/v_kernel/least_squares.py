"""The V-kernel of least squares on features (Vastola 2025, Prop. 5.1)."""

from typing import Literal, get_args

import equinox as eqx
from jax.core import Tracer
from jaxtyping import Array, Float

from theory.definitions.arrays import default_floating
from theory.definitions.checks import check_not_negative, check_one_number
from theory.definitions.features import FeatureMap
from theory.definitions.processes import AbstractProcess
from theory.definitions.targets import AbstractTarget, DenoiserTarget
from theory.definitions.weights import AbstractWeight
from theory.exact_scores.point_masses import PointMasses
from theory.finite_data.deterministic_equivalent import effective_ridge
from theory.v_kernel.feature_kernels import AbstractFeatureVKernel
from theory.v_kernel.feature_regression import CleanCovariance, Regression, feature_regression
from theory.v_kernel.leverage import damped_regression, inflated_noise
from theory.v_kernel.modes import Modes, moment_spectrum, resolvent_modes, trusted
from theory.v_kernel.moments import gradient_covariance, normal_equations
from theory.v_kernel.orders import check_draws, check_order
from theory.v_kernel.population import Population
from theory.v_kernel.weight_law import Number, Weights, mean_weights, weight_factor

LinearOrder = Literal["leading", "corrected", "deterministic_equivalent", "local_equivalent"]


class LinearVKernel(AbstractFeatureVKernel):
    """Least squares with ridge in fixed features (Vastola 2025, Prop. 5.1), fitted to P triples.

    W minimises (1/P) Σ_n w_n |y_n - W φ_n|² + ξ|W|². With Σ = E[w φφᵀ], C_y = Cov(y|z) and y - ⟨W⟩φ the misfit,

    | order | Cov[vec W] | ⟨W⟩ |
    |---|---|---|
    | leading, Eq. 13 | R E[w² C_y φφᵀ] R/P, R = (Σ + ξ)⁻¹ | E[w yφᵀ] R |
    | corrected | the same over 1 - F/P | the same |
    | deterministic_equivalent | R Cov[w (y - ⟨W⟩φ)φ] R/(P - df₂), R = (Σ + κ)⁻¹ | E[w yφᵀ] R |
    | local_equivalent | R M R/P with every sample's own leverage, see `theory.v_kernel.leverage` | E[w̃ yφᵀ] R |

    κ - ξ = κ Tr[Σ(Σ + κ)⁻¹]/P and df₂ = Tr[Σ²(Σ + κ)⁻²]. Eq. 13 holds to leading order in F/P: App. F.5 of the paper
    replaces Σ̂ by Σ. The third order is exact for Gaussian features at any F/P, up to 1/P. The last does not need
    samples to be alike, and is the one to use for localised features or a weight that varies strongly. It costs some
    twenty passes over the population: seconds for F = 256, a minute or two for F = 1000 in two coordinates, where the
    third takes seconds. There is no bias; a constant among the features acts as one, and takes the
    place of the "1" in the paper's Q.

    **Arguments:** point masses, process and features; `draws` P; `ridge` ξ, on the un-normalised Σ; `target` and
    `weight` w of the loss (by default λ = σ² on the score: α²/σ² for the denoiser, as in the paper's figures);
    `population`, the points that E is a sum over (`lattice_population` by default); `clean_covariance` of x_0 given
    (x, t), or of what stands for x_0 in the target and has its mean: `StableCovariance`, for references.

    Raises ValueError for fewer than one draw, a negative ridge, an unknown order, P ≤ F with "corrected" or, without a
    ridge, with "local_equivalent", features of another number of coordinates than the data, and features so alike that
    single precision would lose more than one per cent of V. Derivatives are right also where eigenvalues coincide;
    first ones only.
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
        clean_covariance: CleanCovariance | None = None,
    ) -> None:
        check_order(order, get_args(LinearOrder))
        check_one_number("the ridge", ridge)
        check_not_negative("the ridge", ridge)
        bare = order == "local_equivalent" and not isinstance(ridge, Tracer) and bool(ridge == 0)
        check_draws(draws, features.number, more_than_features=order == "corrected" or bare)
        self.data, self.process, self.features = data, process, features
        self.target = DenoiserTarget() if target is None else target
        regression = feature_regression(data, process, features, self.target, weight, population, clean_covariance)
        law = _least_squares(regression, default_floating(draws), default_floating(ridge), order)
        self.mean_weights, self.weight_factor, self.effective_ridge, self.degrees_of_freedom, self.resolvent = law


def _least_squares(regression: Regression, draws: Array, ridge: Array, order: LinearOrder) -> tuple[Array, ...]:
    """Mean and factor of the weights, κ, df₂ and R, as in the table of `LinearVKernel`."""
    second_moment, cross = normal_equations(regression)
    trust = trusted(second_moment, lambda smallest: 1 / (smallest + ridge))
    if order == "local_equivalent":
        regression = damped_regression(regression, draws, ridge)
        second_moment, cross = normal_equations(regression)
    modes, kappa = _ridge_modes(second_moment, draws, ridge, order == "deterministic_equivalent")
    mean, freedom = mean_weights(modes, cross), modes.degrees_of_freedom()
    noise = gradient_covariance(regression, None if order in ("leading", "corrected") else mean)
    if order == "local_equivalent":
        noise = inflated_noise(regression, modes.resolvent(), noise, draws)
    lost = {"corrected": regression.features.number, "deterministic_equivalent": freedom}.get(order, 0.0)
    factor = weight_factor(modes, noise, None, draws - lost)
    return trust * mean, trust * factor, kappa, freedom, modes.resolvent()


@eqx.filter_jit
def _ridge_modes(second_moment: Array, draws: Array, ridge: Array, equivalent: bool) -> tuple[Modes, Array]:
    """Modes that respond by R = (Σ + κ)⁻¹, and κ (the ridge ξ itself at leading order)."""
    kept_modes = moment_spectrum(second_moment)
    kappa = effective_ridge(kept_modes[0], draws, ridge) if equivalent else ridge
    return resolvent_modes(second_moment, kappa, kept_modes), kappa
