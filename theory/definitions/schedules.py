"""How the signal of a variance-preserving process decays."""

import abc
import math
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import ArrayLike

from theory.definitions.arrays import Scalar, Time, scalar
from theory.definitions.checks import checked_numbers


class AbstractSchedule(eqx.Module):
    """How the signal of a variance-preserving process decays: ln α(t), its rate and its inverse on t in [0, 1]."""

    latest_time: eqx.AbstractClassVar[float]  # where sampling starts; before 1 for schedules with α(1) = 0

    @abc.abstractmethod
    def log_signal_scale(self, time: Time) -> Time:
        """ln α(t)."""

    @abc.abstractmethod
    def decay_rate(self, time: Time) -> Time:
        """β(t) = -d ln α/dt."""

    @abc.abstractmethod
    def time_from_log_signal_scale(self, log_signal_scale: Time) -> Time:
        """The time at which ln α has the given value."""


class LinearSchedule(AbstractSchedule):
    """β(t) = β_min + (β_max - β_min) t, so -ln α = β_min t + (β_max - β_min) t²/2.

    Convention of Vastola 2025: dx = -β x dt + √(2β) dW. Song et al. 2021 write β/2 where this has β; their
    β_min = 0.1, β_max = 20 are 0.05 and 10 here.
    """

    beta_min: Scalar
    beta_max: Scalar
    latest_time: ClassVar[float] = 1.0

    def __init__(self, beta_min: ArrayLike = 0.1, beta_max: ArrayLike = 20.0) -> None:
        low, high = scalar(beta_min), scalar(beta_max)
        inside = (low > 0) & (low < high) & (high < math.inf)
        requirement = "LinearSchedule must have 0 < beta_min < beta_max < inf"
        self.beta_min, self.beta_max = checked_numbers(requirement, inside, beta_min=low, beta_max=high)

    def log_signal_scale(self, time: Time) -> Time:
        return -(self.beta_min * time + (self.beta_max - self.beta_min) * time**2 / 2)

    def decay_rate(self, time: Time) -> Time:
        return self.beta_min + (self.beta_max - self.beta_min) * time

    def time_from_log_signal_scale(self, log_signal_scale: Time) -> Time:
        # The positive root of the quadratic, written without the cancellation of -β_min + √(…).
        slope = self.beta_max - self.beta_min
        return -2 * log_signal_scale / (self.beta_min + jnp.sqrt(self.beta_min**2 - 2 * slope * log_signal_scale))


class CosineSchedule(AbstractSchedule):
    """α(t) = cos(θ(t))/cos(θ(0)), θ(t) = (π/2)(t + offset)/(1 + offset) (Nichol & Dhariwal 2021, Eq. 17)."""

    offset: Scalar = eqx.field(default=0.008, converter=scalar)
    latest_time: ClassVar[float] = 0.999

    def __check_init__(self) -> None:
        inside = (self.offset >= 0) & (self.offset < math.inf)
        checked_numbers("CosineSchedule must have 0 <= offset < inf", inside, offset=self.offset)

    def _angle(self, time: ArrayLike) -> Time:
        return (jnp.pi / 2) * (jnp.asarray(time) + self.offset) / (1 + self.offset)

    def _angle_left(self, time: Time) -> Time:
        """π/2 - θ(t), relatively accurate near the noise."""
        return (jnp.pi / 2) * (1 - time) / (1 + self.offset)

    def log_signal_scale(self, time: Time) -> Time:
        # 1 - cos a/cos b = 2 sin((a+b)/2) sin((a-b)/2)/cos b keeps ln α relatively accurate near the data, and the
        # angle that is left to π/2 does so near the noise, where α tends to zero.
        start = self._angle(0.0)
        half_turn = (jnp.pi / 4) * time / (1 + self.offset)
        lost = 2 * jnp.sin(start + half_turn) * jnp.sin(half_turn) / jnp.cos(start)
        late = lost > 0.5
        left = jnp.where(late, jnp.sin(self._angle_left(time)), 0.5)
        return jnp.where(late, jnp.log(left) - jnp.log(jnp.cos(start)), jnp.log1p(-jnp.where(late, 0.0, lost)))

    def decay_rate(self, time: Time) -> Time:
        late = time > 0.5
        rate = jnp.where(late, 1 / jnp.tan(self._angle_left(jnp.where(late, time, 0.5))), jnp.tan(self._angle(time)))
        return (jnp.pi / 2) / (1 + self.offset) * rate

    def time_from_log_signal_scale(self, log_signal_scale: Time) -> Time:
        # With a = θ(t) - θ(0): 1 - α = 2 sin²(a/2) + tan θ(0) sin a, a quadratic in tan(a/2) without cancellation.
        lost, slope = -jnp.expm1(log_signal_scale), jnp.tan(self._angle(0.0))
        half_turn = jnp.arctan(lost / (slope + jnp.sqrt(slope**2 + lost * (2 - lost))))
        return half_turn * 4 / jnp.pi * (1 + self.offset)


