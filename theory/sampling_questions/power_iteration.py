"""Power iteration: where a network in training, and where a sampler, prefers the leading mode of the data.

**In training time.** Modes are learned in the order of their variance, so that samples of a network in training are
more aligned with the leading mode than data are. One layer from zero on EDM has, with c = 2ητ and exactly,

    d ln λ̃_k/dc = λ_k e^{-cλ_k} L,   L = ln(σ_T²/σ_0²) + Ein(cσ_0²) - Ein(cσ_T²) → ln(1/cσ_0²) - γ,

which begins as a power iteration of exp(Σ) does, linear in c, and ends. Of two modes, r = λ_1/λ_2, the alignment
A = λ̃_1/Σ_k λ̃_k is largest where both logarithms grow equally fast, whatever σ_0 and σ_T; then, σ_0 → 0 and σ_T → ∞,

    c* = ln r/(λ_1 - λ_2),   ln[(λ̃_1/λ̃_2)/r] = (1 - 1/r) e^{-u} (ln λ_2/uσ_0² - γ) + E_1(ru) - E_1(u),   u = c*λ_2.

That lies between the emergence times of the two, cλ_k → ln 2 in geometric means, for r > 2 alone (2.46 at σ_0 = .002):
modes that are closer have both emerged before. For λ = 10, 1, .1 alignment is .333 before training, .375 at c = .001,
.99997 at its peak, c = .26, and .901 in the data. It belongs to networks that say the data: those of flow matching that
begin at zero have ln(λ̃_1/rλ̃_2) = E_1(cλ_1) - E_1(cλ_2), which rises to zero and never overshoots. (This project.)

**In sampling.** A schedule of DDIM with the ideal denoiser gives amplitudes √λ̃ with the local exponent

    p = d ln √λ̃/d ln λ = Σ_i λρ_i(ρ_i - ρ_{i+1})/[(λ + ρ_iρ_{i+1})(λ + ρ_i²)],   0 < p ≤ 1,

since no term exceeds λ/(λ + ρ_{i+1}²) - λ/(λ + ρ_i²). So √(λ̃_1/λ̃_2) ≤ λ_1/λ_2, however many steps there are: one step
from much noise is one power iteration, p = 1, and fine steps make half of one, p = ½, where N iterations of the
covariance would have p = N. (This project. Weitzner et al. 2024, arXiv 2410.14730, say in their abstract that linear
diffusion "converges in mean to the leading eigenvector", as power iteration; their sampler is not this one.)
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from theory.definitions.arrays import Time, floating, is_traced
from theory.definitions.checks import check_training_time, check_variance, checked_jit, nan_unless
from theory.sampling_questions.schedules import Levels, check_levels
from theory.spectral_law.denoiser import AbstractDenoiser
from theory.spectral_law.generation import TrainingTime, generated_variance
from theory.spectral_law.regression import Modes

_SCAN_POINTS, _HALVINGS = 256, 40


class AlignmentPeak(NamedTuple):
    """When samples are most aligned with the leading mode, how much, and by how much more than data."""

    time: Float[Array, ""]  # τ; 0 or infinite where alignment only falls or only rises
    alignment: Float[Array, ""]  # A
    overshoot: Float[Array, ""]  # ln of the odds A/(1 - A) over those of the data


def _check_modes(arguments: Mapping[str, Any]) -> None:
    variance = arguments["denoiser"].spectrum.variance
    if not is_traced(variance) and np.count_nonzero(np.asarray(variance)) < 2:
        raise ValueError("alignment with the leading mode needs two modes with data at least")


@checked_jit(_check_modes, tau=check_training_time)
def alignment(denoiser: AbstractDenoiser, tau: TrainingTime) -> Float[Array, "*tau"]:
    """A = λ̃_1/Σ_k λ̃_k, the share of the leading mode (the first of the largest data variance) in what is generated.

    For every parametrisation, as right as its `generated_variance`; `tau` (...,). **Raises** ValueError for fewer than
    two modes with data, and for training times below zero or NaN.
    """
    return jax.nn.sigmoid(_log_odds(denoiser.spectrum.variance, generated_variance(denoiser, floating(tau))))


def _log_odds(data: Modes, variance: Modes) -> Array:
    """ln[λ̃_1/Σ_{k≠1} λ̃_k]; NaN for fewer than two modes with data."""
    leading = jnp.arange(data.size) == jnp.argmax(data)
    first, rest = (jnp.sum(jnp.where(chosen, variance, 0.0), axis=-1) for chosen in (leading, ~leading))
    return nan_unless(jnp.count_nonzero(data) > 1, jnp.log(first) - jnp.log(rest))


@checked_jit(_check_modes)
def alignment_peak(denoiser: AbstractDenoiser) -> AlignmentPeak:
    """The largest alignment of training, where its derivative in ln τ is zero.

    For every parametrisation, right to 1e-8 (single precision: time to 1e-3 for λ_1/λ_2 < 1e9, the others to 1e-5).
    Derivatives are those of the implicit function. What is less than the root of round-off above both ends of training
    is no peak, and there the largest alignment is that of the end itself. **Raises** ValueError as `alignment`. NaN
    where a quadrature does not resolve the gain before the peak; later ones are passed.
    """
    data = denoiser.spectrum.variance

    def odds(log_time: Array) -> Array:
        return _log_odds(data, generated_variance(denoiser, jnp.exp(log_time)))

    def slope(log_time: Array) -> Array:
        return jax.jvp(odds, (log_time,), (jnp.ones_like(log_time),))[1]

    places = jnp.linspace(*denoiser.training_window(), _SCAN_POINTS)
    values = odds(places)
    lost, values = jnp.isnan(values), jnp.where(jnp.isnan(values), -jnp.inf, values)
    highest = jnp.clip(jnp.argmax(values), 1, _SCAN_POINTS - 2)
    inside = values[highest] > jnp.maximum(values[0], values[-1]) + jnp.sqrt(jnp.finfo(values.dtype).eps)
    top = jax.lax.stop_gradient(_last_rising(slope, places[highest - 1], places[highest + 1]))
    # One step of Newton's method carries derivatives: dt = -∂slope/curvature.
    at_top, curvature = jax.jvp(slope, (top,), (jnp.ones_like(top),))
    found = top - at_top / jnp.where(inside, jax.lax.stop_gradient(curvature), 1.0)
    time = jnp.where(inside, jnp.exp(found), jnp.where(values[-1] >= values[0], jnp.inf, 0.0))
    log_odds = _log_odds(data, generated_variance(denoiser, time))
    known = ~jnp.any(lost & (jnp.arange(_SCAN_POINTS) < highest))
    return AlignmentPeak(nan_unless(known, time), jax.nn.sigmoid(log_odds), log_odds - _log_odds(data, data))


def _last_rising(slope: Callable[[Array], Array], low: Array, high: Array) -> Array:
    """Where the slope changes from positive to negative, by bisection."""

    def halve(_: Array, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        middle = (ends[0] + ends[1]) / 2
        rising = slope(middle) > 0
        return jnp.where(rising, middle, ends[0]), jnp.where(rising, ends[1], middle)

    return jax.lax.fori_loop(0, _HALVINGS, halve, (low, high))[0]


def peak_time_of_two_modes(first: ArrayLike, second: ArrayLike) -> Time:
    """ητ* = ln(λ_1/λ_2)/2(λ_1 - λ_2), when one layer from zero is most aligned on two modes; exact on EDM, (...,).

    **Raises** ValueError unless ∞ > `first` > `second` > 0 (NaN where traced).
    """
    first, second = floating(first), floating(second)
    inside = (first > second) & (second > 0) & jnp.isfinite(first)
    if not is_traced(inside) and not np.all(inside):
        raise ValueError(f"variances must be positive and finite, the first the larger; got {first} and {second}")
    close = first < 2 * second  # then their ratio has lost what tells it from one
    log_ratio = jnp.where(close, jnp.log1p((first - second) / second), jnp.log(first) - jnp.log(second))
    return nan_unless(inside, log_ratio / (2 * (first - second)))


@checked_jit(levels=check_levels, variance=check_variance)
def covariance_power(levels: Levels, variance: Time) -> Time:
    """p = d ln √λ̃/d ln λ of DDIM with the ideal denoiser from N(0, σ_T²), above 0 and 1 at most; (...,) -> (...,).

    How many iterations of the covariance a schedule is worth; the first level may be infinite. One for λ = 0, a limit.
    **Raises** ValueError for levels that do not fall to zero, and variances below zero or infinite (NaN if traced).
    """
    levels, variance = floating(levels), floating(variance)[..., None]
    variance = nan_unless((variance >= 0) & (variance < jnp.inf), variance)
    now, after = (each.reshape((1,) * (variance.ndim - 1) + (-1,)) for each in (levels[:-1], levels[1:]))
    last, infinite = after == 0, jnp.isinf(now) & (after > 0)
    # No infinite noise times zero and no zero by zero, in derivatives too.
    product = jnp.where(last | infinite, 1.0, now) * jnp.where(last, 1.0, after)
    share = jnp.where(last, 1.0, jnp.where(infinite, 0.0, variance / (variance + product)))
    return jnp.sum(share * (1 - after / now) / (1 + variance * (1 / now) ** 2), axis=-1)
