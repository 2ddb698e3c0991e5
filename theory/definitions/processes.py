"""Forward processes x_t = α(t) x_0 + σ(t) ε: how data become noise, and the flow that takes noise back to data.

Time is the process's own: the noise level σ for `EDM`, t in [0, 1] growing towards noise for
`VariancePreserving`, t in [0, 1] growing towards data for `FlowMatching`. Every process can be entered by its
log signal-to-noise ratio as well, the one coordinate they share.
"""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from theory.definitions.arrays import Time, floating
from theory.definitions.schedules import AbstractSchedule, LinearSchedule


class AbstractProcess(eqx.Module):
    """A Gaussian forward process x_t = α(t) x_0 + σ(t) ε with ε ~ N(0, I).

    A subclass supplies α, d ln α/dt, σ, the diffusion coefficient D and the inverse of the log-SNR. Sampling
    starts at `start_time` from N(0, `prior_variance` I) and ends at `end_time`.
    """

    start_time: eqx.AbstractVar[float]
    end_time: eqx.AbstractVar[float]
    prior_variance: eqx.AbstractVar[float]

    @abc.abstractmethod
    def signal_scale(self, time: Time) -> Time:
        """α(t), the factor of the data in x_t."""

    @abc.abstractmethod
    def noise_scale(self, time: Time) -> Time:
        """σ(t), the standard deviation of the noise in x_t."""

    @abc.abstractmethod
    def log_signal_rate(self, time: Time) -> Time:
        """d ln α/dt."""

    @abc.abstractmethod
    def diffusion_coefficient(self, time: Time) -> Time:
        """D(t) = g²/2 = σ dσ/dt - (d ln α/dt) σ²; negative where time runs towards the data."""

    @abc.abstractmethod
    def time_from_log_snr(self, log_snr: Time) -> Time:
        """The time at which ln(α²/σ²) has the given value."""

    def log_snr(self, time: ArrayLike) -> Time:
        """ln(α²/σ²), the log signal-to-noise ratio for data of unit variance."""
        time = floating(time)
        return 2 * (jnp.log(self.signal_scale(time)) - jnp.log(self.noise_scale(time)))

    def probability_flow(
        self, x: Float[Array, "*batch dim"], score: Float[Array, "*batch dim"], time: Time
    ) -> Float[Array, "*batch dim"]:
        """Drift dx/dt = (d ln α/dt) x - D(t) s(x, t) of the probability-flow ODE (Vastola 2025, Eq. 3)."""
        time = jnp.broadcast_to(time, jnp.shape(x)[:-1])
        rate, diffusion = self.log_signal_rate(time), self.diffusion_coefficient(time)
        return rate[..., None] * x - diffusion[..., None] * score


class EDM(AbstractProcess):
    """Variance-exploding process of Karras et al. 2022: α = 1, σ(t) = t, so time *is* the noise level.

    Raises ValueError unless 0 < sigma_min < sigma_max < ∞.
    """

    sigma_min: float
    sigma_max: float

    def __init__(self, sigma_min: float = 0.002, sigma_max: float = 80.0) -> None:
        self.sigma_min = float(sigma_min)
        self.sigma_max = float(sigma_max)

    def __check_init__(self) -> None:
        if not 0 < self.sigma_min < self.sigma_max < float("inf"):
            raise ValueError(
                f"EDM needs 0 < sigma_min < sigma_max < inf; got sigma_min={self.sigma_min}, sigma_max={self.sigma_max}"
            )

    @property
    def start_time(self) -> float:
        return self.sigma_max

    @property
    def end_time(self) -> float:
        return self.sigma_min

    @property
    def prior_variance(self) -> float:
        return self.sigma_max**2

    def signal_scale(self, time: Time) -> Time:
        return jnp.ones_like(time)

    def noise_scale(self, time: Time) -> Time:
        return jnp.asarray(time)

    def log_signal_rate(self, time: Time) -> Time:
        return jnp.zeros_like(time)

    def diffusion_coefficient(self, time: Time) -> Time:
        return jnp.asarray(time)

    def time_from_log_snr(self, log_snr: Time) -> Time:
        return jnp.exp(-log_snr / 2)


class VariancePreserving(AbstractProcess):
    """Variance-preserving process: α² + σ² = 1, dx = -β x dt + √(2β) dW with β = -d ln α/dt from the schedule.

    Sampling runs from `start_time` (the schedule's latest time when not given) down to `end_time`, the cut-off
    ε. Raises ValueError unless 0 < end_time < start_time ≤ 1.
    """

    schedule: AbstractSchedule
    end_time: float
    start_time: float
    prior_variance: float

    def __init__(
        self,
        schedule: AbstractSchedule | None = None,
        end_time: float = 1e-3,
        start_time: float | None = None,
    ) -> None:
        self.schedule = LinearSchedule() if schedule is None else schedule
        self.end_time = float(end_time)
        self.start_time = self.schedule.latest_time if start_time is None else float(start_time)
        self.prior_variance = 1.0

    def __check_init__(self) -> None:
        if not 0 < self.end_time < self.start_time <= 1:
            raise ValueError(
                f"VariancePreserving needs 0 < end_time < start_time <= 1; got end_time={self.end_time}, "
                f"start_time={self.start_time}"
            )

    def signal_scale(self, time: Time) -> Time:
        return jnp.exp(self.schedule.log_signal_scale(jnp.asarray(time)))

    def noise_scale(self, time: Time) -> Time:
        # expm1 keeps σ relatively accurate where α is close to one.
        return jnp.sqrt(-jnp.expm1(2 * self.schedule.log_signal_scale(jnp.asarray(time))))

    def log_signal_rate(self, time: Time) -> Time:
        return -self.schedule.decay_rate(jnp.asarray(time))

    def diffusion_coefficient(self, time: Time) -> Time:
        return self.schedule.decay_rate(jnp.asarray(time))

    def time_from_log_snr(self, log_snr: Time) -> Time:
        # α² = 1/(1 + e^{-log SNR}).
        return self.schedule.time_from_log_signal_scale(-jax.nn.softplus(-log_snr) / 2)


class FlowMatching(AbstractProcess):
    """Linear interpolation x_t = t x_1 + (1-t) x_0 from noise x_0 at t = 0 to data x_1 at t = 1.

    In the notation of the other processes α = t and σ = 1-t; time runs towards the data. At t = 0 the score no longer
    determines the velocity, so `probability_flow` is defined for t > 0 only.
    """

    def __init__(self) -> None:
        pass

    @property
    def start_time(self) -> float:
        return 0.0

    @property
    def end_time(self) -> float:
        return 1.0

    @property
    def prior_variance(self) -> float:
        return 1.0

    def signal_scale(self, time: Time) -> Time:
        return jnp.asarray(time)

    def noise_scale(self, time: Time) -> Time:
        return 1 - jnp.asarray(time)

    def log_signal_rate(self, time: Time) -> Time:
        return 1 / jnp.asarray(time)

    def diffusion_coefficient(self, time: Time) -> Time:
        return -(1 - time) / jnp.asarray(time)

    def time_from_log_snr(self, log_snr: Time) -> Time:
        return jax.nn.sigmoid(log_snr / 2)
