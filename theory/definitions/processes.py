"""Forward processes x_t = α(t) x_0 + σ(t) ε: how data become noise, and the flow that takes noise back to data.

Time is the process's own: the noise level σ for `EDM`, t in [0, 1] growing towards noise for
`VariancePreserving`, t in [0, 1] growing towards data for `FlowMatching`. Every process can be entered by its
log signal-to-noise ratio as well, the one coordinate they share.
"""

import abc
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Float

from theory.definitions.arrays import Scalar, Time, floating, is_traced, log, scalar
from theory.definitions.checks import checked_numbers, nan_unless
from theory.definitions.schedules import AbstractSchedule, LinearSchedule
from theory.definitions.targets import AbstractTarget, DenoiserTarget, FlowTarget

# Flow matching has infinite log-SNR at both ends. Beyond |ln(α/σ)| = 40 the rest of the flow changes a sample by
# less than e^-40 relative.
LARGEST_LOG_RATIO = 40.0


class AbstractProcess(eqx.Module):
    """A Gaussian forward process x_t = α(t) x_0 + σ(t) ε with ε ~ N(0, I).

    A subclass supplies α, d ln α/dt, σ, the diffusion coefficient D and the inverse of the log-SNR, and answers the
    questions below; most processes are an `AbstractFiniteProcess`, for which some of them are answered. Sampling starts
    at `start_time` from N(0, `prior_variance` I) and ends at `end_time`.

    Parameters are numbers, and may be JAX arrays or traced, for derivatives and batches. Bad values raise ValueError;
    traced ones, which cannot be looked at, become NaN.
    """

    start_time: eqx.AbstractVar[Scalar]
    end_time: eqx.AbstractVar[Scalar]
    prior_variance: eqx.AbstractVar[Scalar]

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

    @abc.abstractmethod
    def native_target(self) -> AbstractTarget:
        """What networks are usually trained on with this process."""

    @abc.abstractmethod
    def log_ratio_range(self) -> tuple[Scalar, Scalar]:
        """ln(α/σ) where sampling starts and where it ends."""

    @abc.abstractmethod
    def scales_at_log_ratio(self, log_ratio: Array) -> tuple[Array, Array]:
        """α and σ where ln(α/σ) has the given value, same shape."""

    @abc.abstractmethod
    def initial_log_variance(self) -> Scalar:
        """ln of (prior variance)·α_0²/α_T²: that of samples from a network that removes no noise at all."""

    @abc.abstractmethod
    def flow_coefficients(self, target: AbstractTarget, time: Time) -> tuple[Time, Time]:
        """(r, g) of the probability-flow ODE dx/dt = r x + g N(x) for a network N trained on the target.

        r = d ln α/dt + Dc/σ(cσ - eα) and g = -Dα/σ(cσ - eα), from the denoised data (σN - ex)/(cσ - eα). Data centred
        at zero. `time` (...,) -> (...,), (...,).
        """

    @abc.abstractmethod
    def variance_exploding_range(self) -> tuple[Scalar, Scalar] | None:
        """The smallest and the largest noise level if α = 1 all along, else None: what closed forms ask."""

    @abc.abstractmethod
    def is_straight(self) -> bool:
        """Whether α + σ = 1 from pure noise to pure data: what closed forms ask."""

    @abc.abstractmethod
    def latest_time(self) -> float:
        """The end of the process's times; all begin at zero."""

    def log_snr(self, time: ArrayLike) -> Time:
        """ln(α²/σ²), the log signal-to-noise ratio for data of unit variance.

        Raises ValueError for times that the process does not have; traced ones are not checked.
        """
        time = floating(time)
        if not isinstance(time, Tracer):
            process_time("time", time, self)
        return 2 * (jnp.log(self.signal_scale(time)) - jnp.log(self.noise_scale(time)))

    def probability_flow(
        self, x: Float[Array, "*batch dim"], score: Float[Array, "*batch dim"], time: Time
    ) -> Float[Array, "*batch dim"]:
        """Drift dx/dt = (d ln α/dt) x - D(t) s(x, t) of the probability-flow ODE (Vastola 2025, Eq. 3)."""
        time = jnp.broadcast_to(time, jnp.shape(x)[:-1])
        rate, diffusion = self.log_signal_rate(time), self.diffusion_coefficient(time)
        return rate[..., None] * x - diffusion[..., None] * score


