"""Data that are point masses: posterior, score, and the covariance of the proxy score."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, PyTree

from theory.definitions.arrays import default_floating, floating, is_traced
from theory.definitions.checks import check_coordinates, checked_jit
from theory.definitions.processes import AbstractProcess, check_noisy_time, process_time

Points = Float[Array, "*batch dim"]

_MOST_NUMBERS = 2**25  # of positions times points times coordinates, for which all are answered at once


def _check_noisy(arguments: Mapping[str, Any]) -> None:
    check_noisy_time("time", arguments["time"], arguments["process"])


class PointMasses(eqx.Module):
    """The empirical distribution of m points in D dimensions, each of mass 1/m.

    Positions `x` are (..., D) and process times `time` (...,) or anything that broadcasts against x's batch axes.
    Raises ValueError unless `points` is a finite real array (m, D), and for times at which x_t has no noise. Where
    positions times points are many, a few positions are answered at a time: beside the data and the answer, memory is
    bounded by twice the data or half a gigabyte. Single precision has the odds of two points to about 1e-7
    (distance/σ)²: below σ = distance/500 positions between points want 64-bit numbers.
    """

    points: Float[Array, "m dim"]

    def __init__(self, points: ArrayLike) -> None:
        self.points = default_floating(points)
        if self.points.ndim != 2 or self.points.size == 0:
            raise ValueError(f"point masses must have shape (m, D); got shape {self.points.shape}")
        if not is_traced(self.points) and not np.isfinite(self.points).all():
            raise ValueError("point masses must be finite; got NaN or infinite coordinates")

    @checked_jit(_check_noisy)
    def posterior(self, x: Points, time: ArrayLike, process: AbstractProcess) -> Float[Array, "*batch m"]:
        """p(x_0 = point_i | x, t) = softmax_i(-|x - α point_i|²/2σ²)."""
        odds, _ = self._log_odds(floating(x), time, process)
        weight = jnp.exp(odds)
        return weight / jnp.sum(weight, axis=-1, keepdims=True)

    @checked_jit(_check_noisy)
    def log_density(self, x: Points, time: ArrayLike, process: AbstractProcess) -> Float[Array, "*batch"]:
        """ln p(x | t) of the noisy mixture (1/m) Σ_i N(α point_i, σ²)."""
        x = floating(x)
        alpha, sigma = _scales(x, time, process)
        odds, nearest = self._log_odds(x, time, process)
        distance = jnp.sum((x - alpha * nearest) ** 2, axis=-1)
        count, dimension = self.points.shape
        normalisation = dimension * (jnp.log(sigma[..., 0]) + jnp.log(2 * jnp.pi) / 2) + jnp.log(count)
        return jax.nn.logsumexp(odds, axis=-1) - distance / (2 * sigma[..., 0] ** 2) - normalisation

    @checked_jit(_check_noisy)
    def denoised(self, x: Points, time: ArrayLike, process: AbstractProcess) -> Points:
        """E[x_0 | x, t], the optimal denoiser."""
        weight = self.posterior(x, time, process)
        return weight @ self._points_for(weight)

    @checked_jit(_check_noisy)
    def score(self, x: Points, time: ArrayLike, process: AbstractProcess) -> Points:
        """∇ ln p(x | t) = (α E[x_0|x,t] - x)/σ²."""
        x = floating(x)
        alpha, sigma = _scales(x, time, process)
        return (alpha * self.denoised(x, time, process) - x) / sigma**2

    @checked_jit(_check_noisy)
    def posterior_covariance(
        self, x: Points, time: ArrayLike, process: AbstractProcess
    ) -> Float[Array, "*batch dim dim"]:
        """Cov(x_0 | x, t), from deviations, so that it is positive semi-definite to round-off."""
        weight = self.posterior(x, time, process)
        points = self._points_for(weight)

        def covariance(weight: Float[Array, "*batch m"]) -> Float[Array, "*batch dim dim"]:
            mean = weight @ points
            deviation = points.reshape((1,) * (mean.ndim - 1) + points.shape) - mean[..., None, :]
            return jnp.swapaxes(deviation * weight[..., None], -1, -2) @ deviation

        return few_at_a_time(covariance, points.size, weight)

    @checked_jit(_check_noisy)
    def proxy_covariance(self, x: Points, time: ArrayLike, process: AbstractProcess) -> Float[Array, "*batch dim dim"]:
        """C(x, t) = Cov(s̃ | x, t) = (α²/σ⁴) Cov(x_0 | x, t) of the proxy score s̃ = (αx_0 - x)/σ².

        Equal to σ^-2 I + ∇∇ ln p(x | t) (Vastola 2025, Sec. 3).
        """
        x = floating(x)
        alpha, sigma = _scales(x, time, process)
        return (alpha**2 / sigma**4)[..., None] * self.posterior_covariance(x, time, process)

    @checked_jit(_check_noisy)
    def boundary_fraction(self, x: Points, time: ArrayLike, process: AbstractProcess) -> Float[Array, "*batch"]:
        """tr C/(tr C + |s|²), the share of the proxy score's power that is variance (Vastola 2025, Fig. 1).

        Near one in the boundary regions between points, zero where the posterior is certain. Multiplied through by
        σ⁴, it has no small divisor; 0 where both vanish.
        """
        x = floating(x)
        alpha, _ = _scales(x, time, process)
        trace = alpha[..., 0] ** 2 * jnp.trace(self.posterior_covariance(x, time, process), axis1=-2, axis2=-1)
        pull = jnp.sum((alpha * self.denoised(x, time, process) - x) ** 2, axis=-1)
        total = trace + pull
        return jnp.where(total == 0, 0.0, trace) / jnp.where(total == 0, 1.0, total)

    def _points_for(self, x: Array) -> Float[Array, "m dim"]:
        """The points in the precision of x."""
        return self.points.astype(x.dtype)

    def _log_odds(
        self, x: Points, time: ArrayLike, process: AbstractProcess
    ) -> tuple[Float[Array, "*batch m"], Points]:
        """ln of the likelihood of each point over that of the nearest, at most zero; and the nearest point.

        |x - αp|² - |x - αp_i|² = 2α(p_i - p)·(x - α(p_i + p)/2): no difference of large squares, and exactly zero for
        the nearest point p itself, so that positions far from all points lose nothing.
        """
        check_coordinates(x, self.points.shape[1])
        own = self._points_for(x)

        def log_odds(x: Points, alpha: Array, sigma: Array) -> tuple[Float[Array, "*batch m"], Points]:
            points = jnp.broadcast_to(own, (*x.shape[:-1], *own.shape))
            # |x - αp|² without the |x|² that all points share.
            closeness = jnp.sum(points * (x[..., None, :] - alpha[..., None] * points / 2), axis=-1)
            nearest = own[jnp.argmax(jax.lax.stop_gradient(closeness), axis=-1)]
            offset = x[..., None, :] - alpha[..., None] * (points + nearest[..., None, :]) / 2
            return alpha * jnp.sum((points - nearest[..., None, :]) * offset, axis=-1) / sigma**2, nearest

        return few_at_a_time(log_odds, own.size, x, *_scales(x, time, process))


def few_at_a_time(function: Callable[..., PyTree], size: int, *rows: Float[Array, "*batch n"]) -> PyTree:
    """A function of rows with the same leading axes, that makes `size` numbers of each, for so many that fit in memory.

    Nothing of what it makes is kept for derivatives, which compute it anew.
    """
    batch = rows[0].shape[:-1]
    if math.prod(batch) * size <= _MOST_NUMBERS:
        return function(*rows)
    flat = tuple(row.reshape(-1, row.shape[-1]) for row in rows)
    at_once = max(_MOST_NUMBERS // size, 1)
    answer = jax.lax.map(jax.checkpoint(lambda row: function(*row)), flat, batch_size=at_once)
    return jax.tree.map(lambda leaf: leaf.reshape(*batch, *leaf.shape[1:]), answer)


def _scales(x: Points, time: ArrayLike, process: AbstractProcess) -> tuple[Array, Array]:
    """α and σ at each position, (..., 1)."""
    time = jnp.broadcast_to(process_time("time", time, process).astype(x.dtype), x.shape[:-1])[..., None]
    return process.signal_scale(time), process.noise_scale(time)
