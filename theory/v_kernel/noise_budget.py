"""What the variance of trained models is made of: noise of the targets, and everything else."""

from typing import NamedTuple

import jax.numpy as jnp
from jax.core import Tracer
from jaxtyping import Array, Float

from theory.definitions.arrays import default_floating, jit
from theory.definitions.checks import check_not_negative, check_one_number
from theory.definitions.features import FeatureMap
from theory.definitions.processes import AbstractProcess
from theory.definitions.targets import AbstractTarget, DenoiserTarget
from theory.definitions.weights import AbstractWeight
from theory.exact_scores.point_masses import PointMasses
from theory.v_kernel.feature_regression import (
    CleanCovariance,
    PopulationBlock,
    Regression,
    accumulate,
    feature_regression,
)
from theory.v_kernel.leverage import damped_regression, inflated_noise
from theory.v_kernel.modes import moment_spectrum, resolvent_modes
from theory.v_kernel.moments import normal_equations
from theory.v_kernel.orders import check_draws
from theory.v_kernel.population import Population
from theory.v_kernel.weight_law import Number, mean_weights


class NoiseBudget(NamedTuple):
    """Mean squared errors E w|·|² of a model's output over training inputs, in units of the loss."""

    misfit: Float[Array, ""]  # of the average model from the exact mean of the target
    design: Float[Array, ""]  # variance over training sets with targets free of noise: the misfit, sampled anew
    target: Float[Array, ""]  # variance that the noise of the targets adds

    @property
    def ratio(self) -> Float[Array, ""]:
        """T = target/(misfit + design): below one, what targets' noise adds is less than what is wrong without it."""
        return self.target / (self.misfit + self.design)


def noise_budget(
    data: PointMasses,
    process: AbstractProcess,
    features: FeatureMap,
    draws: Number,
    ridge: Number,
    *,
    target: AbstractTarget | None = None,
    weight: AbstractWeight | None = None,
    population: Population | None = None,
    clean_covariance: CleanCovariance | None = None,
) -> NoiseBudget:
    """Misfit, design noise and target noise of ridge regression on P = `draws` triples (this project).

    Cov W = R M R/P is that of `LinearVKernel` with every sample's own leverage, "local_equivalent". M is linear in the
    noise that drives it, w̃² times Cov[(y - ⟨W⟩φ)φ] with the misfit r = E[y|z] - ⟨W⟩φ. So E w|δD|² = tr(Σ Cov W), with
    Σ = E[w φφᵀ], falls into two parts:

        target: driven by E[w̃² tr(C_y) φφᵀ], C_y = Cov(y|z), of the order (F/P) tr C_y;
        design: driven by E[w̃²|r|²φφᵀ] - Σ_i E[w̃ r_iφ]E[w̃ r_iφ]ᵀ;    misfit = E w|r|².

    Traces alone: of the cost of one coordinate in any dimension, where the kernel decomposes matrices of D·F rows.
    Arguments and errors raised are those of `LinearVKernel`.
    """
    check_one_number("the ridge", ridge)
    check_not_negative("the ridge", ridge)
    bare = not isinstance(ridge, Tracer) and bool(ridge == 0)
    check_draws(draws, features.number, more_than_features=bare)
    target = DenoiserTarget() if target is None else target
    regression = feature_regression(data, process, features, target, weight, population, clean_covariance)
    draws, ridge = default_floating(draws), default_floating(ridge)
    damped = damped_regression(regression, draws, ridge)
    misfit, resolvent, second_moment, drives = _drives(regression, damped, ridge)
    parts = []
    for drive in drives:
        noise = inflated_noise(damped, resolvent, drive[None, :, None, :], draws)[0, :, 0, :]
        parts.append(jnp.sum(resolvent @ second_moment @ resolvent * noise) / draws)
    design, of_target = parts
    return NoiseBudget(misfit, design, of_target)


@jit
def _drives(
    regression: Regression, damped: Regression, ridge: Array
) -> tuple[Array, Array, Array, tuple[Array, Array]]:
    """E w|r|², R, Σ, and what drives the weights: of the misfit and of the targets' noise, traces over coordinates."""
    second_moment, _ = normal_equations(regression)
    damped_moment, cross = normal_equations(damped)
    modes = resolvent_modes(damped_moment, ridge, moment_spectrum(damped_moment))
    mean, resolvent = mean_weights(modes, cross), modes.resolvent()

    def misfit_of(block: PopulationBlock, phi: Array) -> Array:
        return jnp.sum(block.mass * block.weight * jnp.sum((block.mean - phi @ mean.T) ** 2, axis=-1))

    def driven(block: PopulationBlock, phi: Array) -> tuple[Array, ...]:
        misfit = block.mean - phi @ mean.T
        squared, spread = jnp.sum(misfit**2, axis=-1), jnp.trace(block.covariance, axis1=-2, axis2=-1)
        weighted = block.mass * block.weight
        return (
            phi.T @ ((weighted * block.weight * squared)[:, None] * phi),
            phi.T @ ((weighted * block.weight * spread)[:, None] * phi),
            misfit.T @ (weighted[:, None] * phi),
        )

    of_misfit, of_target, pull = accumulate(damped, driven)
    return accumulate(regression, misfit_of), resolvent, second_moment, (of_misfit - pull.T @ pull, of_target)