def process_time(name: str, time: ArrayLike, process: AbstractProcess) -> Time:
    """`time` as an array. Raises ValueError for times that the process does not have; NaN there where it is traced.

    A ten-thousandth beyond the latest time counts as round-off. Of a process whose times have no end (EDM) those have
    to be finite, with finite squares: formulas have none for infinite noise.
    """
    time = floating(time)
    latest = process.latest_time() * (1 + 1e-4)
    largest = 0.99 * float(jnp.finfo(time.dtype).max) ** 0.5
    if isinstance(time, Tracer):
        return nan_unless((time >= 0) & (time <= min(latest, largest)), time)
    if not np.all((np.asarray(time) >= 0) & (np.asarray(time) <= latest)):
        raise ValueError(
            f"{name} must lie between 0 and {process.latest_time():g} for {type(process).__name__}; got {time}"
        )
    if not np.all(np.asarray(time) <= largest):
        raise ValueError(f"{name} must have a finite square, in the precision of {time.dtype}; got {time}")
    return time


def check_noisy_time(name: str, time: ArrayLike, process: AbstractProcess) -> None:
    """Raises ValueError for times that the process does not have, and where x_t has no noise, so that it has no score.

    Times and processes that are traced are not checked.
    """
    time = process_time(name, time, process)
    noise = process.noise_scale(time)
    if not isinstance(noise, Tracer) and not np.all(np.asarray(noise) > 0):
        raise ValueError(f"{name} must leave noise in x_t, since a score divides by its variance; got {time}")


class AbstractFiniteProcess(AbstractProcess):
    """A process whose signal-to-noise ratio is neither zero where sampling starts nor infinite where it ends."""

    def native_target(self) -> AbstractTarget:
        return DenoiserTarget()

    def initial_log_variance(self) -> Scalar:
        start, end = at_both_ends(self, self.signal_scale)
        return log(self.prior_variance) + 2 * log(end / start)

    def is_straight(self) -> bool:
        return False


class EDM(AbstractFiniteProcess):
    """Variance-exploding process of Karras et al. 2022: α = 1, σ(t) = t, so time *is* the noise level.

    Raises ValueError unless 0 < sigma_min < sigma_max < ∞.
    """

    sigma_min: Scalar
    sigma_max: Scalar

    def __init__(self, sigma_min: ArrayLike = 0.002, sigma_max: ArrayLike = 80.0) -> None:
        low, high = scalar(sigma_min), scalar(sigma_max)
        inside = (0 < low) & (low < high) & (high < float("inf"))
        self.sigma_min, self.sigma_max = checked_numbers(
            "EDM must have 0 < sigma_min < sigma_max < inf", inside, sigma_min=low, sigma_max=high
        )

    @property
    def start_time(self) -> Scalar:
        return self.sigma_max

    @property
    def end_time(self) -> Scalar:
        return self.sigma_min

    @property
    def prior_variance(self) -> Scalar:
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

    def scales_at_log_ratio(self, log_ratio: Array) -> tuple[Array, Array]:
        return jnp.ones_like(log_ratio), jnp.exp(-log_ratio)

    def flow_coefficients(self, target: AbstractTarget, time: Time) -> tuple[Time, Time]:
        alpha, sigma = self.signal_scale(time), self.noise_scale(time)
        signal, _ = target.coefficients(alpha, sigma)
        removed = 1 / target.determinant(alpha, sigma)
        return removed * signal, -removed

    def log_ratio_range(self) -> tuple[Scalar, Scalar]:
        return -log(self.sigma_max), -log(self.sigma_min)

    def latest_time(self) -> float:
        return float("inf")

    def variance_exploding_range(self) -> tuple[Scalar, Scalar] | None:
        return self.sigma_min, self.sigma_max


