"""The linear regression behind denoising score matching: its optimum, its gradient flow and its gradient descent.

A linear network of gain ψ on a mode of variance λ predicts the target y = c x_0 + e ε from x = α x_0 + σ ε. The
loss E|y - ψx|² is quadratic, so training is one linear ODE per mode whatever the target and the process.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Int

from theory.definitions.arrays import Time, floating
from theory.definitions.checks import check_training_time, nan_unless
from theory.definitions.processes import AbstractProcess
from theory.definitions.targets import AbstractTarget
from theory.numerics.special import relaxation_filter

Modes = Float[Array, "*batch modes"]


class ModeRegression(NamedTuple):
    """The quadratic loss of one mode: optimum, curvature and the loss that no linear network can remove."""

    optimal_gain: Modes  # ψ* = (αcλ + σe)/S
    curvature: Modes  # d²L/dψ² = 2wS with S = α²λ + σ², the variance of the input
    minimum_loss: Modes  # w(c²λ + e² - Sψ*²)
    pull: Modes  # -dL/dψ at ψ = 0: 2w(αcλ + σe) = curvature·ψ*


def mode_regression(
    variance: Modes, process: AbstractProcess, target: AbstractTarget, time: Time, weight: Time | float = 1.0
) -> ModeRegression:
    """The regression of every mode at process time `time`, for the loss w·E|y - ψx|² summed over coordinates.

    ψ* = (αcλ + σe)/(α²λ + σ²), curvature 2w(α²λ + σ²), minimum loss w(c²λ + e² - Sψ*²)
    (Wang & Pehlevan 2025, App. C.4).

    `variance` is (..., d), `time` and `weight` are (...,); the result is (..., d).
    """
    shape = jnp.broadcast_shapes(jnp.shape(time), jnp.shape(variance)[:-1])
    time, weight = (jnp.broadcast_to(jnp.asarray(x), shape)[..., None] for x in (time, weight))
    variance = jnp.broadcast_to(variance, (*shape, jnp.shape(variance)[-1]))
    alpha, sigma = process.signal_scale(time), process.noise_scale(time)
    signal, noise = target.coefficients(alpha, sigma)
    input_variance = alpha**2 * variance + sigma**2
    correlation = alpha * signal * variance + sigma * noise
    # c²λ + e² - Sψ*² without the cancellation: the determinant form (cσ - eα)²λ/S.
    minimum = target.determinant(alpha, sigma) ** 2 * variance / input_variance
    return ModeRegression(
        correlation / input_variance, 2 * weight * input_variance, weight * minimum, 2 * weight * correlation
    )


def preconditioned_regression(regression: ModeRegression, skip: Modes, scale: Modes) -> ModeRegression:
    """The regression of the network F inside D(x) = skip·x + scale·F(x), given that of D.

    F's optimum is (ψ* - skip)/scale and its curvature scale² times D's. With Karras et al. 2022's scales and weight
    1/c_out² the curvature is 2(λ + σ²)/(σ² + σ_d²).
    """
    return ModeRegression(
        (regression.optimal_gain - skip) / scale,
        scale**2 * regression.curvature,
        regression.minimum_loss,
        scale * (regression.pull - skip * regression.curvature),
    )


def gradient_flow(regression: ModeRegression, initial_gain: Modes, scaled_time: Modes) -> Modes:
    """ψ(τ) = ψ* + (Q - ψ*) e^{-curvature·ητ} (Wang & Pehlevan 2025, Eq. 7), `scaled_time` = ητ.

    τ = ∞ gives ψ* with finite gradients.
    """
    time = saturated(scaled_time)
    # Q e^{-κτ} + pull·(1 - e^{-κτ})/κ: exactly Q at τ = 0, and nothing cancels where ψ* is large.
    kept = initial_gain * jnp.exp(-regression.curvature * time)
    return kept + regression.pull * relaxation_filter(regression.curvature, time)


def gradient_descent(
    regression: ModeRegression,
    initial_gain: Modes,
    step_sizes: Float[Array, "stages *#batch #modes"],
    steps: Int[Array, " stages"],
) -> Float[Array, "stages *batch modes"]:
    """Gain after each stage of gradient descent: ψ = ψ* + (Q - ψ*) Π_j (1 - curvature·η_j)^{n_j} (App. D.1.1).

    Stage j takes n_j steps of size η_j; `step_sizes` is (stages,), or has the regression's axes after the first, each
    of full length or one. This is what a trained network does, for any step size; `gradient_flow` is its limit η_j → 0
    at fixed Σ_j n_j η_j. Raises ValueError for another number of axes.
    """
    optimum, curvature = regression.optimal_gain, regression.curvature
    sizes = stage_sizes(step_sizes, regression)
    initial_gain = jnp.broadcast_to(initial_gain, jnp.shape(optimum))
    counts = jnp.reshape(steps, jnp.shape(steps) + (1,) * jnp.ndim(curvature))
    factors = (1 - curvature[None] * sizes) ** counts
    return optimum[None] + (initial_gain - optimum)[None] * jnp.cumprod(factors, axis=0)


def stage_sizes(step_sizes: Float[Array, "stages *rest"], regression: ModeRegression) -> Array:
    """Step sizes with an axis for the stages and one for each of the regression's. Raises ValueError if they misfit."""
    step_sizes = jnp.asarray(step_sizes)
    axes = jnp.ndim(regression.curvature)
    if step_sizes.ndim not in (1, axes + 1):
        raise ValueError(f"step_sizes must have 1 or {axes + 1} axes for this regression; got shape {step_sizes.shape}")
    return step_sizes.reshape(step_sizes.shape + (1,) * (axes + 1 - step_sizes.ndim))


def scaled_time(tau: Time, learning_rate: Float[Array, ""]) -> Array:
    """ητ, with τ = ∞ replaced before the product, so that its derivative with respect to η exists."""
    return saturated(learning_rate * saturated(tau, learning_rate))


def saturated(time: ArrayLike, learning_rate: ArrayLike = 1.0) -> Array:
    """Training time τ, or ητ, with ∞ replaced by a number so large that nothing changes any more.

    Of τ it is the larger, the smaller the learning rate below one. Products such as rate·ητ and their squares then stay
    finite and 0·∞ never arises, in values and in gradients. Raises ValueError for times below zero and NaN; a traced
    time below zero becomes NaN.
    """
    check_training_time("tau", time)
    time = floating(time)
    largest = float(jnp.finfo(jnp.result_type(time, learning_rate)).max)
    slow = jnp.clip(jax.lax.stop_gradient(learning_rate), largest**-0.5, 1.0)
    return nan_unless(time >= 0, jnp.minimum(time, largest**0.4 / slow))
