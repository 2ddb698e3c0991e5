"""The population that training triples are drawn from, as weighted points, and what a network regresses on there.

A triple (x_0, x, t) has x_0 a point mass, t uniform between the process's two ends and x = α x_0 + σ ε. Averages over
x_0 given (x, t) are exact; averages over z = (x, t) are sums over the points of a `Population`.
"""

import functools
from typing import Protocol

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from theory.definitions.processes import AbstractProcess
from theory.exact_scores.point_masses import PointMasses

Z = tuple[Float[Array, "*batch dim"], Float[Array, "*batch"]]

_ROUND_OFF = 1e-5  # of the sum of masses, in single precision

_GOLDEN = (5**0.5 - 1) / 2
# The lattice's noise is drawn this much wider than the real one: features in the gaps between point masses are seen
# by the tails of the noise alone, and without it by a handful of points.
_NOISE_SPREAD = 1.5


class FeatureMap(Protocol):
    """What a model linear in its parameters needs to know: F functions of (x, t)."""

    @property
    def number(self) -> int: ...

    def __call__(self, x: Float[Array, "*batch dim"], time: Float[Array, "*batch"], /) -> Float[Array, "*batch F"]: ...


class Population(eqx.Module):
    """N weighted points that stand for the law p(x, t) of training inputs: E f(x, t) = Σ_n p_n f(x_n, t_n).

    `x` is (N, D), `time` and `mass` are (N,); masses are positive and sum to one. Raises ValueError for other shapes
    or masses.
    """

    x: Float[Array, "N dim"]
    time: Float[Array, " N"]
    mass: Float[Array, " N"]

    def __check_init__(self) -> None:
        if self.x.ndim != 2 or not self.time.shape == self.mass.shape == self.x.shape[:1]:
            shapes = (self.x.shape, self.time.shape, self.mass.shape)
            raise ValueError(f"a population needs x (N, D), time (N,) and mass (N,); got shapes {shapes}")
        if isinstance(self.mass, Tracer):
            return
        total = np.sum(np.asarray(self.mass, dtype=float))
        if not (np.all(np.asarray(self.mass) > 0) and abs(total - 1) < _ROUND_OFF):
            raise ValueError(f"the masses of a population must be positive and sum to one; got the sum {total}")


def lattice_population(data: PointMasses, process: AbstractProcess, count: int = 2**14) -> Population:
    """About `count` points for p(x, t): one rank-1 lattice in (t, ε) per point mass, each of 2^k points.

    Times have the density q = ½/|T - ε| + ½|d log-SNR/dt|/(range of the log-SNR) and the mass 1/q: half as in
    training, half where weights such as α²/σ² are large. The error falls as 1/N for smooth integrands.

    Raises ValueError for fewer than 16 points per point mass, or a process whose signal-to-noise ratio is infinite at
    an end (flow matching).
    """
    masses, dimension = data.points.shape
    if count < 16 * masses:
        raise ValueError(f"a lattice needs 16 points or more per point mass; got {count} for {masses}")
    nodes = 2 ** round(np.log2(count / masses))
    # Whole numbers first: a product of float indices would lose the fraction's last digits.
    fraction = (np.arange(nodes)[:, None] * _generator(nodes, dimension + 1)[None] % nodes) / nodes
    # Every point mass shifts the lattice elsewhere, by the golden ratio, so that their times interleave.
    shift = (np.arange(masses)[:, None, None] * _GOLDEN + 0.5 / nodes) * np.arange(1, dimension + 2)
    uniform = np.clip((fraction[None] + shift) % 1, 1 / (8 * nodes), 1 - 1 / (8 * nodes))
    population, usable = _noisy_points(data, process, jnp.asarray(uniform))
    if not usable:
        raise ValueError("this process has an infinite log signal-to-noise ratio at an end; no lattice covers it")
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
    low, high = (jnp.full_like(uniform[..., 0], end) for end in ends)

    def halve(_, bracket: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = bracket
        middle = (low + high) / 2
        share = (middle - ends[0]) / (2 * duration) + (ratios[0] - process.log_snr(middle)) / (2 * decay)
        early = share < uniform[..., 0]
        return jnp.where(early, middle, low), jnp.where(early, high, middle)

    low, high = jax.lax.fori_loop(0, 60, halve, (low, high))
    time = (low + high) / 2
    sigma, alpha = process.noise_scale(time), process.signal_scale(time)
    # d log-SNR/dt = -2D/σ².
    mass = 1 / (1 / duration + 2 * process.diffusion_coefficient(time) / sigma**2 / decay)
    standard = jax.scipy.special.ndtri(uniform[..., 1:])
    noise = _NOISE_SPREAD * standard
    mass = mass * jnp.exp(jnp.sum(standard**2 - noise**2, axis=-1) / 2)
    x = alpha[..., None] * data.points[:, None, :] + sigma[..., None] * noise
    return Population(x.reshape(-1, x.shape[-1]), time.reshape(-1), (mass / jnp.sum(mass)).reshape(-1)), jnp.all(
        jnp.isfinite(ratios)
    )
