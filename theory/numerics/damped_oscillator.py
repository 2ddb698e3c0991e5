"""The damped oscillator x'' + γx' + kx = 0 and its answer to a constant force, across the critical damping γ² = 4k.

With a = γt/2, y = kt² and z = a² - y, the motion from rest at 1 is

    K = e^-a [C(z) + a S(z)],   C(z) = cosh √z = cos √-z,   S(z) = sinh √z/√z = sin √-z/√-z,

and that from rest at 0 under a unit force M = (1 - K)/k. C and S are entire: nothing happens at z = 0 but to the
formula. Four pieces make up the plane of (a, y). They meet where both neighbours keep all but a digit, in value and in
derivatives:

    y < 1, z < 1      1 - K would cancel: the Taylor series of M in time
    |z| ≤ 1, y ≥ 1    √z would have an infinite slope: the power series of C and S
    z > 1             relaxation at the rates r = k/(γ/2 + √z/t) and r' = γ/2 + √z/t: no growing exponential
    z < -1            cosine and sine
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.numerics.special import difference_filter, relaxation_filter

_TAYLOR_TERMS = 30  # of M in time, for a² < 2 and y < 1: less than 1e-16 is left
_POWER_TERMS = 10  # of C and S, for |z| < 1
_EXTINCT = 750.0  # e^-a is zero beyond


class Motion(NamedTuple):
    """What is left of a displacement at time t, and what a unit force has done by then."""

    kept: Float[Array, "*shape"]  # K, 1 at t = 0
    forced: Float[Array, "*shape"]  # M = (1 - K)/k, 0 at t = 0


class Wave(NamedTuple):
    """K = Re[amplitude · e^(i·phase)] where the motion is underdamped; phase and amplitude are 0 and 1 elsewhere."""

    oscillates: Array
    amplitude: Array  # complex
    phase: Float[Array, "*shape"]


def damped_motion(
    damping: Float[Array, "*#shape"], stiffness: Float[Array, "*#shape"], time: Float[Array, "*#shape"]
) -> Motion:
    """K and M of x'' + γx' + kx = 0 at time t, for γ > 0, k ≥ 0 and t ≥ 0, where t² and γt are finite numbers.

    Errors are below 1e-13 in float64, absolute of K, which swings, and relative of M for motions without swing; the
    rounding of the phase t√(k - γ²/4) adds to them where it is large. Derivatives in all three arguments exist
    everywhere.

    **Arguments:** `damping` γ, `stiffness` k, `time` t, of shapes that broadcast. **Returns:** their common shape.
    """
    damping, stiffness, time = jnp.broadcast_arrays(damping, stiffness, time)
    discriminant = _discriminant(damping, stiffness)
    y, z = stiffness * time**2, discriminant * time**2
    early = (y < 1) & (z < 1)
    over, under = ~early & (z > 1), ~early & (z < -1)
    critical = ~(early | over | under)

    forced_early = time**2 * _taylor(jnp.where(early, damping * time, 0.0), jnp.where(early, y, 0.0))
    kept_over, forced_over = _overdamped(*_where(over, (damping, 3.0), (stiffness, 1.0), (time, 1.0)))
    kept_under = _underdamped(*_where(under, (damping, 1.0), (stiffness, 1.0), (time, 0.0)))
    kept_critical = _critical(*_where(critical, (damping * time / 2, 0.0), (z, 0.0)))

    kept = jnp.where(over, kept_over, jnp.where(under, kept_under, kept_critical))
    forced = (1 - kept) / jnp.where(early, 1.0, stiffness)
    forced = jnp.where(early, forced_early, jnp.where(over, forced_over, forced))
    return Motion(jnp.where(early, 1 - stiffness * forced_early, kept), forced)


def damped_wave(
    damping: Float[Array, "*#shape"], stiffness: Float[Array, "*#shape"], time: Float[Array, "*#shape"]
) -> Wave:
    """K as one complex exponential, e^-a (1 - iγ/2ω) e^(iωt) with ω = √(k - γ²/4); arguments as in `damped_motion`."""
    damping, stiffness, time = jnp.broadcast_arrays(damping, stiffness, time)
    oscillates = _discriminant(damping, stiffness) * time**2 < -1
    damping, stiffness, time = _where(oscillates, (damping, 1.0), (stiffness, 1.0), (time, 0.0))
    time = _seen(damping, time)
    frequency, decay = jnp.sqrt(-_discriminant(damping, stiffness)), jnp.exp(-damping * time / 2)
    amplitude = jax.lax.complex(decay, -decay * damping / (2 * frequency))
    return Wave(oscillates, jnp.where(oscillates, amplitude, 1.0), frequency * time)


def _discriminant(damping: Array, stiffness: Array) -> Array:
    return damping**2 / 4 - stiffness


def _where(chosen: Array, *pairs: tuple[Array, float]) -> list[Array]:
    """Each argument where it is `chosen`, elsewhere a number at which the formula and its derivatives exist."""
    return [jnp.where(chosen, value, elsewhere) for value, elsewhere in pairs]


def _taylor(twice_a: Array, y: Array) -> Array:
    """M/t² by the recursion that M'' + γM' + kM = 1 gives the coefficients of its powers of t."""
    before, term = jnp.zeros_like(y), jnp.full_like(y, 0.5)
    total = term
    for power in range(2, 2 + _TAYLOR_TERMS):
        before, term = term, -(twice_a * power * term + y * before) / (power * (power + 1))
        total = total + term
    return total


def _critical(a: Array, z: Array) -> Array:
    even, odd = (sum(z**n / float(math.factorial(2 * n + one)) for n in range(_POWER_TERMS)) for one in (0, 1))
    return jnp.exp(-a) * (even + a * odd)


def _overdamped(damping: Array, stiffness: Array, time: Array) -> tuple[Array, Array]:
    fast = damping / 2 + jnp.sqrt(_discriminant(damping, stiffness))
    slow = stiffness / fast
    kept = jnp.exp(-slow * time) + slow * difference_filter(slow, fast, time)
    # While the slow relaxation is young, 1 - K may be small; later the two relaxations may be alike.
    young = slow * time < 1
    some_slow, some_fast, some_time = _where(young, (slow, 1.0), (fast, 2.0), (time, 1.0))
    relaxed = relaxation_filter(some_slow, some_time) - relaxation_filter(some_fast, some_time)
    late = (1 - kept) / jnp.where(young, 1.0, stiffness)
    return kept, jnp.where(young, relaxed / (some_fast - some_slow), late)


def _underdamped(damping: Array, stiffness: Array, time: Array) -> Array:
    time = _seen(damping, time)
    frequency = jnp.sqrt(-_discriminant(damping, stiffness))
    phase = frequency * time
    return jnp.exp(-damping * time / 2) * (jnp.cos(phase) + damping / (2 * frequency) * jnp.sin(phase))


def _seen(damping: Array, time: Array) -> Array:
    """The time, but none at which e^-a is zero: the phase would be larger than any that has a cosine."""
    return jnp.minimum(time, 2 * _EXTINCT / damping)
