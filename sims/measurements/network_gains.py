"""The gain ψ_k(σ) of any denoiser along the data's modes, and the variance that these gains alone would generate.

What a network generates beyond that comes from what no gain describes: its nonlinearity, and its mixing of modes.
Variance-exploding process throughout: x = x_0 + σ n, and samples follow dx/dσ = (x - D(x, σ))/σ.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float, PRNGKeyArray
from scipy.interpolate import CubicSpline

from sims.measurements.denoisers import Denoiser, checked_points, denoised
from sims.measurements.estimates import Estimate, known_numbers
from sims.measurements.finite import finite
from theory.definitions.checks import check_coordinates, whole_arguments


class ModeGains(NamedTuple):
    """ψ_k(σ), its standard error, and the share of Var(u_kᵀD) that ψ_k u_kᵀx explains."""

    value: Float[np.ndarray, "levels modes"]
    stderr: Float[np.ndarray, "levels modes"]
    r_squared: Float[np.ndarray, "levels modes"]
    repetitions: int  # draws at every level


@whole_arguments("block", draws=3)
def measured_gains(
    denoiser: Denoiser,
    data: Float[ArrayLike, "n d"],
    basis: Float[np.ndarray, "d modes"],
    levels: Float[np.ndarray, " levels"],
    *,
    draws: int,
    key: PRNGKeyArray,
    block: int = 1024,
) -> ModeGains:
    """Least squares of u_kᵀD(x, σ) on u_kᵀx, with a constant, over data with noise: the linear response of a mode.

    Every level has its own `draws` points of the data, drawn with replacement, and noises: errors of different levels
    are independent, about the regression on the whole data set. They hold for any scatter about the line
    (heteroscedasticity-consistent). In the data's own modes, whose coordinates are uncorrelated, a denoiser
    D(x) = W x + b has ψ_k = u_kᵀWu_k; what other modes add to u_kᵀD is scatter.

    Raises ValueError for no levels, some that are not positive and finite in the precision of the data, fewer than
    three draws, data that are not finite or of another dimension than the basis, a denoiser whose outputs are not
    finite or of another shape than its inputs, and inputs that are constant in a mode.
    """
    data, dimension = checked_points(data), np.shape(basis)[0]
    finite("data", data)
    check_coordinates(data, dimension)
    levels = _checked_noise_levels(levels, data.dtype)
    rows = []
    for level, level_key in zip(levels, jax.random.split(key, len(levels)), strict=True):
        index_key, noise_key = jax.random.split(level_key)
        chosen = data[jax.random.randint(index_key, (draws,), 0, len(data))]
        noisy = chosen + jnp.asarray(level, data.dtype) * jax.random.normal(noise_key, chosen.shape, data.dtype)
        outputs = denoised(denoiser, noisy, level, block)
        if outputs.shape != noisy.shape:
            raise ValueError(f"outputs of the denoiser must be of shape {noisy.shape}; got {outputs.shape}")
        finite(f"outputs of the denoiser at level {level:.3g}", outputs)
        rows.append(_regressed(np.asarray(noisy) @ basis, outputs @ basis))
    value, stderr, explained = (np.stack(each) for each in zip(*rows, strict=True))
    return ModeGains(value, stderr, explained, draws)


def heun_prediction(gains: ModeGains, levels: Float[np.ndarray, " levels"]) -> Estimate:
    """Variance per mode that the sampler's own Heun steps make of the gains.

    A step of length h from σ to σ' multiplies the mode by 1 + (h/2)[a + a'(1 + ha)] with a = (1 - ψ)/σ; where the last
    level is 0 the last step is Euler's, which multiplies it by ψ. λ̃ = σ_T² Π(factor)².

    **Arguments:** `gains` at the positive levels, in their order; `levels`, decreasing, the last may be 0.
    Standard errors are those of ln λ̃ to first order, times λ̃. Raises ValueError for levels that do not fit.
    """
    levels, to_zero = _checked_levels(gains, levels)
    rates = (1 - gains.value) / levels[:, None]
    h = np.diff(levels)[:, None]
    factors = 1 + h / 2 * (rates[:-1] + rates[1:] * (1 + h * rates[:-1]))
    # d ln|factor|/dψ at both ends of every step.
    near = -h / 2 * (1 + h * rates[1:]) / levels[:-1, None] / factors
    far = -h / 2 * (1 + h * rates[:-1]) / levels[1:, None] / factors
    slopes = np.zeros_like(gains.value)
    slopes[:-1] += near
    slopes[1:] += far
    logarithm = np.log(levels[0]) + np.sum(np.log(np.abs(factors)), axis=0)
    return _estimate(gains, logarithm, slopes, to_zero)


def flow_prediction(gains: ModeGains, levels: Float[np.ndarray, " levels"]) -> Estimate:
    """The same without steps: ln λ̃ = 2 ln σ_T + 2∫(ψ - 1) d ln σ, with a cubic spline in ln σ through the gains.

    Against `heun_prediction` it tells the solver's error; a finer set of levels than the sampler's resolves ψ better.
    Where the last level is 0, the flow goes to the level before it, and the step from there is the sampler's.
    """
    levels, to_zero = _checked_levels(gains, levels)
    ascending = np.log(levels[::-1])
    spline = CubicSpline(ascending, np.eye(len(levels)))
    weights = spline.integrate(ascending[0], ascending[-1])[::-1]
    logarithm = np.log(levels[0]) + weights @ (gains.value - 1)
    return _estimate(gains, logarithm, np.broadcast_to(weights[:, None], gains.value.shape), to_zero)


def linear_share(
    noise: Float[np.ndarray, "n d"], samples: Float[np.ndarray, "n d"], basis: Float[np.ndarray, "d modes"]
) -> Estimate:
    """Share of a mode's generated variance that is linear in the same mode of the noise it was made of.

    R² of u_kᵀx_0 on u_kᵀx_T, with the standard error 2R(1 - R²)/√n of normal samples.
    Raises ValueError for fewer than three samples, another number of noises, numbers that are not finite, and noise
    that is constant in a mode.
    """
    noise, samples = known_numbers(noise), known_numbers(samples)
    finite("noise", noise)
    finite("samples", samples)
    if np.shape(noise) != np.shape(samples) or len(noise) < 3:
        raise ValueError(
            f"noise and samples must be three or more of one shape; got {np.shape(noise)} and {np.shape(samples)}"
        )
    explained = _regressed(np.asarray(noise) @ basis, np.asarray(samples) @ basis)[2]
    stderr = 2 * np.sqrt(explained) * (1 - explained) / np.sqrt(len(noise))
    return Estimate(explained, stderr, len(noise))


def _regressed(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Slope of every column of y on the same column of x, its standard error, and R²; R² is 0 for a constant y.

    Raises ValueError for an x that is constant to round-off, and for numbers whose powers leave the range.
    """
    x, y = (np.asarray(array, dtype=float) for array in (x, y))
    constant = int(np.sum(np.ptp(x, axis=0) <= 16 * np.finfo(float).eps * np.abs(x).max(initial=0.0)))
    if constant:
        raise ValueError(f"inputs must vary in every mode; got {constant} of {x.shape[1]} that are constant")
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # said in a sentence below
        x, y = x - x.mean(axis=0), y - y.mean(axis=0)
        spread, total = np.sum(x**2, axis=0), np.sum(y**2, axis=0)
        slope = np.sum(x * y, axis=0) / spread
        residual = y - slope * x
        stderr = np.sqrt(np.sum((residual * x) ** 2, axis=0) * len(x) / (len(x) - 2)) / spread
        explained = np.where(total > 0, slope**2 * spread / np.where(total > 0, total, 1.0), 0.0)
    if not np.isfinite([slope, stderr, explained]).all():
        raise ValueError("inputs and outputs must have fourth powers in the range of numbers; got some out of it")
    return slope, stderr, explained


