"""The factor of the loss at each noise level. To add a weight, subclass `AbstractWeight`."""

import abc
from functools import partial

import equinox as eqx
import jax.numpy as jnp

from theory.definitions.arrays import FormulaChoice, Scalar, Time, log
from theory.definitions.checks import finite, positive
from theory.definitions.preconditionings import AbstractPreconditioning
from theory.definitions.processes import AbstractProcess


class AbstractWeight(eqx.Module):
    """The factor w of the loss w·E‖y - D(x)‖² at each noise level.

    With a network of its own per noise level, the share of the training pairs that a level receives acts in the same
    way: gradient flow sees the product of loss weight and sampling density only (`ProductWeight`).
    """

    @abc.abstractmethod
    def __call__(self, process: AbstractProcess, time: Time) -> Time:
        """w at the given process time, same shape."""

    @abc.abstractmethod
    def kinks(self) -> tuple[Scalar, ...]:
        """Where the weight bends, as ln(α/σ): quadratures over the noise level put the edge of a panel there."""

    @abc.abstractmethod
    def noise_power(self) -> float | None:
        """a where the weight is known to be w = σ^-2a before anything is traced, else None."""


class AbstractSmoothWeight(AbstractWeight):
    """A weight without kinks."""

    def kinks(self) -> tuple[Scalar, ...]:
        return ()


class UniformWeight(AbstractSmoothWeight):
    """w = 1."""

    def __call__(self, process: AbstractProcess, time: Time) -> Time:
        return jnp.ones_like(time)

    def noise_power(self) -> float | None:
        return 0.0


class PowerWeight(AbstractSmoothWeight, FormulaChoice):
    """w = σ^-2a with a = `exponent`: the spectral law of the denoiser becomes τ* ∝ λ^-(1-a).

    For λ, σ² → kλ, kσ² leave the optimum unchanged and multiply the rate (λ + σ²)σ^-2a by k^(1-a).
    """

    exponent: Scalar = eqx.field(converter=partial(finite, "exponent"))

    def __call__(self, process: AbstractProcess, time: Time) -> Time:
        return positive_noise_scale(process, time) ** (-2 * self.exponent)

    def noise_power(self) -> float | None:
        return float(self.exponent) if isinstance(self.exponent, int | float) else None


class EDMWeight(AbstractSmoothWeight):
    """w = (α²σ_d² + σ²)/(σσ_d)² = 1/c_out² (Karras et al. 2022, Tab. 1, where α = 1), σ_d = `data_scale`.

    It makes the loss of the preconditioned network (`EDMPreconditioning`) uniform over noise levels.
    """

    data_scale: Scalar = eqx.field(default=0.5, converter=partial(positive, "data_scale"))

    def __call__(self, process: AbstractProcess, time: Time) -> Time:
        squared = positive_noise_scale(process, time) ** 2
        return process.signal_scale(time) ** 2 / squared + 1 / self.data_scale**2

    def noise_power(self) -> float | None:
        return None


class MinSNRWeight(AbstractWeight):
    """w = min(α²/σ², γ) on the loss of the denoised data (Hang et al. 2023, Min-SNR-γ), γ = `ceiling`."""

    ceiling: Scalar = eqx.field(default=5.0, converter=partial(positive, "ceiling"))

    def __call__(self, process: AbstractProcess, time: Time) -> Time:
        return jnp.minimum(jnp.exp(process.log_snr(time)), self.ceiling)

    def kinks(self) -> tuple[Scalar, ...]:
        return (log(self.ceiling) / 2,)

    def noise_power(self) -> float | None:
        return None


class LogNormalDensity(AbstractSmoothWeight):
    """Density of ln σ when training noise levels are drawn from a log-normal law, relative to its maximum.

    w = exp[-(ln σ - m)²/2s²] with m = `log_mean`, s = `log_std`; Karras et al. 2022 draw with m = -1.2, s = 1.2.
    """

    log_mean: Scalar = eqx.field(default=-1.2, converter=partial(finite, "log_mean"))
    log_std: Scalar = eqx.field(default=1.2, converter=partial(positive, "log_std"))

    def __call__(self, process: AbstractProcess, time: Time) -> Time:
        return jnp.exp(-(((jnp.log(positive_noise_scale(process, time)) - self.log_mean) / self.log_std) ** 2) / 2)

    def noise_power(self) -> float | None:
        return None


class ProductWeight(AbstractWeight):
    """The product of two weights, for example of a loss weight and a sampling density."""

    first: AbstractWeight
    second: AbstractWeight

    def __call__(self, process: AbstractProcess, time: Time) -> Time:
        return self.first(process, time) * self.second(process, time)

    def kinks(self) -> tuple[Scalar, ...]:
        return self.first.kinks() + self.second.kinks()

    def noise_power(self) -> float | None:
        first, second = self.first.noise_power(), self.second.noise_power()
        return None if first is None or second is None else first + second


class TrainingSpeed(AbstractWeight):
    """w (c_out c_in)²: the weight under which a plain network trains as fast as the preconditioned one.

    Karras et al. 2022's weight and scales together give 1/(α²σ_d² + σ²), for EDM uniform for σ ≪ σ_d and σ^-2 for σ ≫
    σ_d.
    """

    weight: AbstractWeight
    preconditioning: AbstractPreconditioning

    def __call__(self, process: AbstractProcess, time: Time) -> Time:
        scales = self.preconditioning.scales(process.signal_scale(time), process.noise_scale(time))
        return self.weight(process, time) * scales.linear**2

    def kinks(self) -> tuple[Scalar, ...]:
        return self.weight.kinks()

    def noise_power(self) -> float | None:
        return None if self.preconditioning.constant_skip() is None else self.weight.noise_power()


def positive_noise_scale(process: AbstractProcess, time: Time) -> Time:
    """σ, kept so far from zero that its powers are finite.

    Flow matching's σ = 1 - t rounds to zero before sampling ends, where the flow is over to round-off.
    """
    sigma = process.noise_scale(time)
    return jnp.maximum(sigma, jnp.finfo(sigma.dtype).eps ** 2)
