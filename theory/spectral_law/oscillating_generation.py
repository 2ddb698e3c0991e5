"""Generated variances of gains that oscillate in the noise level, as those of a network trained with momentum do."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Complex

from theory.definitions.arrays import Time, floating
from theory.numerics.panel_quadrature import NODES, PanelIntegral, oscillating_panel
from theory.spectral_law.denoiser import AbstractDenoiser
from theory.spectral_law.generation import PanelSum, contraction, over_panels, panel_edges
from theory.spectral_law.regression import Modes

_SLOW = 4.0  # radians per panel that the ordinary rule resolves to round-off


class Oscillation(NamedTuple):
    """The gain of a denoiser as steady + Re[amplitude e^(i·phase)] where it `oscillates`; anything elsewhere."""

    oscillates: Bool[Array, "*batch modes"]
    steady: Modes
    amplitude: Complex[Array, "*batch modes"]
    phase: Modes


def variance_by_oscillatory_quadrature(
    denoiser: AbstractDenoiser, tau: Time, oscillation: Callable[[Array], Oscillation]
) -> Modes:
    """`variance_by_quadrature` for gains that oscillate in ln(α/σ) however quickly, (...,) -> (..., d).

    On the same panels of 1/4. Where the gain of a mode oscillates throughout a panel, and turns by more than 4 radians,
    the nodes of the ordinary rule see what is steady only, and `oscillating_panel` the rest. NaN for modes whose
    integral misses more than 1e-4 by the estimates of both, for example where a phase that turns a lot stands still
    within a panel.

    `oscillation` takes a process time, a number, and gives arrays (..., d).
    """
    dtype = jnp.result_type(floating(tau), denoiser.spectrum.variance)
    tau = floating(tau).astype(dtype)
    nodes, count = jnp.asarray((1 + NODES) / 2, dtype=dtype), NODES.size
    shape = (*tau.shape, denoiser.spectrum.dimension)
    steadily = jnp.broadcast_to(2 * _SLOW * nodes.reshape(count, *(1 for _ in shape)), (count, *shape))

    def add_panel(total: PanelSum, start: Array, width: Array) -> PanelSum:
        points = start + width * jnp.concatenate([nodes, jnp.asarray([0.0, 1.0], dtype)])
        parts = jax.vmap(lambda at: oscillation(denoiser.process.time_from_log_snr(2 * at)))(points)
        inside, ends = points[:count], jnp.moveaxis(parts.phase[count:], 0, -1)
        fast = parts.oscillates.all(axis=0) & (jnp.abs(ends[..., 1] - ends[..., 0]) > _SLOW)

        def resting(at: Array, steady: Modes) -> Modes:
            return contraction(denoiser, at, lambda time: jnp.where(fast, steady, denoiser.gain(tau, time)))

        def turning() -> PanelIntegral:
            scaled = jax.vmap(lambda at, part: _contraction_slope(denoiser, at) * part)(inside, parts.amplitude[:count])
            # Where nothing is fast, nothing is added, at a phase for which the equation has a solution.
            amplitude, phase = jnp.where(fast, scaled, 0.0), jnp.where(fast, parts.phase[:count], steadily)
            amplitude, phase = jnp.moveaxis(amplitude, 0, -1), jnp.moveaxis(phase, 0, -1)
            return oscillating_panel(amplitude, phase, jnp.where(fast[..., None], ends, 0.0), width)

        total = total.plus(width, jax.vmap(resting)(inside, parts.steady[:count]))
        nothing = PanelIntegral(jnp.zeros_like(total.value), jnp.zeros_like(total.value))
        return total.plus_integral(*jax.lax.cond(jnp.any(fast), turning, lambda: nothing))

    start = PanelSum.zero(shape, dtype)
    integral = over_panels(add_panel, start, panel_edges(denoiser).astype(dtype))
    return jnp.exp(denoiser.process.initial_log_variance() - 2 * integral.trusted())


def _contraction_slope(denoiser: AbstractDenoiser, log_ratio: Array) -> Array:
    """The derivative of `contraction` with respect to the gain, at ℓ = ln(α/σ): -ασ/(cσ - eα)."""
    alpha, sigma = denoiser.process.scales_at_log_ratio(log_ratio)
    return -alpha * sigma / denoiser.objective.target.determinant(alpha, sigma)
