"""Denoisers whose modes train by themselves: one solution of the mode equation is all that differs between them."""

import abc
import math
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, PyTree

from theory.definitions.arrays import Time
from theory.definitions.objectives import Objective
from theory.definitions.processes import AbstractProcess
from theory.definitions.spectra import Spectrum
from theory.spectral_law.denoiser import (
    AbstractDiagonalDenoiser,
    assign_common_fields,
    batched,
    initial_gains,
    over_modes,
    preconditioned,
    regression_at,
)
from theory.spectral_law.generation import variance_by_graded_quadrature, variance_by_quadrature
from theory.spectral_law.regression import ModeRegression, Modes, saturated


class AbstractModewiseDenoiser(AbstractDiagonalDenoiser):
    """A denoiser every mode of which trains by itself, from its own initial gain on its own quadratic loss.

    A subclass supplies `mode_solution`, `weights_of_gain`, `generated_variance` (a closed form, or
    `variance_of_modes(self, tau)`) and `training_window` (`gradient_flow_window(self)` where τ is the time of gradient
    flow). It declares the fields of every denoiser and `initial_gain`, and its constructor calls
    `assign_modewise_fields`.

    **Assumed throughout:** the gain at time τ follows from the regression, the initial gain, τ and η alone, so whatever
    else moves in training (a velocity, a running average) starts from a value that is no argument. Training ends:
    τ = ∞ reaches the solution as the largest time that can be squared, so a gain that still moves there (a rate that
    falls like 1/τ, say) comes out wrong. Gains vary with
    ln(α/σ) so slowly that panels of 1/4 with 16 nodes resolve them, but for the bend that `variance_of_modes` knows
    (`variance_by_oscillatory_quadrature` is for gains that swing). Not assumed, but kept by gradient flow: the learning
    rate multiplies time.
    """

    initial_gain: eqx.AbstractVar[Float[Array, " modes"]]

    @abc.abstractmethod
    def mode_solution(
        self, regression: ModeRegression, initial_gain: Modes, tau: Array, learning_rate: Float[Array, ""]
    ) -> Modes:
        """Gain of the network inside the preconditioning after training for a finite time τ at the learning rate η.

        The regression's arrays are (..., d), `tau` is (..., 1), and `initial_gain` has as many axes; at τ = 0 the
        result is `initial_gain` exactly. Most solutions need `scaled_time(tau, learning_rate)` = ητ only.
        """

    @abc.abstractmethod
    def weights_of_gain(self, gain: Modes) -> PyTree[Array]:
        """The weights in their native shape from the gains of the network: U diag(ψ) Uᵀ for a single matrix."""

    def weights(self, tau: Time, noise_level: Time) -> PyTree[Array]:
        return self.weights_of_gain(_network_gain(self, tau, noise_level))

    def gain(self, tau: Time, noise_level: Time) -> Modes:
        return preconditioned(self, noise_level, _network_gain(self, tau, noise_level))


def assign_modewise_fields(
    denoiser: AbstractModewiseDenoiser,
    spectrum: Spectrum,
    process: AbstractProcess,
    initial_gain: ArrayLike,
    learning_rate: ArrayLike,
    objective: Objective | None,
    *,
    non_negative: bool = False,
) -> None:
    """Set the fields of every mode-wise denoiser inside a constructor.

    Raises ValueError for a bad learning rate and for initial gains that are not one number or one per mode, not finite,
    or negative where they must not be.
    """
    assign_common_fields(denoiser, spectrum, process, learning_rate, objective)
    denoiser.initial_gain = initial_gains(initial_gain, spectrum, non_negative=non_negative)


def _network_gain(denoiser: AbstractModewiseDenoiser, tau: Time, noise_level: Time) -> Modes:
    """Gain of the network inside the preconditioning, (...,) and (...,) -> (..., d)."""
    tau, noise_level = batched(tau, noise_level)
    (initial,) = over_modes(tau, denoiser.initial_gain)
    regression = regression_at(denoiser, noise_level[..., 0])
    return denoiser.mode_solution(regression, initial, saturated(tau, denoiser.learning_rate), denoiser.learning_rate)


def variance_of_modes(denoiser: AbstractModewiseDenoiser, tau: Time) -> Modes:
    """λ̃ by quadrature of a gain that trains mode by mode, (...,) -> (..., d).

    A multi-layer network passes through zero slowly: where the target's correlation αcλ + σe changes sign, at ln(α/σ) =
    ln(-e/c) - ln λ for constant c and e (flow matching), its gain bends within a range ∝ 1/τ. The quadrature is graded
    about that point.
    """
    constants = denoiser.objective.target.constant_coefficients()
    if constants is None or constants[0] * constants[1] >= 0 or not denoiser.objective.preconditioning.is_identity():
        return variance_by_quadrature(denoiser, tau)
    signal, noise = constants
    kink = math.log(-noise / signal) - jnp.log(denoiser.spectrum.variance)
    return variance_by_graded_quadrature(denoiser, tau, kink, _gain_at_own_time(denoiser))


def _gain_at_own_time(denoiser: AbstractModewiseDenoiser) -> Callable[[Array, Array], Modes]:
    """The denoiser's gain of each mode at a process time of its own: a function (..., 1), (1, ..., d) -> (..., d)."""

    def gain(tau: Array, times: Array) -> Modes:
        variance, initial = over_modes(tau, denoiser.spectrum.variance, denoiser.initial_gain)
        regression = jax.tree.map(lambda leaf: leaf[..., 0], regression_at(denoiser, times, variance[..., None]))
        inner = denoiser.mode_solution(
            regression, initial, saturated(tau, denoiser.learning_rate), denoiser.learning_rate
        )
        return preconditioned(denoiser, jnp.broadcast_to(times, inner.shape), inner[..., None])[..., 0]

    return gain
