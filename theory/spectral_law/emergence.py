"""The spectral law: when each mode emerges, from which side, and as which power of its variance."""

from collections.abc import Callable
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from theory.definitions.arrays import Time, floating, jit
from theory.definitions.checks import checked_jit
from theory.spectral_law.denoiser import AbstractDenoiser, check_noise_level, effective_weight
from theory.spectral_law.generation import generated_variance
from theory.spectral_law.regression import Modes, saturated

Mean = Literal["geometric", "harmonic", "arithmetic"]

_SCAN_POINTS = 512
_REFINEMENTS = 12


def emergence_level(denoiser: AbstractDenoiser, mean: Mean = "geometric") -> Modes:
    """The variance at which a mode counts as emerged: the mean of its initial and its target variance, (d,).

    Geometric √(λ̃(0) λ), harmonic 2λ̃(0)λ/(λ̃(0) + λ) or arithmetic. Raises ValueError for another `mean`.
    """
    return _mean_of(generated_variance(denoiser, 0.0), denoiser.spectrum.variance, mean)


def _mean_of(initial: Modes, target: Modes, mean: Mean) -> Modes:
    if mean == "geometric":
        return _root(initial) * _root(target)
    if mean == "harmonic":
        total = initial + target
        return 2 * initial * (target / jnp.where(total == 0, 1.0, total))
    if mean == "arithmetic":
        return (initial + target) / 2
    raise ValueError(f"mean must be 'geometric', 'harmonic' or 'arithmetic'; got {mean!r}")


def _root(value: Modes) -> Modes:
    """√, with a derivative of 0 at 0: a mode without data must not spoil those of the others."""
    return jnp.where(value == 0, 0.0, jnp.sqrt(jnp.where(value == 0, 1.0, value)))


def rises(denoiser: AbstractDenoiser) -> Array:
    """Which modes are on the rising branch: generated with too little variance before training, (d,) booleans."""
    return generated_variance(denoiser, 0.0) < denoiser.spectrum.variance


@jit
def emergence_time(denoiser: AbstractDenoiser, mean: Mean = "geometric") -> Modes:
    """First training time τ* at which each mode's generated variance reaches its level (`emergence_level`).

    On the rising branch the variance crosses the level from below, on the falling branch (`rises` is False) from
    above. A scan over times brackets the first crossing, and false position in ln τ refines it to round-off.
    Derivatives with respect to every parameter are those of the implicit function.

    **Returns:** (d,), in the units of τ; inf where the level is not crossed (no data in the mode, a parametrisation
    that cannot reach it, or a crossing after 10⁴/(ηλ), λ the smallest variance that is not zero). Derivatives are 0
    there.
    """
    initial, target = generated_variance(denoiser, 0.0), denoiser.spectrum.variance
    level = _mean_of(initial, target, mean)
    log_level = jnp.where(level > 0, jnp.log(jnp.where(level > 0, level, 1.0)), -jnp.inf)
    return _first_passage(_LogVariance(), denoiser, log_level, initial < target)


@checked_jit(check_noise_level)
def weight_emergence_time(denoiser: AbstractDenoiser, noise_level: ArrayLike, mean: Mean = "harmonic") -> Modes:
    """First training time at which each mode's gain at one noise level is half-way: at the mean of its values at
    τ = 0 and τ = ∞ (Wang & Pehlevan 2025, Secs. 4.2, 5.1).

    For the tied two-layer network and the harmonic mean τ* = ln 2/(8ηλ) exactly, whatever Q and σ. Geometric and
    harmonic means need gains of one sign; a mode that starts from Q = 0 needs the arithmetic one.

    **Arguments:** `noise_level`, one process time. **Returns:** (d,), in the units of τ; inf where never crossed.
    """
    noise_level = floating(noise_level)
    curve = _GainAt(noise_level)
    # A finite end of training: the derivative of η·∞ with respect to η does not exist.
    initial, final = (
        curve(denoiser, tau) for tau in (jnp.zeros_like(noise_level), saturated(jnp.full_like(noise_level, jnp.inf)))
    )
    level = _mean_of(initial, final, mean)
    # An end that is zero is its own geometric and harmonic mean, and is reached by underflow only.
    level = jnp.where(level == final, jnp.nan, level)
    return _first_passage(curve, denoiser, level, initial < final)


class _LogVariance(eqx.Module):
    """ln λ̃ as a function of training time."""

    def __call__(self, denoiser: AbstractDenoiser, tau: Time) -> Modes:
        return jnp.log(generated_variance(denoiser, tau))


class _GainAt(eqx.Module):
    """The gain at one noise level as a function of training time."""

    noise_level: Float[Array, ""]

    def __call__(self, denoiser: AbstractDenoiser, tau: Time) -> Modes:
        return denoiser.gain(tau, self.noise_level)


Curve = _LogVariance | _GainAt


