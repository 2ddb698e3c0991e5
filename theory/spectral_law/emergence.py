"""The spectral law: when each mode emerges, from which side, and as which power of its variance."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from theory.definitions.arrays import Time, floating
from theory.definitions.checks import check_between_zero_and_one, checked_jit, nan_unless
from theory.spectral_law.denoiser import AbstractDenoiser, check_noise_level, over_modes
from theory.spectral_law.generation import generated_variance
from theory.spectral_law.regression import Modes, saturated

Mean = Literal["geometric", "harmonic", "arithmetic"]

_SCAN_POINTS = 512
_REFINEMENTS = 12


def check_level(arguments: Mapping[str, Any]) -> None:
    """Raises ValueError for a level given twice, and for fractions outside (0, 1); a traced one is not checked."""
    if arguments.get("fraction") is None:
        return
    if arguments.get("mean") is not None:
        raise ValueError(
            f"the level must be given by a mean or by a fraction; got mean={arguments['mean']!r} "
            f"and fraction={arguments['fraction']}"
        )
    check_between_zero_and_one("fraction", arguments["fraction"])


def emergence_level(
    denoiser: AbstractDenoiser, mean: Mean | None = None, *, fraction: ArrayLike | None = None
) -> Float[Array, "*fractions modes"]:
    """The variance at which a mode counts as emerged, between its initial and its target variance, (..., d).

    A `mean` of the two, geometric √(λ̃(0) λ) where nothing is given, harmonic 2λ̃(0)λ/(λ̃(0) + λ) or arithmetic, (d,). Or
    a `fraction` f of the way in logarithms, a number or (...,): ln level = (1 - f) ln λ̃(0) + f ln λ. The geometric mean
    is f = 1/2. The other two are levels of their own: where λ and λ̃(0) are far apart, twice the smaller and half the
    larger, so that they tend to f → 1 and f → 0 on the falling branch and the other way round on the rising one.

    Raises ValueError for another `mean`, a fraction outside (0, 1), and for both at once; a traced fraction outside
    gives NaN.
    """
    check_level({"mean": mean, "fraction": fraction})
    initial, target = generated_variance(denoiser, 0.0), denoiser.spectrum.variance
    return nan_unless(_inside(fraction), _level_of(initial, target, "geometric" if mean is None else mean, fraction))


def _level_of(initial: Modes, target: Modes, mean: Mean, fraction: ArrayLike | None) -> Modes:
    if fraction is None:
        return _mean_of(initial, target, mean)
    fraction = jnp.expand_dims(floating(fraction).astype(target.dtype), -1)
    initial, target = over_modes(fraction, initial, target)
    signs = jnp.sign(initial) * jnp.sign(target)
    before, after = (jnp.log(jnp.where(signs > 0, jnp.abs(end), 1.0)) for end in (initial, target))
    level = jnp.sign(target) * jnp.exp((1 - fraction) * before + fraction * after)
    return jnp.where(signs > 0, level, jnp.where(signs < 0, jnp.nan, 0.0))


def _inside(fraction: ArrayLike | None) -> ArrayLike:
    """Whether a fraction lies in (0, 1), with an axis for the modes."""
    if fraction is None:
        return True
    fraction = jnp.expand_dims(floating(fraction), -1)
    return (fraction > 0) & (fraction < 1)


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


@checked_jit(check_level)
def emergence_time(
    denoiser: AbstractDenoiser, mean: Mean | None = None, *, fraction: ArrayLike | None = None
) -> Float[Array, "*fractions modes"]:
    """First training time τ* at which each mode's generated variance reaches its level (`emergence_level`).

    On the rising branch the variance crosses the level from below, on the falling branch (`rises` is False) from
    above. A scan over times brackets the first crossing, and false position in ln τ refines it to round-off.
    Derivatives with respect to every parameter are those of the implicit function.

    **Arguments:** `mean`, "geometric" where nothing is given, "harmonic" or "arithmetic"; or `fraction`, how far from
    the initial to the target variance in logarithms, a number or (...,) of them, which share one scan.

    **Returns:** (..., d), in the units of τ; inf where the level is not crossed (no data in the mode, a parametrisation
    that cannot reach it, or a crossing after the end of `training_window`). Derivatives are 0 there. NaN where a
    quadrature does not resolve the gain before the level is crossed, and where it is crossed before the beginning of
    `training_window`, as a fraction below 10⁻⁵ may be. Raises ValueError as `emergence_level` does.
    """
    initial, target = generated_variance(denoiser, 0.0), denoiser.spectrum.variance
    level = _level_of(initial, target, "geometric" if mean is None else mean, fraction)
    log_level = jnp.where(level > 0, jnp.log(jnp.where(level > 0, level, 1.0)), -jnp.inf)
    times = first_passages(_LogVariance(), denoiser, log_level, initial < target)
    return nan_unless(_inside(fraction), times)


@checked_jit(check_noise_level, check_level)
def weight_emergence_time(
    denoiser: AbstractDenoiser,
    noise_level: ArrayLike,
    mean: Mean | None = None,
    *,
    fraction: ArrayLike | None = None,
) -> Float[Array, "*fractions modes"]:
    """First training time at which each mode's gain at one noise level is half-way: at the mean of its values at
    τ = 0 and τ = ∞ (Wang & Pehlevan 2025, Secs. 4.2, 5.1), or at a fraction of the way in logarithms.

    For the tied two-layer network and the harmonic mean τ* = ln 2/(8ηλ) exactly, whatever Q and σ. Geometric and
    harmonic means and fractions need gains of one sign; a mode that starts from Q = 0 needs the arithmetic one.

    **Arguments:** `noise_level`, one process time; `mean`, "harmonic" where nothing is given, or `fraction` as in
    `emergence_time`. **Returns:** (..., d), in the units of τ; inf where never crossed.
    """
    noise_level = floating(noise_level)
    curve = _GainAt(noise_level)
    # A finite end of training: the derivative of η·∞ with respect to η does not exist.
    initial, final = (
        curve(denoiser, tau)
        for tau in (
            jnp.zeros_like(noise_level),
            saturated(jnp.full_like(noise_level, jnp.inf), denoiser.learning_rate),
        )
    )
    level = _level_of(initial, final, "harmonic" if mean is None else mean, fraction)
    # An end that is zero is its own geometric and harmonic mean, and is reached by underflow only.
    level = jnp.where(level == jnp.broadcast_to(final, level.shape), jnp.nan, level)
    return nan_unless(_inside(fraction), first_passages(curve, denoiser, level, initial < final))


class _LogVariance(eqx.Module):
    """ln λ̃ as a function of training time."""

    def __call__(self, denoiser: AbstractDenoiser, tau: Time) -> Modes:
        return jnp.log(generated_variance(denoiser, tau))


class _GainAt(eqx.Module):
    """The gain at one noise level as a function of training time."""

    noise_level: Float[Array, ""]

    def __call__(self, denoiser: AbstractDenoiser, tau: Time) -> Modes:
        return denoiser.gain(tau, self.noise_level)


Curve = Callable[[AbstractDenoiser, Time], Modes]


def first_passages(curve: Curve, denoiser: AbstractDenoiser, levels: Modes, rising: Array) -> Modes:
    """First training times at which `curve(denoiser, τ)` of each mode reaches its levels, (..., d); inf where never.

    From below where `rising`, (d,), else from above. The curve is a module, (...,) -> (..., d), whose arrays
    derivatives pass through. The scan over times, which does not depend on levels, is done once for all of them.
    """
    rows = levels.reshape(-1, levels.shape[-1])
    if rows.shape[0] == 1:
        return _first_passage(curve, denoiser, rows[0], rising).reshape(levels.shape)
    return jax.vmap(lambda level: _first_passage(curve, denoiser, level, rising))(rows).reshape(levels.shape)


@eqx.filter_custom_jvp
def _first_passage(curve: Curve, denoiser: AbstractDenoiser, level: Modes, rising: Array) -> Modes:
    """First time at which the curve of each mode reaches its level, from below where `rising`, else from above."""
    sign = jnp.where(rising, 1.0, -1.0)
    scan = _scan_times(denoiser)
    log_times = jnp.concatenate([jnp.full(1, -jnp.inf, scan.dtype), scan])

    def excess(log_time: Modes) -> Modes:
        """Signed distance to the level of mode k at its own time."""
        return sign * (_at_own_time(curve, denoiser, log_time) - level)

    values = curve(denoiser, jnp.exp(log_times))
    scanned = sign[None] * (values - level[None])
    crossed, unknown = scanned >= 0, jnp.isnan(values)
    first = jnp.argmax(crossed | unknown, axis=0)
    lost = jnp.take_along_axis(unknown, first[None], axis=0)[0]
    found = crossed.any(axis=0) & (first > 0) & jnp.isfinite(level)
    early = found & (first == 1)  # between τ = 0 and the first time of the window
    first = jnp.maximum(first, 2)
    before, after = (jnp.take_along_axis(scanned, index[None], axis=0)[0] for index in (first - 1, first))
    log_time = _false_position(excess, log_times[first - 1], log_times[first], before, after)
    return jnp.where(lost | early, jnp.nan, jnp.where(found, jnp.exp(log_time), jnp.inf))


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
    return jnp.linspace(*denoiser.training_window(), _SCAN_POINTS)


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
