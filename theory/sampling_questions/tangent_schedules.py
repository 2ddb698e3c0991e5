"""The tangent law and the geodesic: the best noise levels of one mode, and of a spectrum in fine steps.

With tan ϑ = ρ/√λ a step of DDIM costs cos²(ϑ - ϑ'), see `theory.sampling_questions.schedules`. So (this project)

- **one mode**: equal angles, the *tangent law* ρ_i = √λ tan(ϑ_0 (N - i)/N), exactly;
- **a spectrum, tangents only**: of ρ_i = γ tan(…) mode k loses about (π²/8N)(γ/√λ_k + √λ_k/γ) of its variance, so that
  KL is least for γ*² = √(arithmetic · harmonic mean of the λ_k), to leading order in 1/N and for ϑ_0 = π/2;
- **a spectrum**, of which the abstract of arXiv 2601.13602 has a tangent law as well: the *geodesic* of
  Σ_k δ_k λ_k dρ²/(λ_k + ρ²)², where δ_k = 1 - λ̃_k/λ_k is what mode k then loses; to leading order in 1/N too.
  `theory.optimal_schedule` refines it to the minimum.

λ = 10, 3, 1, .3, .1, .03, .01 in 20 steps, KL in nats: γ* = .559. From σ_T = 80 EDM's ρ = 7 has .1449, the tangents of
γ* .0898, the geodesic .05349 and the optimum .05349 (a relative 2e-5 below it). Where σ_T is free too the tangents of
γ* have .0852 at γ* tan(πN/2(N + 1)) = 7.46, and the optimum .0504 at 16.6.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from theory.definitions.arrays import floating
from theory.definitions.checks import whole_arguments
from theory.definitions.spectra import Spectrum
from theory.sampling_questions.schedules import Levels

_ROUNDS, _NODES, _E_FOLDS = 8, 4096, 10.0  # of the geodesic: rounds, places, and how far they go beyond the √λ


def best_tangent_scale(spectrum: Spectrum) -> Float[Array, ""]:
    """γ* = (arithmetic · harmonic mean of the variances)^¼, the best scale of `tangent_schedule` for fine steps."""
    variance = spectrum.variance
    return (jnp.sum(variance) / jnp.sum(1 / variance)) ** 0.25


@whole_arguments("steps")
def tangent_schedule(steps: int, scale: ArrayLike, sigma_max: ArrayLike) -> Levels:
    """γ tan(ϑ_0 (N - i)/N), ϑ_0 = arctan(σ_max/γ), for i = 0 … N: the optimum of one mode of variance γ² = `scale`².

    From σ_max = γ tan(πN/2(N + 1)) the optimum where that is free as well; infinite is 90°. Raises ValueError unless
    `steps` is 1, 2, ….
    """
    sigma_max = floating(sigma_max)
    angle = jnp.arctan2(sigma_max, scale) * jnp.arange(steps - 1, -1, -1) / steps
    return jnp.append(sigma_max, scale * jnp.tan(angle))


@whole_arguments("steps")
def geodesic_schedule(spectrum: Spectrum, steps: int, sigma_max: ArrayLike) -> Levels:
    """Levels σ/α at equal distances in Σ_k δ_k λ_k dρ²/(λ_k + ρ²)², with the losses δ_k of these levels themselves.

    For positive variances. Raises ValueError unless `steps` is 1, 2, ….
    """
    variance, first = spectrum.variance, floating(sigma_max).astype(spectrum.variance.dtype)
    lowest, highest = (jnp.log(end(variance)) / 2 for end in (jnp.min, jnp.max))
    places = jnp.linspace(lowest - _E_FOLDS, jnp.minimum(jnp.log(first), highest + _E_FOLDS), _NODES)
    # d arctan(ρ/√λ)/d ln ρ for every mode.
    speeds = 1 / (2 * jnp.cosh(places[:, None] - jnp.log(variance)[None] / 2))

    def again(_: Array, levels: Levels) -> Levels:
        angles = jnp.arctan2(levels[:, None], jnp.sqrt(variance)[None])
        losses = -jnp.expm1(2 * jnp.sum(jnp.log(jnp.cos(jnp.diff(angles, axis=0))), axis=0))
        speed = jnp.sqrt(speeds**2 @ losses) * 2
        # At either end the speed falls like the distance from the modes, whose integral it is then.
        parts = (speed[1:] + speed[:-1]) / 2 * (places[1] - places[0])
        length = speed[0] + jnp.concatenate([jnp.zeros_like(parts[:1]), jnp.cumsum(parts)])
        rest = jnp.where(jnp.log(first) > places[-1], speed[-1] * (1 - jnp.exp(places[-1]) / first), 0.0)
        wanted = (length[-1] + rest) * jnp.arange(steps - 1, 0, -1) / steps
        inner = jnp.exp(jnp.interp(wanted, length, places)) * jnp.minimum(wanted / length[0], 1.0)
        return levels.at[1:-1].set(inner)

    return jax.lax.fori_loop(0, _ROUNDS, again, tangent_schedule(steps, best_tangent_scale(spectrum), first))