class VariancePreserving(AbstractFiniteProcess):
    """Variance-preserving process: α² + σ² = 1, dx = -β x dt + √(2β) dW with β = -d ln α/dt from the schedule.

    Sampling runs from `start_time` (the schedule's latest time when not given) down to `end_time`, the cut-off
    ε. Raises ValueError unless 0 < end_time < start_time ≤ 1, and < 1 for schedules with α(1) = 0.
    """

    schedule: AbstractSchedule
    end_time: Scalar
    start_time: Scalar

    def __init__(
        self,
        schedule: AbstractSchedule | None = None,
        end_time: ArrayLike = 1e-3,
        start_time: ArrayLike | None = None,
    ) -> None:
        self.schedule = LinearSchedule() if schedule is None else schedule
        end, start = scalar(end_time), self.schedule.latest_time if start_time is None else scalar(start_time)
        keeps_signal = self.schedule.latest_time == 1
        inside = (0 < end) & (end < start) & ((start <= 1) if keeps_signal else (start < 1))
        requirement = f"VariancePreserving must have 0 < end_time < start_time {'<=' if keeps_signal else '<'} 1"
        self.end_time, self.start_time = checked_numbers(requirement, inside, end_time=end, start_time=start)

    @property
    def prior_variance(self) -> float:
        return 1.0

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

    def scales_at_log_ratio(self, log_ratio: Array) -> tuple[Array, Array]:
        # From ln(α/σ) itself: near the noise a time does not resolve α.
        return jnp.sqrt(jax.nn.sigmoid(2 * log_ratio)), jnp.sqrt(jax.nn.sigmoid(-2 * log_ratio))

    def flow_coefficients(self, target: AbstractTarget, time: Time) -> tuple[Time, Time]:
        # r = -β + βc/σ(cσ - eα) with 1 - σ² = α², so that nothing cancels where α is small.
        alpha, sigma = self.signal_scale(time), self.noise_scale(time)
        signal, noise = target.coefficients(alpha, sigma)
        removed = self.diffusion_coefficient(time) * alpha / (sigma * target.determinant(alpha, sigma))
        return removed * (signal * alpha + noise * sigma), -removed

    def log_ratio_range(self) -> tuple[Scalar, Scalar]:
        start, end = at_both_ends(self, self.log_snr)
        return start / 2, end / 2

    def latest_time(self) -> float:
        return 1.0

    def variance_exploding_range(self) -> tuple[Scalar, Scalar] | None:
        return None


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

    def native_target(self) -> AbstractTarget:
        return FlowTarget()

    def log_ratio_range(self) -> tuple[Scalar, Scalar]:
        return -LARGEST_LOG_RATIO, LARGEST_LOG_RATIO

    def latest_time(self) -> float:
        return 1.0

    def scales_at_log_ratio(self, log_ratio: Array) -> tuple[Array, Array]:
        # From ln(α/σ) itself: 1 - t loses σ near the data.
        return jax.nn.sigmoid(log_ratio), jax.nn.sigmoid(-log_ratio)

    def initial_log_variance(self) -> Scalar:
        low, high = self.log_ratio_range()
        return float(2 * (np.logaddexp(0.0, -low) - np.logaddexp(0.0, -high)))

    def flow_coefficients(self, target: AbstractTarget, time: Time) -> tuple[Time, Time]:
        # The velocity x_1 - x_0 in terms of input and target, finite at both ends; α + σ stands for 1, so that for the
        # velocity itself the pair is exactly (0, 1).
        alpha, sigma = self.signal_scale(time), self.noise_scale(time)
        signal, noise = target.coefficients(alpha, sigma)
        determinant = target.determinant(alpha, sigma)
        return (-signal - noise) / determinant, (alpha + sigma) / determinant

    def variance_exploding_range(self) -> tuple[Scalar, Scalar] | None:
        return None

    def is_straight(self) -> bool:
        return True


def at_both_ends(process: AbstractProcess, function: Callable[[Time], Time]) -> tuple[Scalar, Scalar]:
    """A function of the process's time where sampling starts and where it ends: numbers where nothing is traced."""
    times = (process.start_time, process.end_time)
    if is_traced(process):
        start, end = (function(jnp.asarray(time)) for time in times)
        return start, end
    with jax.ensure_compile_time_eval():
        start, end = (float(function(jnp.asarray(time))) for time in times)
    return start, end
