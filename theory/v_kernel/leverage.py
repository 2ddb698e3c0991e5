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

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.v_kernel.feature_regression import PopulationBlock, Regression, each_point
from theory.v_kernel.modes import moment_spectrum, where_kept
from theory.v_kernel.moments import normal_equations, spread_moment

_HISTORY = 5
_TOLERANCE = 1e-5
_MOST_STEPS = 300


@eqx.filter_jit
def damped_regression(regression: Regression, draws: Array, ridge: Array) -> Regression:
    """The regression with every weight divided by 1 + ℓ(z), ℓ = w φᵀRφ/P, R = (E[w φφᵀ/(1 + ℓ)] + ξ)⁻¹.

    Raises `equinox.EquinoxRuntimeError` where there is no solution (ξ = 0 with fewer samples than features).
    """
    weight = regression.blocks.weight

    def damped(log_damping: Array) -> Regression:
        return eqx.tree_at(lambda r: r.blocks.weight, regression, weight * jnp.exp(-log_damping))

    def step(log_damping: Array) -> Array:
        values, basis, kept = moment_spectrum(normal_equations(damped(log_damping))[0])
        root = basis * where_kept(kept, 1 / jnp.sqrt(jnp.where(kept, values + ridge, 1.0)))[None]
        length = each_point(regression, lambda block, features: jnp.sum((features @ root) ** 2, axis=-1))
        return jnp.log1p(weight * length / draws)

    return damped(_fixed_point(step, jnp.zeros_like(weight)))


@eqx.filter_jit
def inflated_noise(
    regression: Regression, resolvent: Float[Array, "F F"], noise: Float[Array, "dim F dim F"], draws: Array
) -> Float[Array, "dim F dim F"]:
    """M = noise + E[w̃² (φᵀR M Rφ) φφᵀ]/P for a damped regression and its R, by the values of φᵀR M Rφ at all points."""

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

    return noise + spread_moment(regression, _fixed_point(step, first / unit) * unit) / draws


def _fixed_point(step: Callable[[Array], Array], start: Array) -> Array:
    """x = step(x) by Anderson's method: of the last few steps, the combination whose residuals cancel best.

    Stops at a root mean square residual of 1e-5 of the root mean square of x. Raises `equinox.EquinoxRuntimeError`
    when 300 steps do not suffice.
    """

    def better(state: tuple[Array, Array, Array, Array, Array]) -> tuple[Array, Array, Array, Array, Array]:
        count, x, arrivals, residuals, _ = state
        arrival = step(x)
        slot = count % _HISTORY
        arrivals = arrivals.at[slot].set(arrival.ravel())
        residuals = residuals.at[slot].set((arrival - x).ravel())
        gram = residuals @ residuals.T
        # Empty places of the history get no share; the ridge bounds the shares of nearly parallel residuals.
        empty = jnp.arange(_HISTORY) > count
        gram = gram / jnp.max(jnp.diagonal(gram)) + jnp.diag(jnp.where(empty, 1e12, 1e-12))
        share = jnp.linalg.solve(gram, jnp.ones(_HISTORY, gram.dtype))
        error = jnp.sqrt(jnp.mean((arrival - x) ** 2) / jnp.maximum(jnp.mean(arrival**2), 1e-300))
        return count + 1, (share / jnp.sum(share) @ arrivals).reshape(x.shape), arrivals, residuals, error

    def unfinished(state: tuple[Array, Array, Array, Array, Array]) -> Array:
        return (state[4] > _TOLERANCE) & (state[0] < _MOST_STEPS)

    empty = jnp.zeros((_HISTORY, start.size), start.dtype)
    begin = (jnp.zeros((), int), start, empty, empty, jnp.asarray(jnp.inf, start.dtype))
    count, x, _, _, error = jax.lax.while_loop(unfinished, better, begin)
    return eqx.error_if(x, ~(error <= _TOLERANCE), "the equations for the leverage have not converged")
