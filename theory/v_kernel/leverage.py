"""Ridge regression in which single samples matter: its mean and covariance when leverage differs from place to place.

The usual deterministic equivalent of W = Ŷ (Σ̂ + ξ)⁻¹ replaces ξ by one larger ridge κ, because the leverage
w φᵀR̂φ/P of a sample is nearly the same for all when features are Gaussian. Localised features and a weight such as
α²/σ², which is large at few times, are the opposite case: some samples are all that a place has. Each sample is
then left out by itself (Sherman & Morrison): φᵀR̂ = φᵀR̂₋/(1 + ℓ) with R̂₋ independent of it, ℓ = w φᵀR̂₋φ/P. With R̂₋
replaced by its mean in ℓ,

    R = (E[w̃ φφᵀ] + ξ)⁻¹,   w̃ = w/(1 + ℓ),   ℓ(z) = w φᵀRφ/P,   E W = E[w̃ yφᵀ] R,
    Cov W = R M R/P,   M = Cov[w̃ (y - E W φ)φ] + E[w̃² (φᵀR M Rφ) φφᵀ]/P,

two fixed points. For equal leverage they are κ = ξ(1 + ℓ) and the factor 1/(1 - df₂/P). What is neglected is how ℓ
fluctuates with the few other samples nearby.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.definitions.checks import check_finite
from theory.numerics.fixed_points import fixed_point
from theory.v_kernel.feature_regression import PopulationBlock, Regression, each_point
from theory.v_kernel.modes import moment_spectrum, where_kept
from theory.v_kernel.moments import normal_equations, spread_moment

_NO_SOLUTION = "the equations for the leverage have not converged"


def damped_regression(regression: Regression, draws: Array, ridge: Array) -> Regression:
    """The regression with every weight divided by 1 + ℓ(z), ℓ = w φᵀRφ/P, R = (E[w φφᵀ/(1 + ℓ)] + ξ)⁻¹.

    Raises ValueError where there is no solution (ξ = 0 with fewer samples than features); NaN where that is traced.
    """
    damped = _damped_regression(regression, draws, ridge)
    check_finite(damped.blocks.weight, _NO_SOLUTION)
    return damped


@eqx.filter_jit
def _damped_regression(regression: Regression, draws: Array, ridge: Array) -> Regression:
    weight = regression.blocks.weight

    def damped(log_damping: Array) -> Regression:
        return eqx.tree_at(lambda r: r.blocks.weight, regression, weight * jnp.exp(-log_damping))

    def step(log_damping: Array) -> Array:
        values, basis, kept = moment_spectrum(normal_equations(damped(log_damping))[0])
        root = basis * where_kept(kept, 1 / jnp.sqrt(jnp.where(kept, values + ridge, 1.0)))[None]
        length = each_point(regression, lambda block, features: jnp.sum((features @ root) ** 2, axis=-1))
        return jnp.log1p(weight * length / draws)

    def differentiable_step(log_damping: Array) -> Array:
        # By R instead of eigenvectors, which have no derivative where eigenvalues coincide. Modes that are round-off
        # get a curvature of their own, so that there is an R without ridge too; features have no part in them.
        second_moment = normal_equations(damped(log_damping))[0]
        values, basis, kept = moment_spectrum(jax.lax.stop_gradient(second_moment))
        unseen = basis * where_kept(~kept, jnp.full_like(values, values[-1]))[None] @ basis.T
        resolvent = jnp.linalg.inv(second_moment + unseen + ridge * jnp.eye(values.size, dtype=values.dtype))
        length = each_point(regression, lambda block, features: jnp.sum(features @ resolvent * features, axis=-1))
        return jnp.log1p(weight * length / draws)

    start = jnp.zeros_like(weight)
    return damped(fixed_point(step, start, tangent_step=differentiable_step))


def inflated_noise(
    regression: Regression, resolvent: Float[Array, "F F"], noise: Float[Array, "dim F dim F"], draws: Array
) -> Float[Array, "dim F dim F"]:
    """M = noise + E[w̃² (φᵀR M Rφ) φφᵀ]/P for a damped regression and its R, by the values of φᵀR M Rφ at all points.

    Raises ValueError where M does not converge; NaN where that is traced.
    """
    inflated = _inflated_noise(regression, resolvent, noise, draws)
    check_finite(inflated, _NO_SOLUTION)
    return inflated


@eqx.filter_jit
def _inflated_noise(regression: Regression, resolvent: Array, noise: Array, draws: Array) -> Array:
    def spread_of(matrix: Float[Array, "dim F dim F"]) -> Float[Array, "blocks n dim dim"]:
        sandwiched = jnp.einsum("fg,igjh,hk->fijk", resolvent, matrix, resolvent, optimize="optimal")
        flat = sandwiched.reshape(sandwiched.shape[0], -1)

        def of_block(block: PopulationBlock, features: Array) -> Array:
            del block
            images = (features @ flat).reshape(-1, *sandwiched.shape[1:])
            return jnp.einsum("nijk,nk->nij", images, features)

        return each_point(regression, of_block)

    first = spread_of(noise)
    # In units of the trace at every point, so that places of small variance converge as well.
    unit = jnp.trace(first, axis1=-2, axis2=-1)[..., None, None]
    unit = jnp.where(unit > 0, unit, 1.0)

    def step(spread: Array) -> Array:
        return (first + spread_of(spread_moment(regression, spread * unit)) / draws) / unit

    return noise + spread_moment(regression, fixed_point(step, first / unit) * unit) / draws
