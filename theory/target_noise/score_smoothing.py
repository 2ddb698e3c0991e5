"""Smoothing an empirical score: what it is, how it differs between data sets, and what it generates from two points."""

import math
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from theory.definitions.arrays import Scalar, Time, floating, is_traced
from theory.definitions.checks import (
    check_coordinates,
    check_not_negative,
    check_one_number,
    checked_jit,
    nan_unless,
    positive,
    whole_arguments,
)
from theory.definitions.processes import EDM, AbstractProcess, check_noisy_time, process_time
from theory.exact_scores.gaussian_mixtures import GaussianMixture
from theory.exact_scores.point_masses import PointMasses, few_at_a_time

Points = Float[Array, "*batch dim"]

_NODES = {1: 64, 2: 32}  # of a Gauss-Hermite rule along one coordinate, by the number of coordinates


def _check_smoothing(arguments: Mapping[str, Any]) -> None:
    check_noisy_time("time", arguments["time"], arguments["process"])
    check_one_number("bandwidth", arguments["bandwidth"])
    check_not_negative("bandwidth", arguments["bandwidth"])
    centres = arguments["data"].points if isinstance(arguments["data"], PointMasses) else arguments["data"].means
    check_coordinates(jnp.asarray(arguments["x"]), centres.shape[1])
    dimension, draws = jnp.shape(arguments["x"])[-1], arguments.get("draws")
    if draws is None and dimension not in _NODES:
        raise ValueError(f"smoothing in more than two dimensions needs draws; got positions in {dimension}")
    if draws is not None and (np.ndim(draws) != 2 or np.shape(draws)[1] != dimension or np.shape(draws)[0] == 0):
        raise ValueError(f"draws must have shape (k, {dimension}); got {np.shape(draws)}")


@checked_jit(_check_smoothing)
def smoothed_score(
    data: PointMasses | GaussianMixture,
    x: Points,
    time: ArrayLike,
    process: AbstractProcess,
    bandwidth: ArrayLike,
    draws: Float[Array, "k dim"] | None = None,
) -> Points:
    """s_h(x) = E s(x + hz, t), z ~ N(0, I): the score smoothed by a Gaussian kernel of standard deviation h.

    It is the gradient of the smoothed logarithm of the density, k_h * ln p(·|t), and not the score of a smoothed
    density (Farghly et al. 2025, arXiv 2510.02305).

    **Arguments:** positions `x` (..., D) and times `time` as of `PointMasses`; `bandwidth` h, one number; `draws` of z,
    (k, D), over which the mean is taken. Without them a Gauss-Hermite product rule takes it in one dimension (64 nodes)
    and in two (32 by 32). Between two points at distance Δ the score turns within w = 2σ²/αΔ by αΔ/σ²: for h = w, 3w,
    10w errors are below 2e-10, 5e-4, 4e-2 of half that turn in one dimension, and 2e-7, 2e-3, 5e-2 in two. **Raises**
    ValueError for times without noise, a negative bandwidth, draws of another shape, and more dimensions without draws.
    """
    x = floating(x)
    shifts, shares = _kernel(x, draws)
    width = jnp.asarray(bandwidth, x.dtype)
    width = nan_unless(width >= 0, width)
    time = jnp.broadcast_to(process_time("time", time, process).astype(x.dtype), x.shape[:-1])

    def mean(x: Points, time: Float[Array, "*batch 1"]) -> Points:
        moved = x[..., None, :] + width * shifts.reshape((1,) * (x.ndim - 1) + shifts.shape)
        return jnp.einsum("k,...kd->...d", shares, data.score(moved, jnp.broadcast_to(time, moved.shape[:-1]), process))

    return few_at_a_time(mean, shifts.size * _count(data), x, time[..., None])


def _kernel(x: Points, draws: Array | None) -> tuple[Float[Array, "k dim"], Float[Array, " k"]]:
    """Places of a standard normal and their shares."""
    if draws is not None:
        return draws.astype(x.dtype), jnp.full(len(draws), 1 / len(draws), x.dtype)
    dimension = x.shape[-1]
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES[dimension])
    places = np.stack(np.meshgrid(*[nodes] * dimension, indexing="ij"), axis=-1).reshape(-1, dimension)
    shares = np.prod(np.stack(np.meshgrid(*[weights] * dimension, indexing="ij"), axis=-1), axis=-1).ravel()
    return jnp.asarray(places, x.dtype), jnp.asarray(shares / math.sqrt(2 * math.pi) ** dimension, x.dtype)


