"""What a denoiser regresses on, y = c x_0 + e ε. To add a target, subclass `AbstractTarget`."""

import abc

import equinox as eqx
import jax.numpy as jnp

from theory.definitions.arrays import Time


class AbstractTarget(eqx.Module):
    """What the network regresses on where the input is x = α x_0 + σ ε: y = c x_0 + e ε."""

    @abc.abstractmethod
    def coefficients(self, alpha: Time, sigma: Time) -> tuple[Time, Time]:
        """The pair (c, e) where the input has the scales α and σ, same shape."""

    @abc.abstractmethod
    def constant_coefficients(self) -> tuple[float, float] | None:
        """The same pair as numbers if it is the same at every noise level, else None."""

    def determinant(self, alpha: Time, sigma: Time) -> Time:
        """cσ - eα, by which data and noise are found from input and target: x_0 = (σy - ex)/(cσ - eα)."""
        signal, noise = self.coefficients(alpha, sigma)
        return signal * sigma - noise * alpha


class DenoiserTarget(AbstractTarget):
    """y = x_0."""

    def coefficients(self, alpha: Time, sigma: Time) -> tuple[Time, Time]:
        return jnp.ones_like(alpha), jnp.zeros_like(alpha)

    def constant_coefficients(self) -> tuple[float, float] | None:
        return 1.0, 0.0


class NoiseTarget(AbstractTarget):
    """y = ε."""

    def coefficients(self, alpha: Time, sigma: Time) -> tuple[Time, Time]:
        return jnp.zeros_like(alpha), jnp.ones_like(alpha)

    def constant_coefficients(self) -> tuple[float, float] | None:
        return 0.0, 1.0


class ScoreTarget(AbstractTarget):
    """y = -ε/σ, the proxy score."""

    def coefficients(self, alpha: Time, sigma: Time) -> tuple[Time, Time]:
        return jnp.zeros_like(alpha), -1 / sigma

    def constant_coefficients(self) -> tuple[float, float] | None:
        return None


class VelocityTarget(AbstractTarget):
    """y = α ε - σ x_0 (Salimans & Ho 2022)."""

    def coefficients(self, alpha: Time, sigma: Time) -> tuple[Time, Time]:
        return -sigma, alpha

    def constant_coefficients(self) -> tuple[float, float] | None:
        return None


class FlowTarget(AbstractTarget):
    """y = x_1 - x_0, data minus noise, the velocity of the linear interpolation."""

    def coefficients(self, alpha: Time, sigma: Time) -> tuple[Time, Time]:
        return jnp.ones_like(alpha), -jnp.ones_like(alpha)

    def constant_coefficients(self) -> tuple[float, float] | None:
        return 1.0, -1.0
