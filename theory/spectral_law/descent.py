"""What finite gradient steps make of each parametrisation: the discrete maps whose limit is its gradient flow.

Networks are trained by steps, not by a flow. Held against these maps with the same steps, what is left of the
difference between a trained network and the theory is sampling noise.
"""

from functools import singledispatch

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from theory.definitions.arrays import jit
from theory.spectral_law.denoiser import AbstractDenoiser, preconditioned, regression_at
from theory.spectral_law.parametrisations.deep_linear import DeepLinear, balanced_gradient_descent
from theory.spectral_law.parametrisations.full_width_convolution import FullWidthConvolution
from theory.spectral_law.parametrisations.one_layer import OneLayer
from theory.spectral_law.parametrisations.patch_convolution import PatchConvolution, filter_gain, patch_gradient_descent
from theory.spectral_law.parametrisations.symmetric_two_layer import SymmetricTwoLayer, tied_gradient_descent
from theory.spectral_law.parametrisations.two_layer import TwoLayer, two_layer_gradient_descent
from theory.spectral_law.regression import ModeRegression, gradient_descent

Steps = Float[Array, "stages levels"]
Gains = Float[Array, "stages levels modes"]


@jit
def gain_after_steps(
    denoiser: AbstractDenoiser, noise_levels: Float[Array, " levels"], step_sizes: Steps, steps: Int[Array, " stages"]
) -> Gains:
    """Gain of the denoiser at each noise level after each stage of gradient descent.

    Stage j takes n_j steps of size η_jl at level l, on the loss of the denoiser's objective; its `learning_rate` does
    not enter. `step_sizes` (stages, levels), `steps` (stages,) -> (stages, levels, modes).

    Raises NotImplementedError for a parametrisation without a rule here; register one with `network_after_steps`.
    """
    regression = regression_at(denoiser, noise_levels)
    gain = network_after_steps(denoiser, regression, noise_levels, step_sizes, steps)
    return preconditioned(denoiser, jnp.broadcast_to(noise_levels, gain.shape[:-1]), gain)


@singledispatch
def network_after_steps(
    denoiser: AbstractDenoiser,
    regression: ModeRegression,
    noise_levels: Float[Array, " levels"],
    step_sizes: Steps,
    steps: Int[Array, " stages"],
) -> Gains:
    """Gain of the network inside the preconditioning; one rule per parametrisation."""
    raise NotImplementedError(f"no rule for finite gradient steps of {type(denoiser).__name__}")


@network_after_steps.register
def _(denoiser: OneLayer, regression, noise_levels, step_sizes, steps):
    return gradient_descent(regression, denoiser.initial_gain, step_sizes[..., None], steps)


@network_after_steps.register
def _(denoiser: SymmetricTwoLayer, regression, noise_levels, step_sizes, steps):
    return tied_gradient_descent(regression, denoiser.initial_gain, step_sizes[..., None], steps)


@network_after_steps.register
def _(denoiser: TwoLayer, regression, noise_levels, step_sizes, steps):
    return two_layer_gradient_descent(
        regression, denoiser.initial_gain, denoiser.imbalance, step_sizes[..., None], steps
    )


@network_after_steps.register
def _(denoiser: DeepLinear, regression, noise_levels, step_sizes, steps):
    return balanced_gradient_descent(regression, denoiser.initial_gain, denoiser.depth, step_sizes[..., None], steps)


@network_after_steps.register
def _(denoiser: FullWidthConvolution, regression, noise_levels, step_sizes, steps):
    # One filter receives the gradients of all positions: N steps in one (Prop. 5.3).
    points = denoiser.spectrum.dimension
    return gradient_descent(regression, denoiser.initial_gain, points * step_sizes[..., None], steps)


@network_after_steps.register
def _(denoiser: PatchConvolution, regression, noise_levels, step_sizes, steps):
    taps = patch_gradient_descent(denoiser, step_sizes, steps, noise_levels)
    return filter_gain(denoiser, taps.reshape(*taps.shape[:2], -1))
