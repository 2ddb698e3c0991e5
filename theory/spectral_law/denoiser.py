"""What every parametrisation of the denoiser answers, and what it is made of."""

import abc
from collections.abc import Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, PyTree

from theory.definitions.arrays import Scalar, Time, floating, is_traced
from theory.definitions.checks import nan_unless, positive
from theory.definitions.objectives import Objective, native_objective
from theory.definitions.preconditionings import PreconditioningScales
from theory.definitions.processes import AbstractProcess, process_time
from theory.definitions.spectra import Spectrum
from theory.numerics.matrix_functions import diagonal_matrix
from theory.spectral_law.regression import ModeRegression, Modes, mode_regression, preconditioned_regression


class AffineMap(NamedTuple):
    """What a network does to its input in mode coordinates, u_kᵀ(D(x) - cμ) = Σ_m matrix_km u_mᵀ(x - αμ) + offset_k."""

    matrix: Float[Array, "*batch modes modes"]
    offset: Modes


class AbstractDenoiser(eqx.Module):
    """A denoiser in the middle of its training: one independent network per noise level, trained for a time τ.

    Everything else (the quadrature oracle, KL, Wasserstein-2, emergence times, the figures) is a free function of what
    is asked here. A new parametrisation is an `AbstractModewiseDenoiser` if every mode trains by itself, an
    `AbstractCoupledDenoiser` if its maps at different noise levels do not commute, else an `AbstractDiagonalDenoiser`.

    Training time τ is the number of steps times the learning rate's unit: gradient flow dW/dτ = -η ∇L with η =
    `learning_rate`, and L = w·E‖y - D(x)‖² summed over coordinates, with target y, weight w and preconditioning
    D(x) = c_skip x + c_out F(c_in x) from `objective`.
    """

    spectrum: eqx.AbstractVar[Spectrum]
    process: eqx.AbstractVar[AbstractProcess]
    objective: eqx.AbstractVar[Objective]
    learning_rate: eqx.AbstractVar[Float[Array, ""]]

    @abc.abstractmethod
    def weights(self, tau: Time, noise_level: Time) -> PyTree[Array]:
        """Trainable weights at training time `tau` and noise level (process time), in their native shape."""

    @abc.abstractmethod
    def gain(self, tau: Time, noise_level: Time) -> Modes:
        """u_kᵀ W u_k of D(x) = W x + b: what the denoiser does to each data mode; (...,) and (...,) -> (..., d)."""

    @abc.abstractmethod
    def affine_map(self, tau: Time, noise_level: Time) -> AffineMap:
        """The whole map in mode coordinates; (...,) and (...,) -> (..., d, d) and (..., d)."""

    @abc.abstractmethod
    def generated_variance(self, tau: Time) -> Modes:
        """Variance per mode of samples from the network frozen at `tau`; (...,) -> (..., d)."""

    @abc.abstractmethod
    def training_window(self) -> tuple[Array, Array]:
        """ln τ from where on modes may move, and by when all of them have arrived: `gradient_flow_window` for most."""

    @property
    @abc.abstractmethod
    def mixes_modes(self) -> bool:
        """Whether generation needs the whole map in place of one gain per mode."""


def check_modes_apart(denoiser: AbstractDenoiser, reason: str) -> None:
    """Raises ValueError, with the reason why it matters, for a denoiser that mixes modes."""
    if denoiser.mixes_modes:
        raise ValueError(f"modes must not mix, {reason}; those of this {type(denoiser).__name__} do")


class AbstractDiagonalDenoiser(AbstractDenoiser):
    """A denoiser whose maps are diagonal in the data's eigenbasis at every noise level: its gains say it all.

    A subclass supplies `weights`, `gain`, `training_window` and `generated_variance`: a closed form, or
    `theory.spectral_law.generation.variance_by_quadrature(self, tau)`.
    """

    @property
    def mixes_modes(self) -> bool:
        return False

    def affine_map(self, tau: Time, noise_level: Time) -> AffineMap:
        """The gains as a matrix; the bias is at its optimum."""
        gain = self.gain(tau, noise_level)
        return AffineMap(diagonal_matrix(gain), jnp.zeros_like(gain))


def assign_common_fields(
    denoiser: AbstractDenoiser,
    spectrum: Spectrum,
    process: AbstractProcess,
    learning_rate: ArrayLike,
    objective: Objective | None,
) -> None:
    """Set, inside a constructor, the fields that every parametrisation has. Raises ValueError for a bad learning rate.

    `objective` is the process's own when not given (velocity for flow matching, else the denoised data; weight 1).
    """
    denoiser.spectrum = spectrum
    denoiser.process = process
    denoiser.objective = native_objective(process) if objective is None else objective
    denoiser.learning_rate = one_positive_number("learning_rate", learning_rate, spectrum)


def noise_range_of_closed_forms(denoiser: AbstractDenoiser) -> tuple[Scalar, Scalar] | None:
    """(σ_0, σ_T) in the setting of most closed forms, a variance-exploding process and denoised data; else None."""
    denoised = denoiser.objective.target.constant_coefficients() == (1, 0)
    return denoiser.process.variance_exploding_range() if denoised else None