@eqx.filter_custom_jvp
def _first_passage(curve: Curve, denoiser: AbstractDenoiser, level: Modes, rising: Array) -> Modes:
    """First time at which the curve of each mode reaches its level, from below where `rising`, else from above."""
    sign = jnp.where(rising, 1.0, -1.0)
    log_times = _scan_times(denoiser)

    def excess(log_time: Modes) -> Modes:
        """Signed distance to the level of mode k at its own time."""
        return sign * (_at_own_time(curve, denoiser, log_time) - level)

    scanned = sign[None] * (curve(denoiser, jnp.exp(log_times)) - level[None])
    crossed = scanned >= 0
    first = jnp.argmax(crossed, axis=0)
    found = crossed.any(axis=0) & (first > 0) & jnp.isfinite(level)
    first = jnp.maximum(first, 1)
    before, after = (jnp.take_along_axis(scanned, index[None], axis=0)[0] for index in (first - 1, first))
    log_time = _false_position(excess, log_times[first - 1], log_times[first], before, after)
    return jnp.where(found, jnp.exp(log_time), jnp.inf)


@_first_passage.def_jvp
def _first_passage_jvp(primals, tangents):
    # Implicit function: curve(θ, ln τ) = level gives d ln τ = (d level - ∂_θ curve dθ)/∂_{ln τ} curve.
    (curve, denoiser, _, _), (d_curve, d_denoiser, d_level, _) = primals, tangents
    time = _first_passage(*primals)
    found = jnp.isfinite(time)
    log_time = jnp.log(jnp.where(found, time, 1.0))
    slope = jax.jvp(lambda at: _at_own_time(curve, denoiser, at), (log_time,), (jnp.ones_like(log_time),))[1]
    _, moved = eqx.filter_jvp(
        lambda curve, denoiser: _at_own_time(curve, denoiser, log_time), (curve, denoiser), (d_curve, d_denoiser)
    )
    ahead = (0.0 if d_level is None else d_level) - (0.0 if moved is None else moved)
    usable = found & (slope != 0)
    # Not 0 · inf for a mode that never emerges: it would reach every mode when derivatives run backwards.
    return time, jnp.where(usable, jnp.where(found, time, 1.0) * ahead / jnp.where(usable, slope, 1.0), 0.0)


def _scan_times(denoiser: AbstractDenoiser) -> Float[Array, " scan"]:
    """ln τ from well before the fastest mode moves to well after the slowest has arrived."""
    variance = denoiser.spectrum.variance
    smallest = jnp.min(jnp.where(variance > 0, variance, jnp.inf))
    low, high = denoiser.process.log_ratio_range()
    levels = denoiser.process.time_from_log_snr(2 * jnp.linspace(low, high, 33, dtype=variance.dtype))
    speed = effective_weight(denoiser, levels)
    inputs = denoiser.process.signal_scale(levels) ** 2 * jnp.max(variance) + denoiser.process.noise_scale(levels) ** 2
    start = jnp.log(1e-4 / jnp.max(speed * inputs)) - jnp.log(denoiser.learning_rate)
    end = jnp.log(1e4 / (smallest * jnp.min(speed))) - jnp.log(denoiser.learning_rate)
    return jnp.linspace(start, end, _SCAN_POINTS)


def _at_own_time(curve: Curve, denoiser: AbstractDenoiser, log_time: Modes) -> Modes:
    """The curve of mode k at τ_k. Modes of a general parametrisation are coupled, so row k of the answer is needed."""
    # One mode at a time bounds the memory at O(d) for any number of modes.
    modes = jnp.arange(log_time.size)
    return jax.lax.map(lambda pair: curve(denoiser, jnp.exp(pair[0]))[pair[1]], (log_time, modes))


def _false_position(
    function: Callable[[Modes], Modes], low: Modes, high: Modes, at_low: Modes, at_high: Modes
) -> Modes:
    """Root between `low` (function < 0) and `high` (≥ 0) by false position with the Illinois rule, per element."""

    def refine(_, state):
        low, high, at_low, at_high, last_above = state
        difference = at_high - at_low
        fraction = jnp.where(difference > 0, -at_low / jnp.where(difference > 0, difference, 1.0), 0.5)
        middle = low + jnp.clip(fraction, 0.0, 1.0) * (high - low)
        value = function(middle)
        above = value >= 0
        # Halving the value at an end that stays for a second time keeps that end from being stuck.
        stuck = jnp.where(above == last_above, 0.5, 1.0)
        return (
            jnp.where(above, low, middle),
            jnp.where(above, middle, high),
            jnp.where(above, stuck * at_low, value),
            jnp.where(above, value, stuck * at_high),
            above,
        )

    # The first step halves one end needlessly, which does no harm.
    state = (low, high, at_low, at_high, jnp.ones(low.shape, bool))
    low, high, _, _, above = jax.lax.fori_loop(0, _REFINEMENTS, refine, state)
    return jnp.where(above, high, low)
