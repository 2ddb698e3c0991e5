"""Which exponent the spectral law has: the threshold of emergence decides, and the loss weight.

A noise level is learned when 2ητ times its rate w (c_out c_in)² (λ + σ²) is of order one. Between the noise scales √λ
and √λ̃(0), where the untrained gain is wrong, the rate is a power of σ, so that levels are learned one after the other.
At one training time those on one side of some σ_l are learned, those on the other are not, and λ̃ = σ_l². A mode emerges
at the log-fraction f (`emergence_time(fraction=f)`) when the level σ_l² = λ̃(0)^(1-f) λ^f is learned.

With the loss weight σ^-2a, beside EDM's where the network is preconditioned, τ* ∝ λ^-α:

| network | branch | λ̃(0) | rate ∝ | α |
|---|---|---|---|---|
| preconditioned | falling, λ ≪ σ_d² | σ_d² | σ^(2(1-a)) | f(1 - a) |
| preconditioned | rising, λ ≫ σ_d² | σ_d² | λ σ^(-2(1+a)) | 1 - f(1 + a) |
| raw, gain 1 at first | falling, λ ≪ σ_T² | σ_T² | σ^(2(1-a)) | f(1 - a) |
| raw, gain 0 at first | rising, λ ≫ σ_0² | σ_0² | λ σ^(-2a) | 1 - fa |

This is the order of learning for a < 1 on the falling branch, for a > -1 in the second and a > 0 in the fourth row.
Beyond, levels are learned from the other end, λ̃ = λ̃(0)λ/σ_l², and 1 - f takes the place of f. At the boundary all
levels are learned at once, and the exponents agree. So α = 1 is the law of a raw weight that starts from zero under
uniform weight, whatever f, and α = 1 - a that of one at a level in proportion to λ, f → 1. A preconditioned network has
α = 1 only for f → 1 where it falls, and for f → 0 where it rises.

(This project; `theory.derivations.threshold_exponents` has the proof.)
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from theory.definitions.arrays import floating, is_traced
from theory.definitions.checks import check_between_zero_and_one, check_real, checked_jit, nan_unless, positive
from theory.definitions.processes import EDM
from theory.definitions.weights import AbstractWeight


class BranchExponents(NamedTuple):
    """α of τ* ∝ λ^-α on both branches."""

    rising: Float[Array, "*shape"]  # generated with too little variance before training
    falling: Float[Array, "*shape"]  # with too much


@checked_jit(fraction=check_between_zero_and_one)
def preconditioned_exponents(fraction: ArrayLike, weight_exponent: ArrayLike = 0.0) -> BranchExponents:
    """Rising 1 - f(1 + a), falling f(1 - a), far from σ_d²: one layer in EDM's preconditioning, EDM's weight × σ^-2a.

    Asymptotic. Local exponents of the exact times differ from it by at most .21 where λ is one decade from σ_d², and by
    .12, .07, .04, .02 and .02 two to six decades from it (f = 1/4, 1/2, 3/4; a = 0, 1/2, 1). At f = 1/2 and a = 0 they
    differ by .044, .029, .009, .003, .001 and .001.

    **Arguments:** `fraction` f and `weight_exponent` a, of shapes that broadcast. **Returns:** their common shape.
    Raises ValueError for fractions outside (0, 1); a traced one gives NaN.
    """
    fraction, a = _fraction_and(fraction, weight_exponent)
    return BranchExponents(1 - _ordered(fraction, 1 + a) * (1 + a), _ordered(fraction, 1 - a) * (1 - a))


@checked_jit(fraction=check_between_zero_and_one)
def raw_exponents(fraction: ArrayLike, weight_exponent: ArrayLike = 0.0) -> BranchExponents:
    """Rising 1 - fa from the gain 0, falling f(1 - a) from the gain 1: one layer without preconditioning, weight σ^-2a.

    Asymptotic, for σ_0² ≪ λ ≪ σ_T², with corrections in 1/ln(λ/σ_0²) at a = 0. Arguments as in
    `preconditioned_exponents`.
    """
    fraction, a = _fraction_and(fraction, weight_exponent)
    return BranchExponents(1 - _ordered(fraction, a) * a, _ordered(fraction, 1 - a) * (1 - a))


def _fraction_and(fraction: ArrayLike, a: ArrayLike) -> tuple[Array, Array]:
    fraction, a = jnp.broadcast_arrays(floating(fraction), floating(a))
    return nan_unless((fraction > 0) & (fraction < 1), fraction), a


def _ordered(fraction: Array, fall: Array) -> Array:
    """f where levels are learned in the order of the table, 1 - f where the rate falls the other way."""
    return jnp.where(fall >= 0, fraction, 1 - fraction)


def _check_scales(arguments: Mapping[str, Any]) -> None:
    """Raises ValueError unless variances and the data's scale are positive; traced ones are not checked."""
    variance = arguments["variance"]
    check_real("variance", variance)
    if not is_traced(variance) and not np.all(np.asarray(variance) > 0):
        raise ValueError(f"variance must be positive; got {variance}")
    positive("data_scale", arguments.get("data_scale", 1.0))


@checked_jit(_check_scales, fraction=check_between_zero_and_one)
def local_exponents(
    variance: Float[Array, "*#shape"], fraction: ArrayLike, weight: AbstractWeight, data_scale: ArrayLike = 0.5
) -> Float[Array, "*shape"]:
    """-d ln τ*/d ln λ of a preconditioned network, for any weight and any density of noise levels.

    Only the level σ_l that is being learned counts, and near it every factor w of the rate is a power of σ: σ^-2a with
    a = -½ d ln w/d ln σ. So the exponents are those of `preconditioned_exponents` with that a. A density p(ln σ) of
    sampled noise levels adds -½ d ln p/d ln σ to it: (ln σ_l + 1.2)/(2·1.2²) for the log-normal one of Karras et al.
    2022, which moves the exponent at f = 1/2 of a falling mode from .44 to 1.01 over six decades.

    Asymptotic, and for rates that are monotone in σ between σ_d and √λ. With that density, σ_d = 1/2 and a = 0 the
    exact local exponents differ by at most .22, .09, .06, .04, .03 and .02 one to six decades from σ_d² (f = 1/4, 1/2,
    3/4); with a = 1/2, where rates of falling modes depend on σ less, by .22, .17, .09, .05, .04 and .05.

    **Arguments:** `variance` λ; `fraction` f; `weight`, what multiplies EDM's loss weight, for example
    `ProductWeight(PowerWeight(a), LogNormalDensity())`; `data_scale` σ_d. **Returns:** the common shape of λ and f;
    rising where λ > σ_d². Raises ValueError for fractions outside (0, 1), and for variances and scales that are not
    positive; traced ones give NaN.
    """
    fraction, variance = _fraction_and(fraction, variance)
    data_scale = floating(data_scale)
    rising = variance > data_scale**2

    def fall(part: Array) -> Array:
        """1 + a or 1 - a at the level σ_d^(1-f) λ^(f/2): by which power the rate falls in the order of learning."""
        level = (1 - part) * jnp.log(data_scale) + part * jnp.log(variance) / 2
        _, slope = jax.jvp(lambda at: jnp.log(weight(EDM(), jnp.exp(at))), (level,), (jnp.ones_like(level),))
        return 1 - jnp.where(rising, 1.0, -1.0) * slope / 2

    part = _ordered(fraction, fall(fraction))
    return jnp.where(rising, 1 - part * fall(part), part * fall(part))