def regression_at(denoiser: AbstractDenoiser, noise_level: Time, variance: Modes | None = None) -> ModeRegression:
    """What the network inside the preconditioning regresses on, per mode, at process time `noise_level`.

    (...,) -> (..., d). `variance`, (..., d) or (d,), stands in for the spectrum's where another set of modes is meant.
    """
    if variance is None:
        variance = denoiser.spectrum.variance
    noise_level = process_time("noise_level", noise_level, denoiser.process)
    variance = variance.reshape((1,) * (noise_level.ndim + 1 - variance.ndim) + variance.shape)
    objective, process = denoiser.objective, denoiser.process
    weight = objective.weight(process, noise_level)
    regression = mode_regression(variance, process, objective.target, noise_level, weight)
    scales = scales_at(denoiser, noise_level)
    return preconditioned_regression(regression, scales.skip[..., None], scales.linear[..., None])


def effective_weight(denoiser: AbstractDenoiser, noise_level: Time) -> Time:
    """w (c_out c_in)², by which weight and preconditioning speed up the training at each noise level."""
    return denoiser.objective.weight(denoiser.process, noise_level) * scales_at(denoiser, noise_level).linear ** 2


def gradient_flow_window(denoiser: AbstractDenoiser) -> tuple[Array, Array]:
    """(ln τ, ln τ) from 2·10⁻⁴ of the shortest to 2·10⁴ of the longest relaxation time of gradient flow."""
    (slowest, fastest), log_rate = bounds_of_curvature(denoiser), jnp.log(denoiser.learning_rate)
    return jnp.log(1e-4 / fastest) - log_rate, jnp.log(1e4 / slowest) - log_rate


def bounds_of_curvature(denoiser: AbstractDenoiser) -> tuple[Array, Array]:
    """λ min w(c_out c_in)², with λ the smallest variance that is not zero, and max w(c_out c_in)²(α²λ + σ²)."""
    variance = denoiser.spectrum.variance
    smallest = jnp.min(jnp.where(variance > 0, variance, jnp.inf))
    low, high = denoiser.process.log_ratio_range()
    levels = denoiser.process.time_from_log_snr(2 * jnp.linspace(low, high, 33, dtype=variance.dtype))
    speed = effective_weight(denoiser, levels)
    inputs = denoiser.process.signal_scale(levels) ** 2 * jnp.max(variance) + denoiser.process.noise_scale(levels) ** 2
    return smallest * jnp.min(speed), jnp.max(speed * inputs)


def scales_at(denoiser: AbstractDenoiser, noise_level: Time) -> PreconditioningScales:
    """The scales around the network at process time `noise_level`, (...,) each."""
    process, noise_level = denoiser.process, process_time("noise_level", noise_level, denoiser.process)
    alpha, sigma = process.signal_scale(noise_level), process.noise_scale(noise_level)
    return denoiser.objective.preconditioning.scales(alpha, sigma)


def preconditioned(denoiser: AbstractDenoiser, noise_level: Time, gain: Modes) -> Modes:
    """Gain of the denoiser, c_skip + c_out c_in · gain of the network inside; `noise_level` (...,), `gain` (..., d)."""
    noise_level = jnp.broadcast_to(floating(noise_level), gain.shape[:-1])
    scales = scales_at(denoiser, noise_level)
    return scales.skip[..., None] + scales.linear[..., None] * gain


def initial_gains(
    initial_gain: ArrayLike, spectrum: Spectrum, *, non_negative: bool = False, name: str = "initial_gain"
) -> Modes:
    """Q of the total map as one number per mode. Raises ValueError for a shape or values that do not fit."""
    gain = floating(initial_gain).astype(spectrum.variance.dtype)
    if gain.shape not in ((), (spectrum.dimension,)):
        raise ValueError(f"{name} must be a number or one per mode ({spectrum.dimension}); got shape {gain.shape}")
    if not is_traced(gain):
        if not np.isfinite(gain).all():
            raise ValueError(f"{name} must be finite; got {gain}")
        if non_negative and np.any(np.asarray(gain) < 0):
            raise ValueError(f"{name} of this network must be zero or more; got {gain.min()}")
    elif non_negative:
        gain = nan_unless(gain >= 0, gain)
    return jnp.broadcast_to(gain, (spectrum.dimension,))


def one_positive_number(name: str, value: ArrayLike, spectrum: Spectrum) -> Float[Array, ""]:
    """A scalar of the spectrum's precision. Raises ValueError unless it is one positive number."""
    number = floating(value).astype(spectrum.variance.dtype)
    if number.shape != ():
        raise ValueError(f"{name} must be one number; got shape {number.shape}")
    return jnp.asarray(positive(name, number))


def check_noise_level(arguments: Mapping[str, Any]) -> None:
    """Raises ValueError unless `noise_level` is a time of the process of `denoiser`; a traced one is not checked."""
    process_time("noise_level", arguments["noise_level"], arguments["denoiser"].process)


def batched(tau: ArrayLike, noise_level: ArrayLike) -> tuple[Array, Array]:
    """Training time and noise level broadcast against each other, with a trailing axis for the modes."""
    tau, noise_level = jnp.broadcast_arrays(floating(tau), floating(noise_level))
    # Not by an index: inside several transformations JAX keeps a known number as a Python float.
    return jnp.expand_dims(tau, -1), jnp.expand_dims(noise_level, -1)


def over_modes(tau: Array, *per_mode: Float[Array, " modes"]) -> list[Array]:
    """Per-mode vectors (d,) given leading axes, so that they combine with `tau` of shape (..., 1)."""
    return [vector.reshape((1,) * (tau.ndim - 1) + vector.shape) for vector in per_mode]
