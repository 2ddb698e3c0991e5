"""Data that are a mixture of round Gaussian clusters: posterior, score, and the covariance of the proxy score."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from theory.definitions.arrays import default_floating, floating, is_traced
from theory.definitions.checks import check_coordinates, checked_jit, nan_unless
from theory.definitions.processes import AbstractProcess, check_noisy_time, process_time
from theory.exact_scores.point_masses import few_at_a_time

Points = Float[Array, "*batch dim"]


def _check_noisy(arguments: Mapping[str, Any]) -> None:
    check_noisy_time("time", arguments["time"], arguments["process"])


class GaussianMixture(eqx.Module):
    """Σ_i w_i N(mean_i, v_i) of m round clusters in D dimensions; a cluster of variance zero is a point.

    Given the noisy x_t a cluster has the weight p_i ∝ w_i N(x; α mean_i, s_i), s_i = α²v_i + σ², and in it x_0 is
    Gaussian again, about mean_i + αv_i (x - α mean_i)/s_i with the variance σ²v_i/s_i.

    **Arguments:** `means` (m, D); `variances` (m,) or one for all; `weights` (m,), shares of the mass, equal ones if
    not given. Positions `x` are (..., D) and process times `time` (...,) or anything that broadcasts against x's batch
    axes. **Raises** ValueError unless means are a finite array (m, D), variances zero or more, and weights positive
    with the sum one, where traced ones are NaN; and for times at which x_t has no noise. Odds of two clusters are
    right to the round-off of |x - α mean|²/2s. Where positions times clusters are many, a few positions are answered
    at a time, as of `PointMasses`.
    """

    means: Float[Array, "m dim"]
    variances: Float[Array, " m"]
    weights: Float[Array, " m"]

    def __init__(self, means: ArrayLike, variances: ArrayLike, weights: ArrayLike | None = None) -> None:
        given = default_floating(means)
        if given.ndim != 2 or given.size == 0:
            raise ValueError(f"means must have shape (m, D); got shape {given.shape}")
        count = len(given)
        widths = _of_clusters("variances", variances, count)
        shares = _of_clusters("weights", 1 / count if weights is None else weights, count)
        self.means = _inside("means must be finite", given, jnp.isfinite(given))
        self.variances = _inside(
            "variances must be finite and zero or more", widths, jnp.isfinite(widths) & (widths >= 0)
        )
        shares = _inside("weights must be positive", shares, shares > 0)
        self.weights = _inside("weights must have the sum one", shares, jnp.isclose(jnp.sum(shares), 1.0, 1e-6))

    @checked_jit(_check_noisy)
    def posterior(self, x: Points, time: ArrayLike, process: AbstractProcess) -> Float[Array, "*batch m"]:
        """p(cluster i | x, t)."""
        return jax.nn.softmax(self._log_masses(floating(x), time, process), axis=-1)

    @checked_jit(_check_noisy)
    def log_density(self, x: Points, time: ArrayLike, process: AbstractProcess) -> Float[Array, "*batch"]:
        """ln p(x | t) of the noisy mixture Σ_i w_i N(α mean_i, s_i)."""
        dimension = self.means.shape[1]
        masses = self._log_masses(floating(x), time, process)
        return jax.nn.logsumexp(masses, axis=-1) - dimension * jnp.log(2 * jnp.pi) / 2

    @checked_jit(_check_noisy)
    def denoised(self, x: Points, time: ArrayLike, process: AbstractProcess) -> Points:
        """E[x_0 | x, t], the optimal denoiser."""
        x = floating(x)

        def mean(weight: Array, x: Array, alpha: Array, share: Array) -> Array:
            return jnp.einsum("...m,...md->...d", weight, self._denoised_of(x, alpha, share))

        weight = self.posterior(x, time, process)
        return few_at_a_time(mean, self.means.size, weight, x, *self._shares(x, time, process))

    @checked_jit(_check_noisy)
    def score(self, x: Points, time: ArrayLike, process: AbstractProcess) -> Points:
        """∇ ln p(x | t) = -Σ_i p_i (x - α mean_i)/s_i."""
        x = floating(x)
        alpha, _, total = self._scales(x, time, process)

        def pulled(weight: Array, x: Array, alpha: Array) -> Array:
            return -jnp.einsum("...m,...md->...d", weight, self._away(x, alpha))

        return few_at_a_time(pulled, self.means.size, self.posterior(x, time, process) / total, x, alpha)

    @checked_jit(_check_noisy)
    def posterior_covariance(
        self, x: Points, time: ArrayLike, process: AbstractProcess
    ) -> Float[Array, "*batch dim dim"]:
        """Cov(x_0 | x, t): the mean of the clusters' own and the covariance of their means."""
        x = floating(x)
        _, sigma, total = self._scales(x, time, process)
        weight = self.posterior(x, time, process)
        within = sigma[..., 0] ** 2 * jnp.sum(weight * self._of_each("variances", total) / total, axis=-1)

        def covariance(weight: Array, x: Array, alpha: Array, share: Array) -> Array:
            centres = self._denoised_of(x, alpha, share)
            deviation = centres - jnp.einsum("...m,...md->...d", weight, centres)[..., None, :]
            return jnp.einsum("...m,...mi,...mj->...ij", weight, deviation, deviation)

        between = few_at_a_time(covariance, self.means.size, weight, x, *self._shares(x, time, process))
        return between + jnp.multiply.outer(within, jnp.eye(x.shape[-1], dtype=x.dtype))

    @checked_jit(_check_noisy)
    def proxy_covariance(self, x: Points, time: ArrayLike, process: AbstractProcess) -> Float[Array, "*batch dim dim"]:
        """C(x, t) = Cov(s̃ | x, t) = (α²/σ⁴) Cov(x_0 | x, t) of the proxy score s̃ = (αx_0 - x)/σ².

        Equal to σ^-2 I + ∇∇ ln p(x | t) (Vastola 2025, Sec. 3).
        """
        x = floating(x)
        alpha, sigma, _ = self._scales(x, time, process)
        return (alpha**2 / sigma**4)[..., None] * self.posterior_covariance(x, time, process)

    def _log_masses(self, x: Points, time: ArrayLike, process: AbstractProcess) -> Float[Array, "*batch m"]:
        """ln of w_i N(x; α mean_i, s_i) but for (2π)^{-D/2}."""
        alpha, _, total = self._scales(x, time, process)

        def squared(x: Array, alpha: Array) -> Array:
            return jnp.sum(self._away(x, alpha) ** 2, axis=-1)

        distance = few_at_a_time(squared, self.means.size, x, alpha)
        own = jnp.log(self._of_each("weights", total))
        return own - distance / (2 * total) - x.shape[-1] * jnp.log(total) / 2

    def _shares(self, x: Points, time: ArrayLike, process: AbstractProcess) -> tuple[Array, Array]:
        """α (..., 1), and αv_i/s_i (..., m)."""
        alpha, _, total = self._scales(x, time, process)
        return alpha, alpha * self._of_each("variances", total) / total

    def _denoised_of(
        self, x: Points, alpha: Float[Array, "*batch 1"], share: Float[Array, "*batch m"]
    ) -> Float[Array, "*batch m dim"]:
        """E[x_0 | x, cluster i]."""
        away = self._away(x, alpha)
        return jnp.broadcast_to(self.means.astype(x.dtype), away.shape) + share[..., None] * away

    def _away(self, x: Points, alpha: Float[Array, "*batch 1"]) -> Float[Array, "*batch m dim"]:
        """x - α mean_i."""
        check_coordinates(x, self.means.shape[1])
        return x[..., None, :] - jnp.multiply.outer(alpha[..., 0], self.means.astype(x.dtype))

    def _scales(self, x: Points, time: ArrayLike, process: AbstractProcess) -> tuple[Array, Array, Array]:
        """α and σ at each position (..., 1), and s_i (..., m)."""
        time = jnp.broadcast_to(process_time("time", time, process).astype(x.dtype), x.shape[:-1])[..., None]
        alpha, sigma = process.signal_scale(time), process.noise_scale(time)
        return alpha, sigma, jnp.multiply.outer(alpha[..., 0] ** 2, self.variances.astype(x.dtype)) + sigma**2

    def _of_each(self, name: str, at: Float[Array, "*batch m"]) -> Float[Array, "*batch m"]:
        """Variances or weights of the clusters, for every position."""
        return jnp.broadcast_to(getattr(self, name).astype(at.dtype), at.shape)


def _of_clusters(name: str, numbers: ArrayLike, count: int) -> Float[Array, " m"]:
    """One for every cluster. Raises ValueError for another shape."""
    given = default_floating(numbers)
    if given.shape not in ((), (count,)):
        raise ValueError(f"{name} must be one number, or one for each of the {count} means; got shape {given.shape}")
    return jnp.broadcast_to(given, (count,))


def _inside(requirement: str, numbers: Array, inside: Array) -> Array:
    """The numbers. Raises ValueError where they are known and not inside their domain; traced ones are NaN there."""
    if is_traced(inside):
        return nan_unless(inside, numbers)
    if not np.all(np.asarray(inside)):
        raise ValueError(f"{requirement}; got {numbers}")
    return numbers
