"""Lattices of points and masses that stand for the population of training inputs."""

import dataclasses
import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from theory.definitions.arrays import is_traced
from theory.definitions.checks import check_whole, nan_unless
from theory.definitions.processes import AbstractProcess
from theory.exact_scores.point_masses import PointMasses
from theory.v_kernel.population import Population

_GOLDEN = (5**0.5 - 1) / 2

# The lattice's noise is drawn this much wider than the real one: features in the gaps between point masses are seen
# by the tails of the noise alone, and without it by a handful of points.
_NOISE_SPREAD = 1.5


def lattice_population(data: PointMasses, process: AbstractProcess, count: int = 2**14) -> Population:
    """About `count` points for p(x, t): one rank-1 lattice in (t, ε) per point mass, each of 2^k points.

    Times have the density q = ½/|T - ε| + ½|d log-SNR/dt|/(range of the log-SNR) and the mass 1/q: half as in
    training, half where weights such as α²/σ² are large. The error falls as 1/N for smooth integrands.

    Raises ValueError for fewer than 16 points per point mass, for a number that is not whole, or a process whose
    signal-to-noise ratio is infinite at an end (flow matching).
    """
    check_whole("count", count)
    masses, dimension = data.points.shape
    if count < 16 * masses:
        raise ValueError(f"count must be 16 points or more per point mass; got {count} for {masses}")
    nodes = 2 ** round(np.log2(count / masses))
    # Whole numbers first: a product of float indices would lose the fraction's last digits.
    fraction = (np.arange(nodes)[:, None] * _generator(nodes, dimension + 1)[None] % nodes) / nodes
    # Every point mass shifts the lattice elsewhere, by the golden ratio, so that their times interleave.
    shift = (np.arange(masses)[:, None, None] * _GOLDEN + 0.5 / nodes) * np.arange(1, dimension + 2)
    uniform = np.clip((fraction[None] + shift) % 1, 1 / (8 * nodes), 1 - 1 / (8 * nodes))
    population, usable = _noisy_points(data, process, jnp.asarray(uniform))
    if is_traced(usable):
        # Masses that are not numbers say the same.
        return dataclasses.replace(population, mass=nan_unless(usable, population.mass))
    if not usable:
        raise ValueError(
            "the log signal-to-noise ratio must be finite at both ends of the process; got an infinite one"
        )
    return population


@functools.cache
def _generator(nodes: int, coordinates: int) -> np.ndarray:
    """Integers z for which the lattice {k z/N} has a small worst-case error for smooth functions.

    One coordinate after the other, the best of 200 candidates by P₂ = (1/N) Σ_k Π_j [1 + 2π²B₂({k z_j/N})] - 1
    (Sloan & Reztsov, Math. Comp. 71, 263 (2002)). In two coordinates and time it is ten times as accurate here as a
    vector made for all N at once.
    """
    index = np.arange(nodes)

    def factor(integer: int) -> np.ndarray:
        fraction = index * integer % nodes / nodes
        return 1 + 2 * np.pi**2 * (fraction**2 - fraction + 1 / 6)

    chosen, product = [1], factor(1)
    for coordinate in range(1, coordinates):
        # Odd, so that every coordinate takes all N values; spread by the golden ratio.
        fractions = (np.arange(1, 201) * _GOLDEN * (coordinate + 1)) % 1
        candidates = 2 * (fractions * nodes / 2).astype(int) + 1
        errors = [np.mean(product * factor(integer)) for integer in candidates]
        chosen.append(int(candidates[int(np.argmin(errors))]))
        product = product * factor(chosen[-1])
    return np.asarray(chosen)


@eqx.filter_jit
def _noisy_points(data: PointMasses, process: AbstractProcess, uniform: Array) -> tuple[Population, Array]:
    """The lattice carried to (x, t), and whether the process has a finite log-SNR at both ends."""
    ends = jnp.asarray([process.end_time, process.start_time], dtype=uniform.dtype)
    ratios = process.log_snr(ends)
    duration, decay = ends[1] - ends[0], ratios[0] - ratios[1]
    low, high = (jnp.full_like(uniform[..., 0], jax.lax.stop_gradient(end)) for end in ends)

    def share_before(time: Array) -> Array:
        return (time - ends[0]) / (2 * duration) + (ratios[0] - process.log_snr(time)) / (2 * decay)

    def halve(_, bracket: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = bracket
        middle = (low + high) / 2
        early = share_before(middle) < uniform[..., 0]
        return jnp.where(early, middle, low), jnp.where(early, high, middle)

    low, high = jax.lax.fori_loop(0, 60, halve, (low, high))
    # Bisection forgets what the ends depend on: the derivative is that of the implicit function, dt = -d share/q.
    time = jax.lax.stop_gradient((low + high) / 2)
    share = share_before(time)
    density = (1 / duration + 2 * process.diffusion_coefficient(time) / process.noise_scale(time) ** 2 / decay) / 2
    time = time - (share - jax.lax.stop_gradient(share)) / jax.lax.stop_gradient(density)
    sigma, alpha = process.noise_scale(time), process.signal_scale(time)
    # d log-SNR/dt = -2D/σ².
    mass = 1 / (1 / duration + 2 * process.diffusion_coefficient(time) / sigma**2 / decay)
    standard = jax.scipy.special.ndtri(uniform[..., 1:])
    noise = _NOISE_SPREAD * standard
    mass = mass * jnp.exp(jnp.sum(standard**2 - noise**2, axis=-1) / 2)
    x = alpha[..., None] * data.points[:, None, :] + sigma[..., None] * noise
    population = Population(x.reshape(-1, x.shape[-1]), time.reshape(-1), (mass / jnp.sum(mass)).reshape(-1))
    return population, jnp.all(jnp.isfinite(ratios))
