"""Classifier-free guidance: what it does to the modes of a class in the middle of training, and to two clusters.

A class has the variance λ along a mode, and the means of all classes scatter about theirs with the variance m², along
the same modes: what is learned without labels has the variance λ + m². The guided denoiser (1 + w) D_c - w D_u (Ho &
Salimans 2022) has the contraction of its own along the probability-flow ODE, so that at training time τ

    ln λ̃_w = (1 + w) ln λ̃(λ) - w ln λ̃(λ + m²),   and for τ → ∞, σ_0 → 0:   λ̃_w = λ^{1+w}/(λ + m²)^w,

exactly, for any process and network. (Where class means do not scatter along the modes it is not: for handwritten
digits ln λ̃_w is off by 1.4, root mean square over training at w = 2, in the figure `guidance`.) Guidance narrows a mode
by w N nats of ln λ̃, N = ln λ̃(λ + m²) - ln λ̃(λ), and N begins with the spectral law: when λ + m² is learned. It does not
rise to its end, ln(1 + m²/λ), but far beyond: of one layer from the gain Q (c = 2ητ, σ_0 → 0, σ_T → ∞, small m²) it is

    N = (m²/λ) [1 - e^{-y} + (1 - Q) y e^{-y} (ln λ/σ_0² - γ - ln y)],   y = cλ,

γ Euler's constant: five times the end at y = 1 for λ = 1, σ_0 = .002, Q = 0, since m² makes a mode emerge earlier, and
while modes emerge ln λ̃ is steep. (This project; `theory.derivations`, "guidance".)

Two clusters ±μ of variance s_0², R = s_0² + σ²: along the paths x_w that are guided to +μ with the exact scores the
entropies of the samples differ by the covariance of the proxy score *between* the clusters,

    H_w - H_0 = -w ∫ σ E[(μ/R)² sech²(μ x_w/R)] dσ,

so that guidance lowers the entropy and raises the confidence p(+μ | x) (Wu et al. 2024 prove both signs).
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from theory.definitions.arrays import Scalar, floating, is_traced
from theory.definitions.checks import check_training_time, checked_jit, finite, nan_unless, positive
from theory.definitions.processes import EDM
from theory.definitions.spectra import Spectrum
from theory.spectral_law.denoiser import AbstractDenoiser
from theory.spectral_law.generation import TrainingTime, generated_variance
from theory.spectral_law.regression import Modes

_STEPS, _DEVIATIONS, _NODES = 2048, 9.0, 361


def spectrum_of_all_classes(within: Spectrum, between: Modes) -> Spectrum:
    """The spectrum λ + m² of all classes together, in the order and the basis of that of one class, λ.

    `between` is m², (d,), the variance of class means along each mode. **Raises** ValueError unless it is one number,
    zero or more, per mode.
    """
    given = floating(between).astype(within.variance.dtype)
    if given.shape != within.variance.shape:
        raise ValueError(f"variances between classes must be one per mode ({within.dimension}); got {given.shape}")
    if not is_traced(given) and not np.all(np.asarray(given) >= 0):
        raise ValueError(f"variances between classes must be zero or more; got {given}")
    return Spectrum(within.mean, within.variance + nan_unless(given >= 0, given), within.basis)


def _check_pair(arguments: Mapping[str, Any]) -> None:
    conditional, unconditional = arguments["conditional"], arguments["unconditional"]
    if conditional.mixes_modes or unconditional.mixes_modes:
        raise ValueError("guided denoisers must not mix modes: what they generate is no product of both")
    ours, theirs = ((each.process, each.spectrum.basis) for each in (conditional, unconditional))
    if not is_traced(ours, theirs) and not eqx.tree_equal(ours, theirs, rtol=1e-6, atol=1e-6):
        raise ValueError("guided denoisers must share their process and the basis of their modes; got different ones")
    if conditional.spectrum.dimension != unconditional.spectrum.dimension:
        raise ValueError("guided denoisers must have the same number of modes; got different ones")


@checked_jit(_check_pair, tau=check_training_time)
def guided_variance(
    conditional: AbstractDenoiser, unconditional: AbstractDenoiser, strength: ArrayLike, tau: TrainingTime
) -> Modes:
    """λ̃_w, the variance per mode of samples of (1 + w) D_c - w D_u with both networks frozen at training time `tau`.

    For every parametrisation whose modes do not mix; the two may differ in it, in gains and learning rates.
    w = `strength` is 0 for the class alone and -1 for all classes.

    **Arguments:** `conditional`, trained on a class (spectrum λ); `unconditional`, on all of them (λ + m², by
    `spectrum_of_all_classes`); `strength` and `tau` broadcast, (...,). **Returns:** (..., d), as right as the variances
    of `generated_variance` (single precision: to 1e-5 at w = 2). **Raises** ValueError for times below zero or NaN, for
    networks that mix modes, and for another process or basis in one of them.
    """
    strength, tau = jnp.broadcast_arrays(floating(strength), floating(tau))
    own, every = (jnp.log(generated_variance(each, tau)) for each in (conditional, unconditional))
    return jnp.exp(own + strength[..., None] * (own - every))


class GuidedClusters(NamedTuple):
    """What guidance makes of one of two clusters."""

    entropy_change: Float[Array, ""]  # H_w - H_0, in nats
    confidence: Float[Array, ""]  # E p(+μ | x) of the samples


def guided_clusters(mean: Scalar, variance: Scalar, strength: Scalar, process: EDM | None = None) -> GuidedClusters:
    """Samples that are guided to +μ, of two clusters N(±μ, s_0²) on a line with the exact scores, by EDM's ODE.

    They start from the class's own noisy law N(μ, s_0² + σ_T²), as without guidance (w = 0). Trapezoidal rule over that
    law, Runge-Kutta steps in ln σ: right to 1e-8 (single precision: 1e-5) where μ ≤ 10 s_0, s_0 ≥ σ_0 and 0 ≤ w ≤ 10.

    **Arguments:** `mean` μ and `variance` s_0², positive; `strength` w; `process`, EDM's levels if not given.
    **Raises** ValueError for numbers that are not positive, and a strength that is not finite.
    """
    return _guided_clusters(
        positive("mean", mean), positive("variance", variance), finite("strength", strength), process or EDM()
    )


@checked_jit()
def _guided_clusters(mean: Scalar, variance: Scalar, strength: Scalar, process: EDM) -> GuidedClusters:
    mean, variance, strength = jnp.broadcast_arrays(*map(floating, (mean, variance, strength)))
    nodes = jnp.linspace(-_DEVIATIONS, _DEVIATIONS, _NODES, dtype=mean.dtype)
    weights = jax.nn.softmax(-(nodes**2) / 2)
    first, last = jnp.log(process.sigma_max), jnp.log(process.sigma_min)
    step = (last - first) / _STEPS

    def rates(log_level: Array, state: tuple[Array, Array]) -> tuple[Array, Array]:
        x, _ = state
        square = jnp.exp(2 * log_level)
        total = variance + square
        towards = jnp.tanh(mean * x / total)
        drift = square * ((x - mean) / total - strength * mean / total * (1 - towards))
        return drift, strength * square * (mean / total) ** 2 * jnp.sum(weights * (1 - towards**2))

    def advanced(state: tuple[Array, Array], place: Array) -> tuple[tuple[Array, Array], None]:
        def moved(by: Array, along: tuple[Array, Array]) -> tuple[Array, Array]:
            return state[0] + by * along[0], state[1] + by * along[1]

        start = first + place * step
        a = rates(start, state)
        b = rates(start + step / 2, moved(step / 2, a))
        c = rates(start + step / 2, moved(step / 2, b))
        d = rates(start + step, moved(step, c))
        mean_rate = tuple((p + 2 * q + 2 * r + s) / 6 for p, q, r, s in zip(a, b, c, d, strict=True))
        return moved(step, (mean_rate[0], mean_rate[1])), None

    start = mean + jnp.sqrt(variance + process.sigma_max**2) * nodes
    state = (start, jnp.zeros((), mean.dtype))
    (x, change), _ = jax.lax.scan(advanced, state, jnp.arange(_STEPS, dtype=mean.dtype))
    confidence = jnp.sum(weights * jax.nn.sigmoid(2 * mean * x / (variance + process.sigma_min**2)))
    return GuidedClusters(change, confidence)