class SigmoidSchedule(AbstractSchedule):
    """α²(t) = [S(b) - S(a + (b-a)t)]/[S(b) - S(a)] with S the logistic function (Jabri et al. 2022, Alg. 1).

    `start` and `end` are a and b, the ends of the logistic function's argument.
    """

    start: Scalar = eqx.field(default=-3.0, converter=scalar)
    end: Scalar = eqx.field(default=3.0, converter=scalar)
    latest_time: ClassVar[float] = 0.999

    def __check_init__(self) -> None:
        checked_numbers(
            "SigmoidSchedule must have finite start < end",
            (-math.inf < self.start) & (self.start < self.end) & (self.end < math.inf),
            start=self.start,
            end=self.end,
        )

    # With u = a + (b-a)t all is made of S(u) - S(a) = S(u) S(-a) (1 - e^{a-u}) and
    # S(b) - S(u) = S(b) S(-u) (1 - e^{u-b}), which keep their relative accuracy at both ends, for any a and b.

    def _share(self) -> Scalar:
        """[S(b) - S(a)]/S(-a)."""
        return jax.nn.sigmoid(self.end) * -jnp.expm1(self.start - self.end)

    def log_signal_scale(self, time: Time) -> Time:
        argument = self.start + (self.end - self.start) * time
        lost = jax.nn.sigmoid(argument) * -jnp.expm1((self.start - self.end) * time) / self._share()  # 1 - α²
        late = lost > 0.5
        left, all_left = (-jnp.expm1((self.start - self.end) * part) for part in (jnp.where(late, 1 - time, 0.5), 1.0))
        near_noise = jax.nn.softplus(self.start) - jax.nn.softplus(argument) + jnp.log(left) - jnp.log(all_left)
        return jnp.where(late, near_noise, jnp.log1p(-jnp.where(late, 0.0, lost))) / 2

    def decay_rate(self, time: Time) -> Time:
        length = self.end - self.start
        relative = jax.nn.sigmoid(self.start + length * time) / jax.nn.sigmoid(self.end)
        return length * relative / (-2 * jnp.expm1(-length * (1 - time)))

    def time_from_log_signal_scale(self, log_signal_scale: Time) -> Time:
        # The difference of the logits of S(u) and S(a), which stays accurate where they are close, and where both
        # are close to one.
        length, share = self.end - self.start, self._share()
        lost = -share * jnp.expm1(2 * log_signal_scale)  # [S(u) - S(a)]/S(-a)
        rest = jax.nn.sigmoid(-self.end) + jax.nn.sigmoid(self.end) * jnp.exp(-length)  # 1 - share
        late = lost > 0.5
        kept = jnp.where(
            late, jnp.log(rest + share * jnp.exp(2 * log_signal_scale)), jnp.log1p(-jnp.where(late, 0.0, lost))
        )
        return (jnp.log1p(lost * jnp.exp(-self.start)) - kept) / length
