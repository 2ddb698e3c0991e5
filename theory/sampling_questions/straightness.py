"""Rectified flow: how straight the paths of flow matching are, and what Euler's method loses where they bend.

The 1-rectified flow of Gaussian data has Z_t = √g Z_0 along a mode, g = (1 - t)² + t²λ, Z_0 of N(0, 1). Its
straightness (Liu et al. 2022, arXiv 2209.03003; zero is straight) is, mode by mode and exactly,

    S = ∫_0^1 E|Z_1 - Z_0 - dZ_t/dt|² dt = (2 - π/2) √λ,   in all (2 - π/2) tr Σ^½,

and that of a network whose velocity has the gain ψ(t, τ) is ∫ψ²a² dt - (a(1) - 1)² with a = exp ∫ψ dt: zero before
training from zero, when nothing moves. From there it rises to its end for large λ, but above it for small ones: of one
layer and λ = .005 to 3.2 times that, at ητ = 3, where a mode has learned to shrink and not yet when. The flow ends at
Z_1 = √λ Z_0 for all modes together, the Monge map of N(0, I) to N(0, Σ), as on a line it does for any data (it keeps
the order of points). So the second rectified flow, which learns the pairs (Z_0, Z_1), is straight: all in one step.

N steps of Euler's method make Π(1 + h_i ψ(t_i, τ))² exactly, at any training time. With tan ϑ = (1 - t)/(t√λ) that is
λ Π cos²(ϑ_i - ϑ_{i+1}) of the ideal gain: nothing at all in one step. In fine equal steps it loses of ln λ̃

    (1/N) ∫a''/a dt = (1/N) [∫ψ² dt + ψ(1, τ) - ψ(0, τ)]   →   (1/N) [1 + (π/4)(√λ + 1/√λ)],

to first order: only bends cost. That is least for λ = 1, 2.57/N where the best times lose π²/4N = 2.47/N, and is the
same for λ and 1/λ, unlike S. (This project.)
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from theory.definitions.arrays import Time, floating, is_traced
from theory.definitions.checks import check_not_negative, check_training_time, checked_jit, nan_unless
from theory.numerics.panel_quadrature import COEFFICIENTS, NODES
from theory.spectral_law.denoiser import AbstractDenoiser, check_modes_apart
from theory.spectral_law.generation import PanelSum, TrainingTime, over_panels, panel_edges
from theory.spectral_law.regression import Modes

_P = np.polynomial.legendre.legvander(NODES, NODES.size)
# Integrals of the Legendre polynomials from -1 to the nodes: P_0 gives x + 1, P_n (P_{n+1} - P_{n-1})/(2n + 1).
_PRIMITIVES = np.stack([NODES + 1, *((_P[:, 2:] - _P[:, :-2]) / (2 * np.arange(1, NODES.size) + 1)).T], axis=1)
_UP_TO_NODES = _PRIMITIVES @ COEFFICIENTS


def rectified_straightness(variance: ArrayLike) -> Time:
    """(2 - π/2) √λ, the straightness of the 1-rectified flow of every mode, in units of λ; (...,) -> (...,).

    **Raises** ValueError for variances below zero (NaN where traced), as does `rectified_euler_loss`.
    """
    check_not_negative("variance", variance)
    variance = floating(variance)
    return (2 - np.pi / 2) * jnp.sqrt(nan_unless(variance >= 0, variance))


def rectified_euler_loss(variance: ArrayLike) -> Time:
    """1 + (π/4)(√λ + 1/√λ): what equal steps of Euler's method lose of ln λ̃ with the ideal gain, times their number.

    To first order in 1/N: of 64 steps .03 % too little for λ = .1 and 10, of 16 steps .4 %. (...,) -> (...,).
    """
    check_not_negative("variance", variance)
    root = jnp.sqrt(floating(variance))
    return 1 + np.pi / 4 * (root + 1 / root)


def _check_velocities(arguments: Mapping[str, Any]) -> None:
    denoiser = arguments["denoiser"]
    if not denoiser.process.is_straight() or denoiser.objective.target.constant_coefficients() != (1, -1):
        names = (type(each).__name__ for each in (denoiser.objective.target, denoiser.process))
        raise ValueError(f"the network must learn the velocities of flow matching; got {' of '.join(names)}")
    check_modes_apart(denoiser, "for paths mode by mode")


def _check_times(arguments: Mapping[str, Any]) -> None:
    times = arguments["times"]
    if np.ndim(times) != 1 or np.shape(times)[0] < 2:
        raise ValueError(f"times must be a sequence of two or more; got shape {np.shape(times)}")
    if not is_traced(times):
        known = np.asarray(times, float)
        if not (known[0] == 0 and known[-1] == 1 and np.all(np.diff(known) > 0)):
            raise ValueError(f"times must rise strictly from 0 to 1; got {times}")


@checked_jit(_check_velocities, tau=check_training_time)
def straightness(denoiser: AbstractDenoiser, tau: TrainingTime) -> Modes:
    """S of every mode of the flow of the network frozen at training time `tau`; its sum over modes is the network's.

    For every parametrisation whose modes do not mix, on flow matching with its velocity as target. By Gauss-Legendre
    panels in ln(t/(1 - t)), right to 1e-8 of 1 + λ (single precision: 1e-4); of networks of several layers, whose gains
    get a kink, to 1e-5 of itself from ητ = 30 on. **Arguments:** `tau` (...,). **Returns:** (..., d). **Raises**
    ValueError for training times below zero or NaN and other networks. NaN where panels of 1/4 do not resolve a gain,
    as that of modes without data at τ = ∞, -1/(1 - t).
    """
    path = _path(denoiser, floating(tau))
    return path.energy.trusted() - jnp.expm1(path.log_scale.trusted()) ** 2


@checked_jit(_check_velocities, tau=check_training_time)
def euler_loss(denoiser: AbstractDenoiser, tau: TrainingTime) -> Modes:
    """∫ψ² dt + ψ(1) - ψ(0) = ∫a''/a dt: N times what N equal steps of Euler's method lose of ln λ̃, to first order.

    Arguments, shapes and errors as of `straightness`; negative where steps add variance.
    """
    tau = floating(tau)
    squares = _path(denoiser, tau).squares.trusted()
    first, last = (denoiser.gain(tau, jnp.full_like(tau, end)) for end in (0.0, 1.0))
    return squares + last - first


class _Path(NamedTuple):
    """ln a, ∫ψ²a² dt and ∫ψ² dt so far."""

    log_scale: PanelSum
    energy: PanelSum
    squares: PanelSum


def _path(denoiser: AbstractDenoiser, tau: Time) -> _Path:
    dtype = jnp.result_type(tau, denoiser.spectrum.variance)
    tau = tau.astype(dtype)
    nodes, up_to_nodes = jnp.asarray((1 + NODES) / 2, dtype), jnp.asarray(_UP_TO_NODES / 2, dtype)

    def add_panel(path: _Path, start: Array, width: Array) -> _Path:
        places = start + width * nodes
        velocity = jax.vmap(lambda place: denoiser.gain(tau, jax.nn.sigmoid(place)))(places)
        measure = (jax.nn.sigmoid(places) * jax.nn.sigmoid(-places)).reshape((-1,) + (1,) * (velocity.ndim - 1))
        rate = velocity * measure  # dt = t (1 - t) d ln(t/(1 - t))
        scale = jnp.exp(path.log_scale.value[None] + width * jnp.tensordot(up_to_nodes, rate, 1))
        added = (rate, velocity * rate * scale**2, velocity * rate)
        return _Path(*(total.plus(width, each) for total, each in zip(path, added, strict=True)))

    zero = PanelSum.zero((*tau.shape, denoiser.spectrum.dimension), dtype)
    return over_panels(add_panel, _Path(zero, zero, zero), panel_edges(denoiser).astype(dtype))


@checked_jit(_check_velocities, _check_times, tau=check_training_time)
def euler_variance(denoiser: AbstractDenoiser, tau: TrainingTime, times: Float[Array, " times"]) -> Modes:
    """Π(1 + h_i ψ(t_i, τ))², the variance per mode of samples by Euler's method at these times, exactly.

    **Arguments:** `tau` (...,); `times`, rising from 0 to 1, (steps + 1,). **Returns:** (..., d). For the networks, and
    with the errors, of `straightness`; ValueError for other times too.
    """
    tau, times = floating(tau), floating(times)
    gains = jax.vmap(lambda time: denoiser.gain(tau, time))(times[:-1])
    steps = jnp.diff(times).reshape((-1,) + (1,) * (gains.ndim - 1))
    return jnp.prod(1 + steps * gains, axis=0) ** 2