def _count(data: PointMasses | GaussianMixture) -> int:
    return len(data.points if isinstance(data, PointMasses) else data.means)


def _check_data_sets(arguments: Mapping[str, Any]) -> None:
    check_noisy_time("time", arguments["time"], arguments["process"])
    _check_number_of_points(arguments["points"])


def _check_number_of_points(points: ArrayLike) -> None:
    if not is_traced(points) and not np.all(np.asarray(points) >= 1):
        raise ValueError(f"points must be one or more; got {points}")


@checked_jit(_check_data_sets)
def empirical_score_covariance(
    data: PointMasses | GaussianMixture, x: Points, time: ArrayLike, process: AbstractProcess, points: ArrayLike
) -> Float[Array, "*batch dim dim"]:
    """Cov of the empirical score at x over data sets of N points of `data`, to first order in 1/N.

    (4πσ²)^{-d/2} p_½(x)/(N p(x)²) (α²/σ⁴) E_½[(x_0 - m)(x_0 - m)ᵀ | x], m = E[x_0 | x, t], with p_½ and E_½ those of
    half the noise variance: a data covariance reweighted to what is near x (arXiv 2505.22841 in words; this form is
    ours). Without noise it tends to I (4πσ²)^{-d/2}/(2Nσ²p).

    First order means that many points share the posterior. Of N(0, 1), at x = 0 and 1.5 and σ = .1 and .03, the true
    variance is larger by factors that depend on n = N p(x) (4πσ²)^{d/2} alone: 1.02 at n = 42, 1.12 at 14, 1.7 at 4.5,
    6 to 8 at 1.3, by Monte Carlo over data sets (errors of 1 to 3 %).

    **Arguments:** as of `PointMasses`; `points` N. **Returns:** (..., D, D). **Raises** ValueError for times without
    noise and fewer than one point.
    """
    x = floating(x)
    time = jnp.broadcast_to(process_time("time", time, process).astype(x.dtype), x.shape[:-1])
    alpha, sigma = process.signal_scale(time), process.noise_scale(time)
    # In y = x/α the process is variance exploding, of the noise level σ/α.
    # Without any signal the score is that of noise, whatever the data.
    signal = alpha > 0
    alpha = jnp.where(signal, alpha, 1.0)
    place, level, dimension = x / alpha[..., None], sigma / alpha, x.shape[-1]
    half = level / math.sqrt(2)
    step = data.denoised(place, half, EDM()) - data.denoised(place, level, EDM())
    spread = data.posterior_covariance(place, half, EDM()) + step[..., :, None] * step[..., None, :]
    density = data.log_density(place, half, EDM()) - 2 * data.log_density(place, level, EDM())
    size = density - dimension * jnp.log(4 * math.pi * level**2) / 2 - 4 * jnp.log(level) - 2 * jnp.log(alpha)
    number = floating(points)
    each = jnp.where(signal, jnp.exp(size), 0.0) / nan_unless(number >= 1, number)
    return each[..., None, None] * spread


