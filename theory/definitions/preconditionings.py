"""Fixed scales around a network. To add a preconditioning, subclass `AbstractPreconditioning`."""

import abc

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.definitions.arrays import Time
from theory.definitions.checks import check_positive
from theory.definitions.processes import AbstractProcess


class AbstractPreconditioning(eqx.Module):
    """A network inside fixed scales: D(x) = c_skip x + c_out F(c_in x)."""

    @abc.abstractmethod
    def scales(self, process: AbstractProcess, time: Time) -> tuple[Time, Time]:
        """The pair (c_skip, c_out c_in) at the given time."""


class ConstantSkip(AbstractPreconditioning):
    """D(x) = c x + F(x), the plain residual connection (Wang & Pehlevan 2025, App. D.1.2)."""

    skip: float | Float[Array, ""] = 1.0

    def scales(self, process: AbstractProcess, time: Time) -> tuple[Time, Time]:
        return jnp.full_like(time, self.skip), jnp.ones_like(time)


class EDMPreconditioning(AbstractPreconditioning):
    """c_skip = σ_d²/(σ² + σ_d²), c_out = σσ_d/√(σ² + σ_d²), c_in = 1/√(σ² + σ_d²) (Karras et al. 2022, Tab. 1)."""

    data_scale: float | Float[Array, ""] = 0.5

    def __check_init__(self) -> None:
        check_positive("data_scale", self.data_scale)

    def scales(self, process: AbstractProcess, time: Time) -> tuple[Time, Time]:
        sigma = process.noise_scale(time)
        total = sigma**2 + self.data_scale**2
        return self.data_scale**2 / total, sigma * self.data_scale / total


class NoPreconditioning(AbstractPreconditioning):
    """D(x) = F(x)."""

    def scales(self, process: AbstractProcess, time: Time) -> tuple[Time, Time]:
        return jnp.zeros_like(time), jnp.ones_like(time)
