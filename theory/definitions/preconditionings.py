"""Fixed scales around a network. To add a preconditioning, subclass `AbstractPreconditioning`."""

import abc
from functools import partial
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp

from theory.definitions.arrays import FormulaChoice, Scalar, Time
from theory.definitions.checks import finite, positive


class PreconditioningScales(NamedTuple):
    """The scales around a network F in D(x) = c_skip x + c_out F(c_in x), arrays of one shape."""

    skip: Time  # c_skip
    output: Time  # c_out
    divisor: Time  # 1/c_in, the standard deviation of the input where c_in makes that one
    linear: Time  # c_out c_in, all that a linear F without bias sees of the two


class AbstractPreconditioning(eqx.Module):
    """A network inside fixed scales: D(x) = c_skip x + c_out F(c_in x)."""

    @abc.abstractmethod
    def scales(self, alpha: Time, sigma: Time) -> PreconditioningScales:
        """The scales where the input is α x_0 + σ ε, same shape."""

    @abc.abstractmethod
    def constant_skip(self) -> Scalar | None:
        """c_skip if the scales are c_out = c_in = 1 and the same c_skip at every noise level, else None."""

    def is_identity(self) -> bool:
        """Whether D = F is known before anything is traced."""
        skip = self.constant_skip()
        return isinstance(skip, int | float) and skip == 0


class ConstantSkip(AbstractPreconditioning, FormulaChoice):
    """D(x) = c x + F(x), the plain residual connection (Wang & Pehlevan 2025, App. D.1.2), with a finite c = `skip`."""

    skip: Scalar = eqx.field(default=1.0, converter=partial(finite, "skip"))

    def scales(self, alpha: Time, sigma: Time) -> PreconditioningScales:
        one = jnp.ones_like(sigma)
        return PreconditioningScales(jnp.full_like(sigma, self.skip), one, one, one)

    def constant_skip(self) -> Scalar | None:
        return self.skip


class EDMPreconditioning(AbstractPreconditioning):
    """c_skip = ασ_d²/S, c_out = σσ_d/√S and c_in = 1/√S with S = α²σ_d² + σ² (Karras et al. 2022, Tab. 1).

    Inputs and targets of F have variance one for data of variance σ_d². The table has α = 1; other processes follow
    from it by x → x/α, σ → σ/α.
    """

    data_scale: Scalar = eqx.field(default=0.5, converter=partial(positive, "data_scale"))

    def scales(self, alpha: Time, sigma: Time) -> PreconditioningScales:
        divisor, product = jnp.hypot(alpha * self.data_scale, sigma), sigma * self.data_scale
        linear = product / (sigma**2 + (alpha * self.data_scale) ** 2)
        return PreconditioningScales(alpha * self.data_scale**2 / divisor**2, product / divisor, divisor, linear)

    def constant_skip(self) -> Scalar | None:
        return None


class NoPreconditioning(AbstractPreconditioning):
    """D(x) = F(x)."""

    def scales(self, alpha: Time, sigma: Time) -> PreconditioningScales:
        one = jnp.ones_like(sigma)
        return PreconditioningScales(jnp.zeros_like(sigma), one, one, one)

    def constant_skip(self) -> Scalar | None:
        return 0.0