@whole_arguments("dimension")
def effective_points(
    points: ArrayLike, bandwidth: ArrayLike, time: ArrayLike, process: AbstractProcess, dimension: int
) -> Time:
    """N (1 + h²/σ²)^{d/2 + 1}: as many points have the score covariance without smoothing that N have with it.

    Approximate: the density is taken as constant over σ and h, and first order in 1/N. Then errors of the score at two
    places are correlated as the second derivatives of N(x - x'; 0, 2σ²I), which the kernel widens to 2σ² + 2h²
    (arXiv 2505.22841 in words; checked by us).

    Measured over the formula's, of N(0, I) at x = 0: .94 to 1.07 on a line for h up to 2σ, .91 to 1.04 at h = 3σ, and
    .82 to 1.08 in a plane up to 2σ, with σ up to .1 and n = N p (4πσ²)^{d/2} of 14 and more (Monte Carlo over data
    sets, errors of .05 and .1). Where h is not small beside the data it promises too much: .87 at h = .4 and .73 at .6.

    **Arguments:** `points` N, `bandwidth` h and process time `time`, of shapes that broadcast; `dimension` d of the
    data. **Raises** ValueError for fewer than one point, a negative bandwidth, times without noise, and unless d is
    1, 2, ….
    """
    check_noisy_time("time", time, process)
    check_not_negative("bandwidth", bandwidth)
    _check_number_of_points(points)
    width, number = floating(bandwidth), floating(points)
    ratio = nan_unless(width >= 0, width) / process.noise_scale(process_time("time", time, process))
    return nan_unless(number >= 1, number) * (1 + ratio**2) ** (dimension / 2 + 1)


def two_point_flat_share(time: ArrayLike, strength: Scalar) -> Time:
    """δ_t = κ√t of `two_point_smoothed_score`, at variance t: the share of [-1, 1] that is left to either point.

    **Raises** ValueError unless κ and t are positive and κ√t < 1; traced ones are NaN there.
    """
    strength = positive("strength", strength)
    share = strength * jnp.sqrt(floating(time))
    inside = (share > 0) & (share < 1)
    if not is_traced(inside) and not np.all(np.asarray(inside)):
        raise ValueError(f"strength·√time must lie between 0 and 1; got {share}")
    return nan_unless(inside, share)


def two_point_smoothed_score(x: Float[Array, "*batch"], time: ArrayLike, strength: Scalar) -> Float[Array, "*batch"]:
    """Chen's smoothed piecewise-linear score of the points ±1 at variance t, x_t = x_0 + √t ε.

    -(x ∓ 1)/t where |x| > 1 - δ, and δx/((1 - δ)t) between, δ = κ√t: continuous, and with the least bending, ∫|f''|, of
    what fits the exact score to a given loss, but for a factor (1 + 8√loss) (Chen 2025, arXiv 2502.19499).

    **Arguments:** positions `x` and variances `time` that broadcast to them; `strength` κ, one number. **Raises**
    ValueError as `two_point_flat_share`.
    """
    x, time = floating(x), floating(time)
    share = two_point_flat_share(time, strength)
    outside = jnp.abs(x) >= 1 - share
    return jnp.where(outside, jnp.sign(x) - x, share / (1 - share) * x) / time


def two_point_end(x: Float[Array, "*batch"], time: ArrayLike, strength: Scalar) -> Float[Array, "*batch"]:
    """Where ẋ = -s/2 takes x from variance t down to 0 with that score: x/(1 - δ_t) between, and sgn x outside.

    Outside, distances to the nearer point shrink as √t; between, x as 1 - δ_t does: what lies between the points is
    spread over all of [-1, 1] and never memorised (Chen 2025; the map is checked by us). Arguments and errors as of
    `two_point_smoothed_score`.
    """
    return jnp.clip(floating(x) / (1 - two_point_flat_share(time, strength)), -1.0, 1.0)


def two_point_end_law(
    x: Float[Array, "*batch"], time: ArrayLike, strength: Scalar
) -> tuple[Float[Array, "*batch"], Float[Array, ""]]:
    """The law of those ends from x_t = ±1 + √t ε: its density on (-1, 1), and the mass of each of the atoms at ±1.

    Density (1 - δ) p((1 - δ)x | t), mass P(x_t ≥ 1 - δ). `time`, one variance; other arguments and errors as of
    `two_point_smoothed_score`. Beyond ±1 the density is 0.
    """
    x, time = floating(x), floating(time)
    inner, deviation = 1 - two_point_flat_share(time, strength), jnp.sqrt(time)
    normal = jax.scipy.stats.norm
    left, right = (normal.pdf(inner * x, centre, deviation) for centre in (-1.0, 1.0))
    density = inner * (left + right) / 2
    mass = (normal.sf(inner, -1.0, deviation) + normal.sf(inner, 1.0, deviation)) / 2
    return jnp.where(jnp.abs(x) < 1, density, 0.0), mass
