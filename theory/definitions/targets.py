"""What a denoiser regresses on, y = c x_0 + e ε. To add a target, subclass `AbstractTarget`."""

import abc

import equinox as eqx
import jax.numpy as jnp

from theory.definitions.arrays import Time
from theory.definitions.processes import AbstractProcess


class AbstractTarget(eqx.Module):
    """What the network regresses on: y = c(t) x_0 + e(t) ε."""

    @abc.abstractmethod
    def coefficients(self, process: AbstractProcess, time: Time) -> tuple[Time, Time]:
        """The pair (c, e) at the given time."""


class DenoiserTarget(AbstractTarget):
    """y = x_0."""

    def coefficients(self, process: AbstractProcess, time: Time) -> tuple[Time, Time]:
        return jnp.ones_like(time), jnp.zeros_like(time)


class NoiseTarget(AbstractTarget):
    """y = ε."""

    def coefficients(self, process: AbstractProcess, time: Time) -> tuple[Time, Time]:
        return jnp.zeros_like(time), jnp.ones_like(time)


class ScoreTarget(AbstractTarget):
    """y = -ε/σ, the proxy score."""

    def coefficients(self, process: AbstractProcess, time: Time) -> tuple[Time, Time]:
        return jnp.zeros_like(time), -1 / process.noise_scale(time)


class VelocityTarget(AbstractTarget):
    """y = α ε - σ x_0 (Salimans & Ho 2022)."""

    def coefficients(self, process: AbstractProcess, time: Time) -> tuple[Time, Time]:
        return -process.noise_scale(time), process.signal_scale(time)


class FlowTarget(AbstractTarget):
    """y = x_1 - x_0, data minus noise, the velocity of the linear interpolation."""

    def coefficients(self, process: AbstractProcess, time: Time) -> tuple[Time, Time]:
        return jnp.ones_like(time), -jnp.ones_like(time)
