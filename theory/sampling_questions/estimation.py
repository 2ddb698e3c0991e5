"""Estimation: how fast what a diffusion model generates comes close to the data's density as data grow in number.

The probability-flow ODE of the exact empirical score of n points, stopped at the noise level σ, generates (1/n) Σ_i
N(x_i, σ²I): a kernel density estimate, if it starts from the noised points; N(0, σ_T²I) adds the prior's mismatch.
For p = N(0, Σ), in units of ∫p² = Π_k (4πλ_k)^-1/2,

    E∫(p̂ - p)²/∫p² = (1/n)[Π (λ_k/σ²)^1/2 - Π (1 + σ²/λ_k)^-1/2] + [Π (1 + σ²/λ_k)^-1/2 - 2 Π (1 + σ²/2λ_k)^-1/2 + 1],

variance and squared bias. For σ² ≪ λ they are √det Σ/(nσ^d) and Bσ⁴, B = [(tr Σ⁻¹)² + 2 tr Σ⁻²]/16, so that the best
level is σ^{d+4} → d √det Σ/(4Bn) (Silverman's rule) and the error n^{-4/(d+4)}: the minimax rate n^{-2s/(d+2s)} of
densities that are s = 2 times smooth, of which Oko, Akiyama & Suzuki 2023 (arXiv 2303.01861) show that networks attain
it for every s in other distances. Stopping early in σ is all that this model knows of smoothness.

A linear denoiser that is trained to the time τ generates N(0, C), with the generated variances λ̃(τ; λ̂) of the sample's
variances. C = Σ̂ at the end of training (σ_0 → 0) has E∫(p̂ - p)²/∫p² = d(d + 2)/8n + O(n⁻²), of which 3d/8n is that of
variances and d(d - 1)/8n that of the basis: the parametric rate, if the data are Gaussian, and else a floor that no n
removes. (This project.)
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from theory.definitions.arrays import Scalar, floating, is_traced
from theory.definitions.checks import check_count, check_training_time, checked_jit, positive
from theory.numerics.minimisation import minimum
from theory.spectral_law.denoiser import AbstractDenoiser, check_modes_apart
from theory.spectral_law.generation import TrainingTime
from theory.spectral_law.regression import Modes

_NODES = 400  # of ln χ²
_LOST = 74.0  # twice the logarithm of what is cut off of its density


class KernelError(NamedTuple):
    """E∫(p̂ - p)²/∫p² of a kernel density estimate, and its parts."""

    variance: Float[Array, "*batch"]
    bias: Float[Array, "*batch"]  # squared

    @property
    def total(self) -> Float[Array, "*batch"]:
        return self.variance + self.bias


def _check_variances(name: str, value: ArrayLike) -> None:
    if is_traced(value):
        return
    if not (np.ndim(value) == 1 and np.all(np.asarray(value) > 0) and np.all(np.isfinite(value))):
        raise ValueError(f"{name} must be a sequence of positive and finite numbers; got {value}")


def _check_level(name: str, value: Scalar) -> None:
    positive(name, value)


@checked_jit(eigenvalues=_check_variances, data=check_count, noise_level=_check_level)
def kernel_error(eigenvalues: Float[ArrayLike, " d"], data: ArrayLike, noise_level: ArrayLike) -> KernelError:
    """The error of n = `data` points' exact score that is stopped at σ = `noise_level`, one number each; exact.

    Without the cancellation of the squared bias, with x = σ²/2λ and L = -½ Σ ln(1 + x): (e^L - 1)² + e^{2L} (exp[-½ Σ
    ln(1 - x²/(1 + x)²)] - 1). **Raises** ValueError for variances or a level that are not positive and finite, and for
    fewer than one point.
    """
    ratio = positive("noise_level", floating(noise_level)) ** 2 / floating(eigenvalues)  # NaN if a traced one is not
    return _kernel_error(ratio, data)


def _kernel_error(ratio: Modes, data: ArrayLike) -> KernelError:
    half, share = -jnp.sum(jnp.log1p(ratio / 2)) / 2, (ratio / 2) / (1 + ratio / 2)
    spread = -jnp.sum(jnp.log1p(-(share**2))) / 2
    bias = jnp.expm1(half) ** 2 + jnp.exp(2 * half) * jnp.expm1(spread)
    variance = (jnp.exp(-jnp.sum(jnp.log(ratio)) / 2) - jnp.exp(-jnp.sum(jnp.log1p(ratio)) / 2)) / data
    return KernelError(variance, bias)


@checked_jit(eigenvalues=_check_variances, data=check_count)
def best_noise_level(eigenvalues: Float[ArrayLike, " d"], data: ArrayLike) -> Float[Array, ""]:
    """The σ at which to stop the exact score of n = `data` points: Newton's method on `kernel_error`, from Silverman's.

    Right to 1e-8 (single precision: 1e-3). Raises as `kernel_error`.
    """
    eigenvalues = floating(eigenvalues)
    size, inverse = eigenvalues.shape[0], 1 / eigenvalues
    curvature = (jnp.sum(inverse) ** 2 + 2 * jnp.sum(inverse**2)) / 16
    start = (jnp.log(size / (4 * curvature * data)) + jnp.sum(jnp.log(eigenvalues)) / 2) / (size + 4)

    def log_error(log_level: Float[Array, " 1"]) -> Float[Array, ""]:
        error = _kernel_error(jnp.exp(2 * log_level) / eigenvalues, data).total
        return jnp.log1p(error)  # positive, as `minimum` needs it, and as flat far away

    return jnp.exp(minimum(log_error, start[None]))[0]


@checked_jit(eigenvalues=_check_variances, data=check_count)
def error_exponent(eigenvalues: Float[ArrayLike, " d"], data: ArrayLike) -> Float[Array, ""]:
    """-d ln(error)/d ln n at the best σ(n): the share of the variance in the error; 4/(d + 4) for n → ∞."""
    error = kernel_error(eigenvalues, data, best_noise_level(eigenvalues, data))
    return error.variance / error.total


def gaussian_error(eigenvalues: Modes, generated: Modes) -> Float[Array, "*batch"]:
    """∫(N(0, C) - N(0, Σ))²/∫N(0, Σ)² for a C of variances `generated` in the basis of Σ: (..., d) -> (...,).

    Π (λ/c)^1/2 - 2 Π [2λ/(c + λ)]^1/2 + 1, without cancellation where they are close; exact.
    """
    half = jnp.sum(jnp.log(2 * eigenvalues / (generated + eigenvalues)), axis=-1) / 2
    spread = jnp.sum(jnp.log1p((generated - eigenvalues) ** 2 / (4 * eigenvalues * generated)), axis=-1) / 2
    return jnp.expm1(half) ** 2 + jnp.exp(2 * half) * jnp.expm1(spread)


def _check_question(arguments: Mapping[str, Any]) -> None:
    check_modes_apart(arguments["denoiser"], "for errors mode by mode")
    data = arguments["data"]
    if not is_traced(data) and not np.asarray(data) >= 3:
        raise ValueError(f"data must be three or more, for variances to have an inverse; got {data}")


@checked_jit(_check_question, tau=check_training_time, data=check_count)
def trained_error(denoiser: AbstractDenoiser, tau: TrainingTime, data: ArrayLike) -> Float[Array, "*tau"]:
    """E∫(p̂ - p)²/∫p² of networks that are trained to `tau` on n Gaussian points with all noise averaged, (...,).

    Every mode is trained on its sample variance λ̂ = λχ²_n/n, the mean of the data known, and E is over χ². For every
    parametrisation whose modes do not mix. Exact for one mode, and for networks that are diagonal in the population's
    basis; a full matrix learns the sample's basis too, which adds d(d - 1)/8n + O(n⁻²) at the end of training. Right to
    1e-8. **Raises** ValueError for networks that mix modes, times below zero, and fewer than three points.
    """
    tau, variance = floating(tau), denoiser.spectrum.variance
    cut = _LOST / (floating(data) - 1)
    places = jnp.linspace(-jnp.sqrt(2 * cut) - cut, jnp.sqrt(2 * cut), _NODES)
    density = jnp.exp(data / 2 * (places - jnp.expm1(places)))
    density = density / jnp.sum(density)

    def generated(place: Array) -> Modes:
        sampled = eqx.tree_at(lambda own: own.spectrum.variance, denoiser, variance * jnp.exp(place))
        return sampled.generated_variance(tau)

    found = jax.vmap(generated)(places)  # (nodes, ..., d)
    shape = (1,) * tau.ndim + variance.shape
    lam = jnp.broadcast_to(variance.reshape(shape), found.shape)
    own = jnp.tensordot(density, jnp.sqrt(lam / found), 1)
    cross = jnp.tensordot(density, jnp.sqrt(2 * lam / (found + lam)), 1)
    return jnp.prod(own, axis=-1) - 2 * jnp.prod(cross, axis=-1) + 1