def _checked_noise_levels(levels: np.ndarray, dtype: np.dtype) -> np.ndarray:
    levels = np.asarray(levels, dtype=float)
    with np.errstate(over="ignore"):
        held = levels.astype(dtype)
    if levels.ndim != 1 or not levels.size:
        raise ValueError(f"noise levels must be a sequence of one or more; got shape {levels.shape}")
    outside = levels[~((held > 0) & np.isfinite(held))]
    if outside.size:
        raise ValueError(f"noise levels must be positive numbers that {dtype} holds; got {outside[0]:.3g}")
    return levels


def _checked_levels(gains: ModeGains, levels: np.ndarray) -> tuple[np.ndarray, bool]:
    """The positive levels, and whether a last one is zero."""
    levels = np.asarray(levels, dtype=float)
    to_zero = levels.ndim == 1 and levels.size > 0 and levels[-1] == 0
    positive = levels[:-1] if to_zero else levels
    decreasing = levels.ndim == 1 and np.all(np.diff(levels) < 0) and np.all(positive > 0)
    if not decreasing or len(positive) != len(gains.value) or len(positive) < 2:
        raise ValueError(
            f"levels must decrease, two or more of them positive as the {len(gains.value)} gains; got {levels}"
        )
    return positive, bool(to_zero)


def _estimate(gains: ModeGains, logarithm: np.ndarray, slopes: np.ndarray, to_zero: bool) -> Estimate:
    """λ̃ from ln √λ̃, and its error from the slopes d ln √λ̃/dψ."""
    with np.errstate(divide="ignore", invalid="ignore"):  # a last gain of zero generates nothing
        if to_zero:
            logarithm = logarithm + np.log(np.abs(gains.value[-1]))
            slopes = slopes.copy()
            slopes[-1] += 1 / gains.value[-1]
        value = np.exp(2 * logarithm)
        stderr = 2 * value * np.sqrt(np.sum((slopes * gains.stderr) ** 2, axis=0))
    return Estimate(value, stderr, gains.repetitions)
