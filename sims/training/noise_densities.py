"""How often each noise level is trained on. To add a density, subclass `AbstractNoiseDensity`."""

import abc
from functools import partial
from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from theory.definitions.arrays import Scalar
from theory.definitions.checks import checked_numbers, finite, positive, whole_arguments


class AbstractNoiseDensity(eqx.Module):
    """The law of the noise levels σ that a training batch is drawn at."""

    @whole_arguments("count")
    def sample(self, key: PRNGKeyArray, count: int, dtype) -> Float[Array, " count"]:
        """Independent noise levels. Raises ValueError unless their number is 1, 2, …."""
        return jnp.exp(self.log_levels(key, (count,), dtype))

    @abc.abstractmethod
    def log_levels(self, key: PRNGKeyArray, shape: tuple[int, ...], dtype) -> Float[Array, "..."]:
        """Independent ln σ."""

    @abc.abstractmethod
    def tilted(self, exponent: Scalar) -> Self:
        """The density p(ln σ) σ^-2a with a = `exponent`, normalised.

        In expectation the same as the loss weight σ^-2a, which leaves most of a batch with next to no weight.
        """


class LogNormalNoise(AbstractNoiseDensity):
    """ln σ ~ N(m, s²), by default that of Karras et al. 2022, Tab. 1: m = `log_mean`, s = `log_std`."""

    log_mean: Scalar = eqx.field(default=-1.2, converter=partial(finite, "log_mean"))
    log_std: Scalar = eqx.field(default=1.2, converter=partial(positive, "log_std"))

    def log_levels(self, key: PRNGKeyArray, shape: tuple[int, ...], dtype) -> Float[Array, "..."]:
        mean, deviation = jnp.asarray(self.log_mean, dtype), jnp.asarray(self.log_std, dtype)
        return mean + deviation * jax.random.normal(key, shape, dtype)

    def tilted(self, exponent: Scalar) -> Self:
        """m → m - 2a s²."""
        return type(self)(self.log_mean - 2 * exponent * self.log_std**2, self.log_std)


class TabulatedNoise(AbstractNoiseDensity):
    """ln σ drawn from a table of equally likely values, of quantiles say; tables of one size share compiled programs.

    p ∝ σ^-2a over the table with a = `tilt`.
    """

    table: Float[Array, " entries"] = eqx.field(converter=jnp.asarray)
    tilt: Scalar = eqx.field(default=0.0, converter=partial(finite, "tilt"))

    def log_levels(self, key: PRNGKeyArray, shape: tuple[int, ...], dtype) -> Float[Array, "..."]:
        shares = jnp.cumsum(jax.nn.softmax(-2 * self.tilt * self.table.astype(dtype)))
        place = jnp.searchsorted(shares[:-1], jax.random.uniform(key, shape, dtype), side="right")
        return self.table.astype(dtype)[place]

    def tilted(self, exponent: Scalar) -> Self:
        return type(self)(self.table, self.tilt + exponent)


class LogUniformNoise(AbstractNoiseDensity):
    """p(ln σ) ∝ σ^-2a between `low` and `high`: uniform for a = `tilt` = 0.

    Raises ValueError unless 0 < low < high < ∞ and the tilt is finite.
    """

    low: Scalar
    high: Scalar
    tilt: Scalar = 0.0

    def __init__(self, low: Scalar, high: Scalar, tilt: Scalar = 0.0) -> None:
        inside = (0 < low) & (low < high) & (high < float("inf"))
        self.low, self.high = checked_numbers(
            "log-uniform noise must have 0 < low < high < inf", inside, low=low, high=high
        )
        self.tilt = finite("tilt", tilt)

    def log_levels(self, key: PRNGKeyArray, shape: tuple[int, ...], dtype) -> Float[Array, "..."]:
        low, high, tilt = (jnp.asarray(part, dtype) for part in (self.low, self.high, self.tilt))
        length = jnp.log(high) - jnp.log(low)
        # The share s of the way from the denser end has the density e^-ks on [0, 1], whose distribution function is
        # inverted: s = -ln(1 - U(1 - e^-k))/k, with k ≥ 0 so that no exponential overflows, and s = U for k = 0.
        decay = 2 * jnp.abs(tilt) * length
        safe = jnp.where(decay > 0, decay, 1)
        uniform = jax.random.uniform(key, shape, dtype)
        share = jnp.where(decay > 0, -jnp.log1p(uniform * jnp.expm1(-safe)) / safe, uniform)
        return jnp.where(tilt < 0, jnp.log(high) - share * length, jnp.log(low) + share * length)

    def tilted(self, exponent: Scalar) -> Self:
        return type(self)(self.low, self.high, self.tilt + exponent)
